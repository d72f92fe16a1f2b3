// The access token's claims: RFC 9068 and the reference's `azp` and `bi_*` (mayfly.md §4, reference 1.9).
//
// The same function makes the JWT and the answer of introspection, from what the token's row keeps: subject, audience, scope and
// custom claims as they were said, so that both agree after any later change (settled 16).

import type { ApplicationKey, SigningAlgorithm } from "./client-metadata.ts";

/** The grant that gave the first token of a line (`bi_ty`). */
export type GrantType =
  | "authorization_code"
  | "client_credentials"
  | "refresh_token"
  | "urn:ietf:params:oauth:grant-type:token-exchange";

/** Narrows a recorded grant type to those that exist. */
export function toGrantType(text: string): GrantType {
  if (text === "authorization_code" || text === "client_credentials" || text === "refresh_token") return text;
  return "urn:ietf:params:oauth:grant-type:token-exchange";
}

/** Who acts: an application, or a person through it. */
export interface Principal extends ApplicationKey {
  readonly identityId?: string | undefined;
}

/** What an access token says. */
export interface AccessTokenInput {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly clientId: string;
  /** the row's id */
  readonly tokenId: string;
  /** epoch seconds, tenant time */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** absent: `issuedAt` */
  readonly notBefore?: number | undefined;
  readonly scope: readonly string[];
  readonly principal: Principal;
  /** `*` or a realm; absent: the application's own (rule 8) */
  readonly targetRealm?: string | undefined;
  readonly grantType: GrantType;
  /** the login session's id, if one made this token */
  readonly sessionId?: string | undefined;
  /** what the events of one login have in common */
  readonly transactionId?: string | undefined;
  /** absent unless `custom_claims` was sent; {} is said too */
  readonly customClaims?: Readonly<Record<string, unknown>> | undefined;
  /** who acts for the subject (RFC 8693 §4.1) */
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  /** a pairwise application learns nothing that another could compare (rule 20) */
  readonly pairwise?: boolean | undefined;
}

export interface AccessTokenClaims {
  readonly [claim: string]: unknown;
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly client_id: string;
  readonly scope: string;
}

/** The claims of an access token, in a JWT and at introspection. */
export function accessTokenClaims(input: AccessTokenInput): AccessTokenClaims {
  const { principal } = input;
  const realm = `tenants/${principal.tenantId}/realms/${principal.realmId}`;
  const application = `${realm}/applications/${principal.applicationId}`;
  const actor = principal.identityId === undefined ? application : `${realm}/identities/${principal.identityId}`;
  return {
    iss: input.issuer,
    sub: input.subject,
    aud: input.audience,
    exp: input.expiresAt,
    nbf: input.notBefore ?? input.issuedAt,
    iat: input.issuedAt,
    jti: input.tokenId,
    client_id: input.clientId,
    scope: input.scope.join(" "),
    azp: application,
    bi_t: principal.tenantId,
    bi_r: input.targetRealm ?? principal.realmId,
    ...(input.pairwise ? {} : { bi_p: actor, bi_s: input.sessionId ?? "" }),
    bi_x: input.transactionId ?? "",
    bi_ty: input.grantType,
    ...(input.actor === undefined ? {} : { act: input.actor }),
    ...(input.customClaims === undefined ? {} : { bi_custom: input.customClaims }),
  };
}

/** The JOSE header of an access token (RFC 9068 §2.1, rule 34); `keySetUrl` is the issuer's `jwks_uri`. */
export function accessTokenHeader(
  algorithm: SigningAlgorithm,
  keyId: string,
  keySetUrl: string,
): Readonly<Record<string, string>> {
  return { typ: "at+jwt", alg: algorithm, kid: keyId, jku: keySetUrl };
}

/**
 * Whom an access token is for (reference 1.9): the resource server; the client too where a person is behind it, for userinfo;
 * the client alone where there is no resource server.
 */
export function audienceOf(token: {
  readonly clientId: string;
  readonly resourceServerIdentifier: string | undefined;
  readonly forIdentity: boolean;
}): readonly string[] {
  const { clientId, resourceServerIdentifier } = token;
  if (resourceServerIdentifier === undefined) return [clientId];
  return token.forIdentity ? [clientId, resourceServerIdentifier] : [resourceServerIdentifier];
}
