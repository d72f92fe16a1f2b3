// Sessions of a person in a browser, and what an authorization request asks of them (OIDC Core §3.1.2.1, §3.1.2.3; rules 13, 20 and 36).

import { isAnyAcrReachable, meetsAnyAcr } from "./acr.ts";
import type { SessionPolicy } from "./client-metadata.ts";
import { OAuthError } from "./oauth-error.ts";

/** What decides whether a session still logs its person in; instants are seconds of tenant time. */
export interface SessionFacts {
  readonly authTime: number;
  readonly seenAt: number;
  readonly endedAt: number | undefined;
  readonly identityIsDead: boolean;
}

/** What an authorization request says about who is to be logged in, and how. */
export interface LoginWish {
  /** the members of `prompt` */
  readonly prompts: readonly string[];
  /** `max_age` */
  readonly maxAgeSeconds: number | undefined;
  /** whether any local program could have sent it (rule 36) */
  readonly isNative: boolean;
  /** the classes that logins by the application's own methods end in: a session that meets none of them was begun by another */
  readonly methodAcrs: readonly string[];
  /** the classes that it asks for, in its order, and whether it takes no other */
  readonly requestedAcrs: readonly string[];
  readonly acrIsEssential: boolean;
}

/** A session that logs its person in. */
export interface OpenSession {
  readonly authTime: number;
  readonly acr: string;
  /** whether it is the person of `id_token_hint`; undefined where none was sent */
  readonly isHinted: boolean | undefined;
  /** whether it is the person whose address is in `login_hint`; undefined where none was sent */
  readonly hasHintedAddress: boolean | undefined;
  /** whether the person is to be asked for consent: what was said before does not cover it, or is not to be used */
  readonly asksConsent: boolean;
}

/**
 * What a person must do before the client gets its answer: log in, or say yes to a question on a page of ours.
 * `account`: who it is to be; `consent`: what the client asks for; `native`: that a person is there at all.
 */
export type LoginNeed = "nothing" | "login" | "account" | "consent" | "native";

/** Whether a session logs its person in at this second: at the second of its end it does not. */
export function isSessionOpen(session: SessionFacts, policy: SessionPolicy, now: number): boolean {
  if (session.endedAt !== undefined || session.identityIsDead) return false;
  return now < session.seenAt + policy.idleSeconds && now < session.authTime + policy.absoluteSeconds;
}

/**
 * The oldest session that still logs its person in at this second, for a client that asked for `max_age` or not.
 *
 * @returns the first seconds at which it may have been used and its person may have logged in
 */
export function oldestOpen(
  policy: SessionPolicy,
  maxAgeSeconds: number | undefined,
  now: number,
): { readonly seenSince: number; readonly authenticatedSince: number } {
  const authenticatedSince = now - policy.absoluteSeconds + 1;
  return {
    seenSince: now - policy.idleSeconds + 1,
    authenticatedSince: Math.max(authenticatedSince, now - (maxAgeSeconds ?? Number.POSITIVE_INFINITY)),
  };
}

/** What an authorization request needs of the person, given the browser's open session or none. */
export function decideLogin(wish: LoginWish, session: OpenSession | undefined, now: number): LoginNeed {
  if (session === undefined || wish.prompts.includes("login")) return "login";
  if (isTooOld(wish.maxAgeSeconds, session.authTime, now)) return "login";
  if (session.isHinted === false || !isStrongEnough(wish, session)) return "login";
  if (wish.prompts.includes("select_account") || session.hasHintedAddress === false) return "account";
  if (session.asksConsent) return "consent";
  return wish.isNative ? "native" : "nothing";
}

/**
 * Refuses what may not ask the person anything and would have to (OIDC Core §3.1.2.6).
 *
 * @throws OAuthError `interaction_required` for a native request whatever it needs (rule 36)
 */
export function refuseInteraction(wish: LoginWish, need: LoginNeed): void {
  if (!wish.prompts.includes("none")) return;
  if (wish.isNative) {
    throw new OAuthError("interaction_required", "a native application cannot log in without an interaction");
  }
  if (need === "login") throw new OAuthError("login_required", "the person must log in");
  if (need === "account") throw new OAuthError("account_selection_required", "the person must choose an account");
  if (need === "consent") throw new OAuthError("consent_required", "the person must consent");
}

/**
 * An application is only logged in to by its own methods or stronger ones. What it merely wishes for (§5.5.1.1) is worth a new login if
 * that can bring it, but no error.
 */
function isStrongEnough(wish: LoginWish, { acr }: OpenSession): boolean {
  const { methodAcrs, requestedAcrs, acrIsEssential, prompts } = wish;
  if (!meetsAnyAcr(acr, methodAcrs)) return false;
  if (!isAnyAcrReachable(requestedAcrs, methodAcrs) || (prompts.includes("none") && !acrIsEssential)) return true;
  return meetsAnyAcr(acr, requestedAcrs);
}

/**
 * Whether the login that a request asked for has grown too old for it, because its person was long at a question of ours
 * (OIDC Core §3.1.2.1). `max_age=0` asks for a login, and it is one.
 */
export function hasGrownTooOld(maxAgeSeconds: number | undefined, authTime: number, now: number): boolean {
  return maxAgeSeconds !== 0 && isTooOld(maxAgeSeconds, authTime, now);
}

// OIDC Core §3.1.2.1: 0 is the same as prompt=login.
function isTooOld(maxAgeSeconds: number | undefined, authTime: number, now: number): boolean {
  return maxAgeSeconds !== undefined && (maxAgeSeconds === 0 || now - authTime > maxAgeSeconds);
}
