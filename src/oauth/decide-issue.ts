import {
  type AccessTokenClaims,
  accessTokenClaims,
  audienceOf,
  type GrantType,
  toGrantType,
} from "../protocol/access-token.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { configuredCeilings } from "../protocol/configured-ceilings.ts";
import { decideLifetime, type LifetimeGranted, lifetimeRecord, lifetimeRefusal } from "../protocol/lifetime.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { splitScope } from "../protocol/scope.ts";
import { checkEndReachable, checkUsesCountable } from "../protocol/use-bounds.ts";
import type { NewToken } from "../resources/token-issue/queries.ts";
import type { Authorization, Inherited, TokenRequest } from "./grants/grant.ts";

/** A token as it will be recorded, all but its name and its fingerprint. */
export type DecidedToken = Omit<NewToken, "id" | "tokenHash" | "tokenSuffix" | "keyId">;

/** An access token that would be issued, and why so. */
export interface DecidedIssue {
  readonly lifetime: LifetimeGranted;
  readonly token: DecidedToken;
}

/**
 * Decides an access token: how long it lives, whom it is for, what it says. Pure; the token endpoint and the preview call it (mayfly.md §3).
 *
 * @throws OAuthError for a lifetime or a bound that is refused
 */
export function decideIssue(request: TokenRequest, authorization: Authorization, grantType: GrantType): DecidedIssue {
  checkUsesCountable(request.maxUses ?? authorization.movedUses?.uses, request.context.client.tokenFormat);
  checkStart(request, authorization.parentExpiresAt);
  const lifetime = decideGrantedLifetime(request, authorization);
  checkEndReachable(request.notBefore, lifetime);
  return { lifetime, token: describeToken(request, { authorization, lifetime, grantType }) };
}

// What has ended already is refused as such; what only the caller's own not_before is too late for is the caller's to mend.
function checkStart({ notBefore, now }: TokenRequest, parentExpiresAt: number | undefined): void {
  if (notBefore === undefined || parentExpiresAt === undefined || parentExpiresAt <= now) return;
  if (notBefore < parentExpiresAt) return;
  throw new OAuthError(
    "invalid_request",
    `not_before ${notBefore} is not before the end of the refresh token or the exchanged token, ${parentExpiresAt}`,
  );
}

/** The lifetime of a request at the ceilings that apply to it (specification section 3). */
function decideGrantedLifetime(request: TokenRequest, authorization: Authorization): LifetimeGranted {
  const { client, realm } = request.context;
  const verdict = decideLifetime({
    requested: request.expirationTime,
    ceilings: configuredCeilings(
      { ...request.context, ...authorization.target },
      {
        scope: authorization.scope.scope,
        consentSeconds: authorization.consentSeconds,
        parentExpiresAt: authorization.parentExpiresAt,
        now: request.notBefore ?? request.now,
      },
    ),
    floorSeconds: realm.tokenPolicy.minExpiresAfterSeconds ?? 1,
    defaultSeconds: client.defaultExpiresAfterSeconds,
    overLimit: client.overLimit,
    now: request.now,
    startsAt: request.notBefore,
  });
  if (verdict.outcome === "refused") throw lifetimeRefusal(verdict);
  return verdict;
}

interface TokenParts {
  readonly authorization: Authorization;
  readonly lifetime: LifetimeGranted;
  readonly grantType: GrantType;
}

function describeToken(request: TokenRequest, parts: TokenParts): DecidedToken {
  const { authorization, lifetime, grantType } = parts;
  const { key } = request.context;
  return {
    ...key,
    ...(authorization.inherited ?? inheritNothing(request, authorization)),
    identityId: authorization.identityId,
    sessionId: authorization.sessionId,
    transactionId: authorization.transactionId,
    grantType,
    subject: authorization.subject,
    scope: authorization.scope.scope.join(" "),
    customClaims: authorization.customClaims,
    displayName: request.tokenName,
    issuedAt: lifetime.issuedAt,
    notBefore: request.notBefore,
    expiresAt: lifetime.expiresAt,
    usesLeft: request.maxUses ?? authorization.movedUses?.uses,
    decision: describeDecision(request, parts),
  };
}

/** Whom a token is for that is exchanged from no other: as its application is linked. */
function inheritNothing(
  { context: { client, resourceServer } }: TokenRequest,
  authorization: Authorization,
): Inherited {
  return {
    resourceServerId: resourceServer?.resourceServerId,
    grantId: authorization.grant?.id,
    audience: audienceOf({
      clientId: client.clientId,
      resourceServerIdentifier: resourceServer?.identifier,
      forIdentity: authorization.identityId !== undefined,
    }),
    targetRealm: client.targetRealm,
  };
}

function describeDecision(
  { notBefore, maxUses }: TokenRequest,
  { authorization, lifetime }: TokenParts,
): Readonly<Record<string, unknown>> {
  return {
    lifetime: lifetimeRecord(lifetime),
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    ...(maxUses === undefined ? {} : { max_uses: maxUses }),
    scopes_dropped: authorization.scope.dropped,
    ...authorization.facts,
  };
}

/** Whose tokens a request is about: the issuer of its application. */
export function issuerOfRequest({ services, context }: TokenRequest): string {
  return issuerOf(services.deps.config.publicUrl, context.key, context.client.issuerMode);
}

/** What a decided token says, under the name that it has or will have. */
export function claimsOf(request: TokenRequest, row: DecidedToken & { readonly id: string }): AccessTokenClaims {
  const { context } = request;
  return accessTokenClaims({
    issuer: issuerOfRequest(request),
    subject: row.subject,
    audience: row.audience,
    clientId: context.client.clientId,
    tokenId: row.id,
    issuedAt: row.issuedAt,
    notBefore: row.notBefore,
    expiresAt: row.expiresAt,
    scope: splitScope(row.scope),
    principal: { ...context.key, identityId: row.identityId },
    targetRealm: row.targetRealm,
    grantType: toGrantType(row.grantType),
    sessionId: row.sessionId,
    transactionId: row.transactionId,
    customClaims: parseClaims(row.customClaims),
    actor: parseClaims(row.actor),
    pairwise: context.client.subjectType === "pairwise" || row.hidesPerson,
  });
}

/** The object that recorded custom claims say; they were checked when they were sent. */
export function parseClaims(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}
