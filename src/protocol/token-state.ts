/** What is recorded about a token and what it hangs on, as far as it decides whether the token is alive. Instants in tenant time. */
export interface TokenStateFacts {
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  readonly grantIsDead: boolean;
  readonly identityIsDead: boolean;
  readonly keyIsCompromised: boolean;
  /** everything issued before this second is dead */
  readonly validAfter: number;
}

/**
 * Why a token is dead at this second, for the decision; undefined when it is alive. A token is dead at the second of `exp`
 * (specification section 2); revocation is a fact about the token or an ancestor (settled 3).
 *
 * @param now seconds of tenant time
 */
export function findCauseOfDeath(token: TokenStateFacts, now: number): string | undefined {
  if (now >= token.expiresAt) return "expired";
  if (token.revokedAt !== undefined) return "revoked";
  if (token.grantIsDead) return "its grant was revoked";
  if (token.identityIsDead) return "its identity is suspended or deleted";
  if (token.issuedAt < token.validAfter) return "everything issued before was revoked";
  if (token.keyIsCompromised) return "its key was marked compromised";
  // Rule 14: a node whose clock is behind the issuer's must not refuse a fresh token; only an asked-for not_before is later.
  if (token.notBefore > token.issuedAt && now < token.notBefore) return "not valid yet";
  return undefined;
}
