/** The cause of a token that will be alive. */
export const NOT_YET = "not valid yet";
/** The cause of a token that has no use left: what was exchanged from it lives on. */
export const USED_UP = "used up";

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
  /** how often it may still be used; undefined: as often as it is wanted (rule 17) */
  readonly usesLeft: number | undefined;
  /** the tokens that it was exchanged from, undefined for one whose row is gone: that is dead, too (settled 1) */
  readonly ancestors: readonly (TokenStateFacts | undefined)[];
}

/**
 * Why a token is dead at this second, for the decision; undefined when it is alive. A token is dead at the second of `exp`
 * (specification section 2); revocation is a fact about the token or an ancestor (settled 3).
 *
 * @param now seconds of tenant time
 */
export function findCauseOfDeath(token: TokenStateFacts, now: number): string | undefined {
  const cause = findCauseOfEnd(token, now);
  if (cause !== undefined) return cause;
  // Rule 14: a node whose clock is behind the issuer's must not refuse a fresh token; only an asked-for not_before is later.
  if (token.notBefore <= token.issuedAt || now >= token.notBefore) return undefined;
  return token.expiresAt <= token.notBefore ? "it was shortened to end before it begins" : NOT_YET;
}

/**
 * Why a token will never be alive again; undefined for one that is alive or will be. Whoever ends or shortens a token means one that
 * is not valid yet, too (rule 28).
 *
 * @param now seconds of tenant time
 */
export function findCauseOfEnd(token: TokenStateFacts, now: number): string | undefined {
  if (now >= token.expiresAt) return "expired";
  if (token.revokedAt !== undefined) return "revoked";
  if (token.grantIsDead) return "its grant was revoked";
  if (token.identityIsDead) return "its identity is suspended or deleted";
  if (token.issuedAt < token.validAfter) return "everything issued before was revoked";
  if (token.keyIsCompromised) return "its key was marked compromised";
  if (token.usesLeft !== undefined && token.usesLeft <= 0) return USED_UP;
  if (token.ancestors.some((ancestor) => hasEnded(ancestor, now)))
    return "a token that it was exchanged from has ended";
  return undefined;
}

function hasEnded(ancestor: TokenStateFacts | undefined, now: number): boolean {
  return ancestor === undefined || !isOpen(ancestor, now);
}

/**
 * Whether a token can be ended or shortened: it is alive or will be, or it was used up: that gave what it had to its descendants, which go
 * on living.
 *
 * @param now seconds of tenant time
 */
export function isOpen(token: TokenStateFacts, now: number): boolean {
  return findCauseOfEnd({ ...token, usesLeft: undefined }, now) === undefined;
}

/** What bounds a token's life: its own end and those of all that it hangs on, in seconds of tenant time. */
export interface Ends {
  readonly expiresAt: number;
  /** undefined where it has no grant */
  readonly grantEndsAt: number | undefined;
  readonly ancestors: readonly ({ readonly expiresAt: number } | undefined)[];
}

/** When a token ends: no descendant outlives its ancestor, whatever was shortened since. */
export function effectiveEnd({ expiresAt, grantEndsAt, ancestors }: Ends): number {
  const bounds = ancestors.map((ancestor) => ancestor?.expiresAt ?? 0);
  return Math.min(expiresAt, grantEndsAt ?? expiresAt, ...bounds);
}

/** What is recorded of a refresh family, as far as it decides whether it is alive. */
export interface FamilyStateFacts {
  readonly issuedAt: number;
  readonly refreshExpiresAt: number | undefined;
  readonly siblings: readonly Uint8Array[];
  readonly revokedAt: number | undefined;
  readonly identityIsDead: boolean;
  readonly sessionIsOver: boolean;
  readonly validAfter: number;
}

/** When a family's refresh tokens end, in seconds of tenant time; undefined when none of them can be used any more. */
export function findFamilyEnd(family: FamilyStateFacts, now: number): number | undefined {
  if (family.revokedAt !== undefined || family.siblings.length === 0) return undefined;
  if (findCauseAroundGrant(family) !== undefined) return undefined;
  return family.refreshExpiresAt !== undefined && now < family.refreshExpiresAt ? family.refreshExpiresAt : undefined;
}

/** Why a grant lets no token of its live any more; undefined while it does. */
export function findCauseOfGrantDeath(
  grant: Omit<FamilyStateFacts, "refreshExpiresAt" | "siblings"> & { readonly endsAt: number },
  now: number,
): string | undefined {
  if (grant.revokedAt !== undefined) return "revoked";
  if (now >= grant.endsAt) return "expired";
  return findCauseAroundGrant(grant);
}

// What ends a grant without touching it.
function findCauseAroundGrant(
  grant: Pick<FamilyStateFacts, "issuedAt" | "identityIsDead" | "sessionIsOver" | "validAfter">,
): string | undefined {
  if (grant.identityIsDead) return "its identity is suspended or deleted";
  if (grant.sessionIsOver) return "its session was ended";
  if (grant.issuedAt < grant.validAfter) return "everything issued before was revoked";
  return undefined;
}
