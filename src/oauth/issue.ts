import type { SigningKey } from "../keys/key-store.ts";
import { sha256 } from "../platform/hash.ts";
import type { GrantType } from "../protocol/access-token.ts";
import { bucketFor } from "../protocol/bucket.ts";
import { JWT_LENGTH_MAX } from "../protocol/compact-jwt.ts";
import { idTokenClaims } from "../protocol/id-token.ts";
import { lifetimeMember } from "../protocol/lifetime.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { formatOpaqueToken, formatRefreshToken, SECRET_BYTES, tokenSuffix } from "../protocol/opaque-token.ts";
import type { StatusPlace } from "../protocol/status-list.ts";
import { decodeId, encodeId, ID_KINDS, ID_RANDOM_BYTES, type IdParts } from "../protocol/token-id.ts";
import type { KeyExpiry, NewToken } from "../resources/token-issue/queries.ts";
import { claimsOf, type DecidedIssue, decideIssue, issuerOfRequest } from "./decide-issue.ts";
import type { Authorization, MadeRefreshToken, TokenRequest } from "./grants/grant.ts";
import { personOf } from "./person.ts";
import { checkQuotas, countIssued } from "./quotas.ts";
import { statusListUri } from "./status-list.ts";

/** A token response, RFC 6749 section 5.1 with OpenID Connect's `id_token` and our `lifetime`. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: "Bearer";
  readonly issued_token_type?: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly lifetime?: unknown;
  /** as they were asked for */
  readonly max_uses?: number;
  readonly not_before?: number;
}

/**
 * The one place where tokens are made: decides the lifetime, signs, records. Resolves when the tokens are durable, with undefined
 * if what was to be spent had moved on in the meantime.
 *
 * @throws OAuthError for a lifetime that is refused; nothing is consumed
 */
export async function issueTokens(
  request: TokenRequest,
  authorization: Authorization,
  grantType: GrantType,
): Promise<TokenResponse | undefined> {
  const decided = decideIssue(request, authorization, grantType);
  const { lifetime } = decided;
  await checkQuotas(request, grantType);
  const made = makeRefreshToken(request, authorization);
  const access = await makeAccessToken(request, await placeStatus(request, decided));
  const idToken = await makeIdToken(request, authorization, access.token);
  const signatures = [access.signature, idToken?.signature].filter((signature) => signature !== undefined);
  const won = await request.services.writeIssue({
    token: access.row,
    basis: request.basis,
    advance: authorization.advance?.(made),
    movedUses: authorization.movedUses,
    rememberClaims: authorization.rememberClaims,
    keyExpiries: signatures.flatMap((signature) => signature.expiry ?? []),
  });
  if (!won) return undefined;
  request.services.tokenMeter.issued(grantType, request.context.client.tokenFormat, lifetime);
  countIssued(request, authorization, access.row);
  for (const { key, expiry } of signatures)
    if (expiry !== undefined) request.services.keys.rememberExpiry(key, expiry.latestExpiryAt);
  const member = lifetimeMember(lifetime);
  return {
    access_token: access.token,
    token_type: "Bearer",
    ...(authorization.issuedTokenType === undefined ? {} : { issued_token_type: authorization.issuedTokenType }),
    expires_in: lifetime.expiresAt - lifetime.issuedAt,
    scope: authorization.scope.scope.join(" "),
    ...(made === undefined ? {} : { refresh_token: made.token }),
    ...(idToken === undefined ? {} : { id_token: idToken.token }),
    ...(member === undefined ? {} : { lifetime: member }),
    ...(access.row.usesLeft === undefined ? {} : { max_uses: access.row.usesLeft }),
    ...(access.row.notBefore === undefined ? {} : { not_before: access.row.notBefore }),
  };
}

/** An access token with what is to be recorded of it. */
export interface MadeAccessToken {
  readonly token: string;
  readonly row: NewToken;
  /** absent for a referential token */
  readonly signature: Signature | undefined;
}

/** A key that signed, and until when it must be kept if the database does not know it yet (settled 17). */
interface Signature {
  readonly key: SigningKey;
  readonly expiry: KeyExpiry | undefined;
}

/**
 * Makes a decided access token; nobody has it and nothing is recorded yet.
 *
 * @throws OAuthError for one that would be too long
 */
