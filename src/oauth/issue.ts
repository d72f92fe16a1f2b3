import type { SigningKey } from "../keys/key-store.ts";
import { sha256 } from "../platform/hash.ts";
import { accessTokenClaims, audienceOf, type GrantType } from "../protocol/access-token.ts";
import { bucketFor } from "../protocol/bucket.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { JWT_LENGTH_MAX } from "../protocol/compact-jwt.ts";
import { configuredCeilings } from "../protocol/configured-ceilings.ts";
import { idTokenClaims } from "../protocol/id-token.ts";
import {
  decideLifetime,
  type LifetimeGranted,
  lifetimeMember,
  lifetimeRecord,
  lifetimeRefusal,
} from "../protocol/lifetime.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { formatOpaqueToken, formatRefreshToken, SECRET_BYTES, tokenSuffix } from "../protocol/opaque-token.ts";
import { splitScope } from "../protocol/scope.ts";
import { decodeId, encodeId, ID_KINDS, ID_RANDOM_BYTES, type IdParts } from "../protocol/token-id.ts";
import type { KeyExpiry, NewToken } from "../resources/token-issue/queries.ts";
import type { Authorization, MadeRefreshToken, TokenRequest } from "./grants/grant.ts";
import { personOf } from "./person.ts";
import { checkQuotas, countIssued } from "./quotas.ts";

/** A token response, RFC 6749 section 5.1 with OpenID Connect's `id_token` and our `lifetime`. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly lifetime?: unknown;
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
  const lifetime = decideGrantedLifetime(request, authorization);
  await checkQuotas(request, grantType);
  const made = makeRefreshToken(request, authorization);
  const access = await makeAccessToken(request, { authorization, lifetime, grantType });
  const idToken = await makeIdToken(request, authorization, access.token);
  const signatures = [access.signature, idToken?.signature].filter((signature) => signature !== undefined);
  const won = await request.services.writeIssue({
    token: access.row,
    basis: request.basis,
    advance: authorization.advance?.(made),
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
    expires_in: lifetime.grantedSeconds,
    scope: authorization.scope.scope.join(" "),
    ...(made === undefined ? {} : { refresh_token: made.token }),
    ...(idToken === undefined ? {} : { id_token: idToken.token }),
    ...(member === undefined ? {} : { lifetime: member }),
  };
}

/** The lifetime of a request at the ceilings that apply to it (specification section 3). */
function decideGrantedLifetime(request: TokenRequest, authorization: Authorization): LifetimeGranted {
  const { client, realm } = request.context;
  const verdict = decideLifetime({
    requested: request.expirationTime,
    ceilings: configuredCeilings(request.context, {
      scope: authorization.scope.scope,
      consentSeconds: authorization.consentSeconds,
      parentExpiresAt: authorization.parentExpiresAt,
      now: request.now,
    }),
    floorSeconds: realm.tokenPolicy.minExpiresAfterSeconds ?? 1,
    defaultSeconds: client.defaultExpiresAfterSeconds,
    overLimit: client.overLimit,
    now: request.now,
  });
  if (verdict.outcome === "refused") throw lifetimeRefusal(verdict);
  return verdict;
}

interface MadeAccessToken {
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

interface AccessTokenParts {
  readonly authorization: Authorization;
  readonly lifetime: LifetimeGranted;
  readonly grantType: GrantType;
}

async function makeAccessToken(request: TokenRequest, parts: AccessTokenParts): Promise<MadeAccessToken> {
  const id = newId(request, parts.lifetime.grantedSeconds);
  const row = describeToken(request, parts, encodeId(id));
  if (request.context.client.tokenFormat === "referential") {
    const token = formatOpaqueToken("access", id, request.services.deps.random.bytes(SECRET_BYTES));
    return { token, row: { ...row, ...fingerprint(token) }, signature: undefined };
  }
  const { keys } = request.services;
  const key = await keys.signingKey(request.context.key, request.context.client.signingAlgorithm, request.now);
  const token = await keys.signJwt(key, { typ: "at+jwt", jku: jwksUriOf(request) }, claimsOf(request, row));
  if (token.length > JWT_LENGTH_MAX) {
    throw new OAuthError(
      "invalid_scope",
      `the token would have over ${JWT_LENGTH_MAX} characters; ask for fewer scopes or claims`,
    );
  }
  const signature = signatureOf(request, key, row.expiresAt);
  return { token, row: { ...row, ...fingerprint(token), keyId: key.keyId }, signature };
}

function signatureOf(request: TokenRequest, key: SigningKey, expiresAt: number): Signature {
  const latestExpiryAt = request.services.keys.publishedExpiry(key, expiresAt);
  return { key, expiry: latestExpiryAt === undefined ? undefined : { keyId: key.keyId, latestExpiryAt } };
}

type DescribedToken = Omit<NewToken, "tokenHash" | "tokenSuffix">;

function describeToken(request: TokenRequest, parts: AccessTokenParts, id: string): DescribedToken {
  const { authorization, lifetime, grantType } = parts;
  const { key, client, resourceServer } = request.context;
  return {
    ...key,
    id,
    resourceServerId: resourceServer?.resourceServerId,
    identityId: authorization.identityId,
    grantId: authorization.grant?.id,
    sessionId: authorization.sessionId,
    transactionId: authorization.transactionId,
    grantType,
    subject: authorization.subject,
    audience: audienceOf({
      clientId: client.clientId,
      resourceServerIdentifier: resourceServer?.identifier,
      forIdentity: authorization.identityId !== undefined,
    }),
    scope: authorization.scope.scope.join(" "),
    customClaims: authorization.customClaims,
    targetRealm: client.targetRealm,
    displayName: request.tokenName,
    issuedAt: lifetime.issuedAt,
    expiresAt: lifetime.expiresAt,
    decision: describeDecision(authorization, lifetime),
  };
}

function describeDecision(authorization: Authorization, lifetime: LifetimeGranted): Readonly<Record<string, unknown>> {
  return {
    lifetime: lifetimeRecord(lifetime),
    scopes_dropped: authorization.scope.dropped,
    ...authorization.facts,
  };
}

function claimsOf(request: TokenRequest, row: DescribedToken): object {
  return accessTokenClaims({
    issuer: issuerOfRequest(request),
    subject: row.subject,
    audience: row.audience,
    clientId: request.context.client.clientId,
    tokenId: row.id,
    issuedAt: row.issuedAt,
    expiresAt: row.expiresAt,
    scope: splitScope(row.scope),
    principal: { ...request.context.key, identityId: row.identityId },
    targetRealm: row.targetRealm,
    grantType: toGrantType(row.grantType),
    sessionId: row.sessionId,
    transactionId: row.transactionId,
    customClaims: parseClaims(row.customClaims),
    pairwise: request.context.client.subjectType === "pairwise",
  });
}

/** Narrows a recorded grant type to those that exist. */
export function toGrantType(text: string): GrantType {
  if (text === "authorization_code" || text === "client_credentials" || text === "refresh_token") return text;
  return "urn:ietf:params:oauth:grant-type:token-exchange";
}

/** The object that recorded custom claims say; they were checked when they were sent. */
export function parseClaims(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : undefined;
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

function issuerOfRequest({ services, context }: TokenRequest): string {
  return issuerOf(services.deps.config.publicUrl, context.key, context.client.issuerMode);
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
