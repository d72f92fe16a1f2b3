// The logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, rule 12): tells a client that a session of its is over.

/** How long a logout token may be used, in seconds: §2.4 asks for two minutes at most. */
export const LOGOUT_TOKEN_LIFETIME_SECONDS = 120;
const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** What a logout token says. */
export interface LogoutTokenInput {
  readonly issuer: string;
  readonly clientId: string;
  /** what the client calls person and session */
  readonly subject: string;
  readonly sessionId: string;
  readonly tokenId: string;
  /** epoch seconds, tenant time */
  readonly issuedAt: number;
}

/** The claims of a logout token. It has no `nonce`, so that it never passes for an ID token. */
export function logoutTokenClaims(input: LogoutTokenInput): Readonly<Record<string, unknown>> {
  return {
    iss: input.issuer,
    aud: input.clientId,
    sub: input.subject,
    sid: input.sessionId,
    iat: input.issuedAt,
    exp: input.issuedAt + LOGOUT_TOKEN_LIFETIME_SECONDS,
    jti: input.tokenId,
    events: { [LOGOUT_EVENT]: {} },
  };
}
