// Scope negotiation: what of a request is granted, and by which rule the rest was dropped (rule 33, reference 1.8).
//
// A scope is a list without duplicates, in the order of the request. OpenID scopes are decided by the type of the application
// alone and are exempt from resource servers, roles and the live intersection.

import type { ClientType } from "./client-metadata.ts";
import { OAuthError } from "./oauth-error.ts";

/** The scopes of OIDC Core §5.4 and §11. They are never among an application's `allowed_scopes`. */
export const OPENID_SCOPES = ["openid", "profile", "email", "address", "phone", "offline_access"] as const;

/** Most scopes of one request: as many as a resource server may have (reference 2.3). */
export const SCOPES_MAX = 1000;

const SCOPE_GRAMMAR = /^[\x21\x23-\x5B\x5D-\x7E]+$/; // RFC 6749 §3.3: NQCHAR

/**
 * Why a scope was dropped, for the decision.
 * - `application_type`: OpenID scopes are not for an `oauth2` application, nor for a client acting for itself
 * - `offline_access`: the application has no refresh tokens
 * - `allowed_scopes`: not among the application's, or no more among its resource server's
 * - `roles`: no role of the person has it
 * - `consent`: the person did not agree to it
 * - `not_requested`: granted before, and this request asks for less
 */
export type ScopeRule =
  | "application_type"
  | "offline_access"
  | "allowed_scopes"
  | "roles"
  | "consent"
  | "not_requested";

export interface DroppedScope {
  readonly scope: string;
  readonly rule: ScopeRule;
}

/** What was granted, and what was not and why. */
export interface ScopeVerdict {
  readonly scope: readonly string[];
  readonly dropped: readonly DroppedScope[];
}

type Judge = (scope: string) => ScopeRule | undefined;

/**
 * Reads a `scope` parameter: its order is kept, duplicates are removed; spaces may repeat.
 * @returns undefined when absent or empty
 * @throws OAuthError `invalid_scope` for other characters than NQCHAR, for spaces only, or above `SCOPES_MAX` (RFC 6749 §3.3)
 */
export function parseScope(raw: string | undefined): readonly string[] | undefined {
  if (raw === undefined || raw === "") return undefined;
  const scopes = [...new Set(raw.split(" "))].filter((scope) => scope !== "");
  if (scopes.length > SCOPES_MAX) throw new OAuthError("invalid_scope", `scope has over ${SCOPES_MAX} members`);
  if (scopes.length === 0 || !scopes.every(isScopeToken)) {
    throw new OAuthError("invalid_scope", "scope must be a list of scopes, separated by spaces (RFC 6749 section 3.3)");
  }
  return scopes;
}

/** The wire form of a scope: its members separated by spaces, "" for none. */
export function formatScope(scope: readonly string[]): string {
  return scope.join(" ");
}

/** The members of a scope in its wire form, as `formatScope` wrote it. */
export function splitScope(text: string): readonly string[] {
  return text === "" ? [] : text.split(" ");
}

/** Whether a text may be a scope (RFC 6749 §3.3), for resource servers and roles too. */
function isScopeToken(text: string): boolean {
  return SCOPE_GRAMMAR.test(text);
}

/** Whether a scope is one of OpenID's. */
export function isOpenidScope(scope: string): boolean {
  return OPENID_SCOPES.some((known) => known === scope);
}

/**
 * `client_credentials`: of the request, what the application may have; without a request, all of it.
 * @throws OAuthError `invalid_scope` if nothing is left of a request (reference 6 #19)
 */
export function negotiateClientScope(input: {
  readonly requested: readonly string[] | undefined;
  readonly allowedScopes: readonly string[];
}): ScopeVerdict {
  const { requested, allowedScopes } = input;
  const verdict = judge(requested ?? allowedScopes, (scope) => {
    if (isOpenidScope(scope)) return "application_type"; // a client acting for itself has no ID token
    return allowedScopes.includes(scope) ? undefined : "allowed_scopes";
  });
  if (requested !== undefined && verdict.scope.length === 0) {
    throw new OAuthError("invalid_scope", "scope holds nothing that this application may have", {
      facts: { dropped: verdict.dropped },
    });
  }
  return verdict;
}

