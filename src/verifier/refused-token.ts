/** Why a token was refused. */
export type RefusalCode =
  /** the request has none */
  | "missing"
  /** it is no token of these issuers for this audience */
  | "invalid"
  | "expired"
  /** it ended before its `exp` */
  | "revoked"
  /** whether it was revoked is not known, because the feed has been silent for too long */
  | "stale"
  /** the issuer's keys cannot be had */
  | "unavailable"
  /** it lacks a scope */
  | "insufficient_scope";

/** A token that is not accepted. `stale` and `unavailable` say nothing of the token: it may be tried again. */
export class TokenRefused extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TokenRefused";
    this.code = code;
  }
}
