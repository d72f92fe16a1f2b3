// The family of one authorization: its code, and the refresh tokens that follow one another from it (rules 3, 4, 5 and 13; settled 7).
//
// One row remembers a family, however often it was refreshed: a token names its generation under a keyed checksum, so that an
// authentic token of an older generation is known to be spent. The law (rule 3): at every instant all unspent refresh tokens of a
// family are siblings, that is, they have the same parent. So whoever uses one ends the others, and a thief and an owner who both
// go on cannot both go unseen.
//
// Instants are epoch seconds of tenant time. Whose the token is (client, realm) is judged before: only the authenticated owner's
// request gets here.

import { equalBytes } from "../platform/hash.ts";

/** Most live siblings of one generation (rule 3). */
export const SIBLINGS_MAX = 8;

/** What the family's row remembers. */
export interface FamilyState {
  /** 0: only the code exists */
  readonly generation: number;
  /** SHA-256 of each live refresh token of this generation */
  readonly siblings: readonly Uint8Array[];
  /** SHA-256 of the refresh token whose use made this generation; absent for the first, which the code made */
  readonly parentHash?: Uint8Array | undefined;
  /** when the parent was first spent: the grace window is counted from here */
  readonly rotatedAt?: number | undefined;
  readonly codeSpentAt?: number | undefined;
  readonly revokedAt?: number | undefined;
  /** when every refresh token of the family ends (rule 4); absent: there are none */
  readonly refreshExpiresAt?: number | undefined;
}

/** Theft, or what looks like it: the family must be ended (`endFamily`) and the refusal returned, not thrown (house rule 6). */
export interface Reuse {
  readonly action: "reuse";
  readonly detail: string;
}

/** `invalid_grant`; nothing changes. */
export interface Refuse {
  readonly action: "refuse";
  readonly detail: string;
}

export type CodeDecision = SpendCode | Reuse | Refuse;

export interface SpendCode {
  readonly action: "spend";
  /** the family after this; with the first refresh token, where the application has them */
  readonly next: (refresh?: FirstRefreshToken) => FamilyState;
}

/** The refresh token that a code gives. */
export interface FirstRefreshToken {
  readonly hash: Uint8Array;
  readonly expiresAt: number;
}

/** `rotate`: the token is spent, its siblings with it, a new generation begins. `sibling`: one more token of the present one. */
export interface NewRefreshToken {
  readonly action: "rotate" | "sibling";
  /** the generation that the new token must name */
  readonly generation: number;
  /** the family with the new token, given by its SHA-256 */
  readonly next: (newHash: Uint8Array) => FamilyState;
}

/** The token stays as it is, and the response carries none (rule 4: `rotate: false`). */
export interface KeepRefreshToken {
  readonly action: "keep";
}

export type RefreshDecision = NewRefreshToken | KeepRefreshToken | Reuse | Refuse;

/** A code that was presented by its authenticated client. */
export interface PresentedCode {
  /** whether its SHA-256 is the row's */
  readonly hashMatches: boolean;
  readonly expiresAt: number;
  /** why redirect URI or verifier do not match, if they do not */
  readonly mismatch?: string | undefined;
  readonly now: number;
}

/** A refresh token that was presented by its authenticated client, under an authentic keyed checksum. */
export interface PresentedRefresh {
  readonly generation: number;
  readonly hash: Uint8Array;
  readonly now: number;
  /** the application's `refresh_token_configuration` */
  readonly rotate: boolean;
  readonly graceSeconds: number;
}

/**
 * Decides about a code, in the order of rule 5: only a request that would have been granted can end the family as reuse.
 * The expiry is that of an unspent code: a spent one is remembered until its family is forgotten, and a late replay is reuse too.
 */
export function decideCode(state: FamilyState, code: PresentedCode): CodeDecision {
  if (!code.hashMatches) return refuse("the code is unknown");
  if (state.revokedAt !== undefined) return refuse("the grant of the code was revoked");
  const spent = state.codeSpentAt !== undefined;
  if (!spent && code.expiresAt <= code.now) return refuse("the code has expired");
  if (code.mismatch !== undefined) return refuse(code.mismatch);
  // RFC 6749 §4.1.2, RFC 9700 §2.1.1: a second use means that somebody else has the code.
  if (spent) return reuse(`the code was used before, at ${state.codeSpentAt}`);
  return { action: "spend", next: (refresh) => afterCode(state, code.now, refresh) };
}

/**
 * Decides about a refresh token (rule 3, settled 7):
 * a live sibling is used and ends the others; the spent parent gives one more sibling while its window is open; every other
 * token of an earlier generation is reuse (RFC 9700 §4.14.2). With `rotate: false` the only live token is kept.
 */
export function decideRefresh(state: FamilyState, token: PresentedRefresh): RefreshDecision {
  if (state.revokedAt !== undefined) return refuse("the grant of the refresh token was revoked");
  if (state.refreshExpiresAt === undefined || state.refreshExpiresAt <= token.now) {
    return refuse("the refresh token has expired");
  }
  if (token.generation > state.generation || token.generation < 1) return refuse("the refresh token is unknown");
  if (token.generation === state.generation) return decideCurrent(state, token);
  const isParent =
    token.generation === state.generation - 1 &&
    state.parentHash !== undefined &&
    equalBytes(state.parentHash, token.hash);
  if (!isParent) return reuse(`the refresh token of generation ${token.generation} was spent before`);
  return decideParent(state, token);
}

/** The family after its end: no token of it will be accepted again. A family that has ended keeps its first instant. */
export function endFamily(state: FamilyState, now: number): FamilyState {
  return { ...state, revokedAt: state.revokedAt ?? now };
}

function decideCurrent(state: FamilyState, token: PresentedRefresh): RefreshDecision {
  if (!state.siblings.some((hash) => equalBytes(hash, token.hash))) return refuse("the refresh token is unknown");
  // Siblings left from a time when the application rotated: using one must spend the others.
  if (!token.rotate && state.siblings.length === 1) return { action: "keep" };
  const generation = state.generation + 1;
  return {
    action: "rotate",
    generation,
    next: (newHash) => ({
      ...state,
      generation,
      siblings: [newHash],
      parentHash: token.hash,
      rotatedAt: token.now,
    }),
  };
}

function decideParent(state: FamilyState, token: PresentedRefresh): RefreshDecision {
  const windowEndsAt = (state.rotatedAt ?? 0) + token.graceSeconds;
  if (windowEndsAt <= token.now) return reuse(`the refresh token was spent before, at ${state.rotatedAt}`);
  if (state.siblings.length >= SIBLINGS_MAX) return refuse(`the refresh token has ${SIBLINGS_MAX} successors already`);
  return {
    action: "sibling",
    generation: state.generation,
    next: (newHash) => ({ ...state, siblings: [...state.siblings, newHash] }),
  };
}

function afterCode(state: FamilyState, now: number, refresh: FirstRefreshToken | undefined): FamilyState {
  if (refresh === undefined) return { ...state, codeSpentAt: now };
  return { ...state, codeSpentAt: now, generation: 1, siblings: [refresh.hash], refreshExpiresAt: refresh.expiresAt };
}

function refuse(detail: string): Refuse {
  return { action: "refuse", detail };
}

function reuse(detail: string): Reuse {
  return { action: "reuse", detail };
}