/**
 * `authorize`: of the request, what the application and the person's roles both allow; the rest is dropped silently. Without a
 * request nothing is granted: a person's authority is lent by name only.
 * @param input `roleScopes`: the union of the person's roles at the application's resource server; undefined where there is none
 *   (then `allowedScopes` is empty). `offlineAccess`: whether the application has refresh tokens (rule 19)
 */
export function negotiateAuthorizeScope(input: {
  readonly requested: readonly string[] | undefined;
  readonly applicationType: ClientType;
  readonly offlineAccess: boolean;
  readonly allowedScopes: readonly string[];
  readonly roleScopes: readonly string[] | undefined;
}): ScopeVerdict {
  const { applicationType, offlineAccess, allowedScopes, roleScopes } = input;
  const allowed = new Set(allowedScopes);
  const byRole = roleJudge(roleScopes);
  return judge(input.requested ?? [], (scope) => {
    if (!isOpenidScope(scope)) return allowed.has(scope) ? byRole(scope) : "allowed_scopes";
    if (applicationType === "oauth2") return "application_type";
    return scope === "offline_access" && !offlineAccess ? "offline_access" : undefined;
  });
}

/**
 * Code exchange: all that was granted at authorize, or the part of it that is named. It binds this access token only; the refresh
 * token keeps the authorize scope (rule 33).
 * @throws OAuthError `invalid_scope` if anything else is named
 */
export function narrowScope(input: {
  readonly requested: readonly string[] | undefined;
  readonly granted: readonly string[];
}): ScopeVerdict {
  const { requested, granted } = input;
  if (requested === undefined) return { scope: granted, dropped: [] };
  const known = new Set(granted);
  const foreign = requested.filter((scope) => !known.has(scope));
  if (foreign.length > 0) {
    throw new OAuthError("invalid_scope", "scope names what was not granted before", {
      facts: { not_granted: foreign },
    });
  }
  const named = new Set(requested);
  const dropped = granted.filter((scope) => !named.has(scope));
  return { scope: requested, dropped: dropped.map((scope) => ({ scope, rule: "not_requested" })) };
}

/**
 * Code exchange and refresh: per request and never sticky; what the application or the person's roles have lost since is dropped
 * (rule 33). OpenID scopes stay.
 * @param input `granted`: the scope granted at authorize, not that of the last refresh
 * @throws OAuthError `invalid_scope` if something is named that was never granted
 */
export function negotiateGrantedScope(input: {
  readonly requested: readonly string[] | undefined;
  readonly granted: readonly string[];
  readonly allowedScopes: readonly string[];
  readonly roleScopes: readonly string[] | undefined;
}): ScopeVerdict {
  const narrowed = narrowScope(input);
  const allowed = new Set(input.allowedScopes);
  const byRole = roleJudge(input.roleScopes);
  const live = judge(narrowed.scope, (scope) => {
    if (isOpenidScope(scope)) return undefined;
    return allowed.has(scope) ? byRole(scope) : "allowed_scopes";
  });
  return { scope: live.scope, dropped: [...live.dropped, ...narrowed.dropped] };
}

/**
 * What a recorded scope is worth now (rule 7, reference 1.11): intersected with the person's present roles, or with what a client's
 * resource server has. Losing a role shrinks it, gaining one never adds.
 * @param liveScopes undefined where nothing limits it
 */
export function intersectLive(scope: readonly string[], liveScopes: readonly string[] | undefined): ScopeVerdict {
  const byRole = roleJudge(liveScopes);
  return judge(scope, (one) => (isOpenidScope(one) ? undefined : byRole(one)));
}

function roleJudge(roleScopes: readonly string[] | undefined): Judge {
  if (roleScopes === undefined) return () => undefined;
  const held = new Set(roleScopes);
  return (scope) => (held.has(scope) ? undefined : "roles");
}

function judge(scopes: readonly string[], rule: Judge): ScopeVerdict {
  const scope: string[] = [];
  const dropped: DroppedScope[] = [];
  for (const one of new Set(scopes)) {
    const reason = rule(one);
    if (reason === undefined) scope.push(one);
    else dropped.push({ scope: one, rule: reason });
  }
  return { scope, dropped };
}