export async function makeAccessToken(
  request: TokenRequest,
  { lifetime, token: decided }: DecidedIssue,
): Promise<MadeAccessToken> {
  const id = newId(request, lifetime.expiresAt - lifetime.issuedAt);
  const row = { ...decided, id: encodeId(id) };
  if (request.context.client.tokenFormat === "referential") {
    const token = formatOpaqueToken("access", id, request.services.deps.random.bytes(SECRET_BYTES));
    return { token, row: { ...row, ...fingerprint(token) }, signature: undefined };
  }
  const { keys } = request.services;
  const key = await keys.signingKey(request.context.key, request.context.client.signingAlgorithm, request.now);
  const claims = { ...claimsOf(request, row), ...statusClaim(request, row.status) };
  const token = await keys.signJwt(key, { typ: "at+jwt", jku: jwksUriOf(request) }, claims);
  if (token.length > JWT_LENGTH_MAX) {
    throw new OAuthError(
      "invalid_scope",
      `the token would have over ${JWT_LENGTH_MAX} characters; ask for fewer scopes or claims`,
    );
  }
  const signature = signatureOf(request, key, row.expiresAt);
  return { token, row: { ...row, ...fingerprint(token), keyId: key.keyId }, signature };
}

/** Gives a token a bit in a status list, where its application asks for one and an API hears of its tokens (rule 29). */
async function placeStatus(request: TokenRequest, decided: DecidedIssue): Promise<DecidedIssue> {
  const { client, key } = request.context;
  const { resourceServerId, expiresAt } = decided.token;
  if (!client.hasStatus || client.tokenFormat === "referential" || resourceServerId === undefined) return decided;
  const server = { tenantId: key.tenantId, realmId: key.realmId, resourceServerId };
  const owner = { server, algorithm: client.signingAlgorithm, now: request.now, expiresAt };
  return { ...decided, token: { ...decided.token, status: await request.services.placeStatus(owner) } };
}

// Draft-ietf-oauth-status-list §6.1.
function statusClaim(request: TokenRequest, place: StatusPlace | undefined): object {
  if (place === undefined) return {};
  const uri = statusListUri(request.services, request.context.key, place.list);
  return { status: { status_list: { idx: place.index, uri } } };
}

function signatureOf(request: TokenRequest, key: SigningKey, expiresAt: number): Signature {
  const latestExpiryAt = request.services.keys.publishedExpiry(key, expiresAt);
  return { key, expiry: latestExpiryAt === undefined ? undefined : { keyId: key.keyId, latestExpiryAt } };
}

function fingerprint(token: string): { tokenHash: Buffer; tokenSuffix: string } {
  return { tokenHash: sha256(token), tokenSuffix: tokenSuffix(token) };
}

// Settled 1: the bucket is real time plus the lifetime, whatever the tenant's clock says.
function newId(request: TokenRequest, lifetimeSeconds: number): IdParts {
  const { clock, random } = request.services.deps;
  return {
    traceId: request.traceId,
    kind: ID_KINDS.access,
    bucket: bucketFor(clock.nowSeconds(), lifetimeSeconds),
    random: random.bytes(ID_RANDOM_BYTES),
  };
}

function jwksUriOf(request: TokenRequest): string {
  return `${issuerOfRequest(request)}/.well-known/jwks.json`;
}

function makeRefreshToken(
  request: TokenRequest,
  authorization: Authorization,
): (MadeRefreshToken & { token: string }) | undefined {
  const { refresh, grant } = authorization;
  if (refresh === undefined || grant === undefined) return undefined;
  const id = decodeId(grant.id);
  if (id === undefined) throw new Error("a grant has an id of another form");
  const secret = request.services.deps.random.bytes(SECRET_BYTES);
  const token = formatRefreshToken({ id, generation: refresh.generation, secret }, refresh.macKey);
  return { token, hash: sha256(token), suffix: tokenSuffix(token) };
}

async function makeIdToken(
  request: TokenRequest,
  authorization: Authorization,
  accessToken: string,
): Promise<{ readonly token: string; readonly signature: Signature } | undefined> {
  const { grant, scope } = authorization;
  const { client, key } = request.context;
  if (grant?.identity === undefined || client.type !== "oidc" || !scope.scope.includes("openid")) return undefined;
  const { keys } = request.services;
  const signer = await keys.signingKey(key, client.idTokenAlgorithm, request.now);
  const claims = idTokenClaims({
    issuer: issuerOfRequest(request),
    subject: grant.subject,
    clientId: client.clientId,
    tokenId: encodeId(newId(request, client.idTokenLifetimeSeconds)),
    issuedAt: request.now,
    lifetimeSeconds: client.idTokenLifetimeSeconds,
    authTime: grant.authTime,
    acr: grant.acr,
    amr: grant.amr,
    sessionId: grant.sessionId === "" ? undefined : (grant.clientSessionId ?? grant.sessionId),
    nonce: authorization.nonce,
    accessToken,
    algorithm: signer.algorithm,
    person: personOf(grant.identity),
    scope: scope.scope,
    claimsSetting: client.idTokenClaims,
    requestedClaims: grant.claims.idToken,
  });
  const token = await keys.signJwt(signer, { typ: "JWT" }, claims);
  return { token, signature: signatureOf(request, signer, claims.exp) };
}
