import { equalBytes, sha256 } from "../platform/hash.ts";
import { isLivePartitionRange } from "../protocol/bucket.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { readJwtPart, splitJwt } from "../protocol/compact-jwt.ts";
import { parseOpaqueToken, parseRefreshToken, type RefreshToken, verifyRefreshMac } from "../protocol/opaque-token.ts";
import { decodeId, ID_KINDS } from "../protocol/token-id.ts";
import { findFamilyEnd } from "../protocol/token-state.ts";
import type { GrantFacts } from "../resources/grant/queries.ts";
import type { TokenFacts, TokenLookUp, TokenReading } from "../resources/token/queries.ts";
import type { Services } from "./services.ts";

/**
 * Finds the recorded access token that a presented string is, in the realm given (rule 30): an opaque token or a JWT of ours
 * leads to its row by its id, and the SHA-256 of the exact bytes presented decides. Nothing else of it is believed.
 *
 * @returns undefined for anything that is not a recorded access token of this realm, whatever the cause
 */
export async function findPresentedToken(
  services: Services,
  realm: RealmKey,
  presented: string,
): Promise<TokenFacts | undefined> {
  return (await readPresentedToken(services, realm, { text: presented })).facts;
}

/**
 * The same for a caller that was authenticated by kept configuration: the look-up says whether that still held.
 *
 * @param presented `basis` as `authenticateClient` gives it; without a look-up nothing is known of it
 */
export async function readPresentedToken(
  services: Services,
  realm: RealmKey,
  presented: Pick<TokenLookUp, "basis" | "withDecision"> & { readonly text: string },
): Promise<TokenReading> {
  const { text, basis, withDecision } = presented;
  const id = readTokenId(text);
  if (id === undefined || !isPossibleRow(services, id, ID_KINDS.access))
    return { facts: undefined, isBasisCurrent: basis === undefined };
  const reading = await services.readToken({
    tenantId: realm.tenantId,
    realmId: realm.realmId,
    id,
    basis,
    withDecision,
  });
  if (reading.facts !== undefined && equalBytes(reading.facts.tokenHash, sha256(text))) return reading;
  return { ...reading, facts: undefined };
}

/** A refresh token that was presented, with its family as it is now. */
export interface PresentedRefreshToken {
  readonly token: RefreshToken;
  readonly hash: Buffer;
  readonly grant: GrantFacts;
}

/**
 * Finds the family of a presented refresh token, if the token is authentic.
 *
 * @param refreshKeySealed the tenant's key of the refresh tokens' checksum
 */
export async function findPresentedRefreshToken(
  services: Services,
  realm: RealmKey,
  presented: { readonly text: string; readonly refreshKeySealed: Uint8Array },
): Promise<PresentedRefreshToken | undefined> {
  const token = parseRefreshToken(presented.text);
  if (token === undefined || !isPossibleRow(services, token.id, ID_KINDS.grant)) return undefined;
  const key = services.openRefreshKey(realm.tenantId, presented.refreshKeySealed);
  if (!verifyRefreshMac(token, [key])) return undefined;
  const grant = await services.readGrant({ tenantId: realm.tenantId, realmId: realm.realmId, id: token.id });
  return grant === undefined ? undefined : { token, hash: sha256(presented.text), grant };
}

/** Whether a presented refresh token is one of its family's live ones. */
export function isLiveRefreshToken({ grant, hash }: PresentedRefreshToken, now: number): boolean {
  return findFamilyEnd(grant, now) !== undefined && grant.siblings.some((sibling) => equalBytes(sibling, hash));
}

/** The id of an opaque access token, or the `jti` of something shaped like a JWT. */
function readTokenId(presented: string): string | undefined {
  const opaque = parseOpaqueToken(presented);
  if (opaque !== undefined) return opaque.kind === "access" ? opaque.id : undefined;
  const payload = readJwtPayload(presented);
  return typeof payload?.jti === "string" ? payload.jti : undefined;
}

/** The unverified payload of a JWT: good for a hint where to look, for nothing else. */
export function readJwtPayload(presented: string): Readonly<Record<string, unknown>> | undefined {
  const jwt = splitJwt(presented);
  return jwt && readJwtPart(jwt.payload);
}

/** Whether an id may enter a batch: rule 10 lets those in only of the full grammar, of the right kind and of a partition that can exist. */
export function isPossibleRow(services: Services, id: string, kind: number): boolean {
  const parts = decodeId(id);
  return (
    parts !== undefined && parts.kind === kind && isLivePartitionRange(parts.bucket, services.deps.clock.nowSeconds())
  );
}
