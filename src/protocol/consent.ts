// What a person is asked before a client gets anything, and what the answer is worth afterwards (OIDC Core §3.1.2.4, §11).

import { scopeOfClaim } from "./claims.ts";
import type { ClaimsRequest } from "./claims-request.ts";
import type { ApplicationContext } from "./client-metadata.ts";
import { configuredCeilings } from "./configured-ceilings.ts";
import { smallestCeiling } from "./lifetime.ts";
import { OAuthError } from "./oauth-error.ts";
import { isOpenidScope, type ScopeVerdict } from "./scope.ts";

/** `protocol_config.consent`. Undefined: a person is asked for `offline_access`, once, and for nothing else. */
export type ConsentSetting = "none" | "remembered" | "always" | undefined;

/** What a client may have of a person, and for how long. */
export interface ConsentTerms {
  readonly scope: readonly string[];
  /** claims asked for by name */
  readonly claims: readonly string[];
  /** whose scopes they are */
  readonly resourceServerId: string | undefined;
  /** the longest that a token may live */
  readonly maximumSeconds: number;
  /** for how long access may be renewed by refresh tokens; 0: not at all */
  readonly renewalSeconds: number;
}

/** A person's yes to the terms of a login; `maximumSeconds` and `renewalSeconds` are what the person chose. */
export interface GivenConsent extends ConsentTerms {
  /** said at an earlier login */
  readonly isRemembered: boolean;
}

/**
 * Whether a person is to be asked.
 * - `unasked`: nobody's word is needed
 * - `remembered`: there is one that covers all of it
 * - `ask`: on a page of ours
 */
export type ConsentNeed = "unasked" | "remembered" | "ask";

/** What an application would have of a person for a request, as it and what is around it are configured. */
export function consentTerms(
  context: Pick<ApplicationContext, "client" | "realm" | "tenant" | "resourceServer">,
  asked: { readonly scope: readonly string[]; readonly claims: Pick<ClaimsRequest, "idToken" | "userinfo"> },
): ConsentTerms {
  const { client } = context;
  const bounds = { scope: asked.scope, consentSeconds: undefined, parentExpiresAt: undefined, now: 0 };
  return {
    scope: asked.scope,
    claims: [...new Set([...asked.claims.idToken, ...asked.claims.userinfo])],
    resourceServerId: client.resourceServerId,
    maximumSeconds: smallestCeiling(configuredCeilings(context, bounds)).seconds,
    renewalSeconds: client.refresh.enabled ? client.refresh.absoluteDurationSeconds : 0,
  };
}

/** What decides about it, but for what the person said before. */
export interface ConsentWish {
  readonly setting: ConsentSetting;
  /** the members of `prompt` */
  readonly prompts: readonly string[];
  /** what would be granted */
  readonly scope: readonly string[];
}

/**
 * Whether a person's word is needed at all.
 *
 * `offline_access` needs one (OIDC Core §11: the server "MUST explicitly receive or have consent"), unless the application is configured
 * to ask for none: the "other conditions" of that section are its administrator's.
 */
export function needsConsent({ setting, prompts, scope }: ConsentWish): boolean {
  if (prompts.includes("consent") || setting === "always" || setting === "remembered") return true;
  return setting === undefined && scope.includes("offline_access");
}

/** What a login needs of its person, who agreed to `remembered` before, or to nothing. */
export function decideConsent(
  wish: ConsentWish,
  terms: ConsentTerms,
  remembered: ConsentTerms | undefined,
): ConsentNeed {
  if (!needsConsent(wish)) return "unasked";
  if (wish.prompts.includes("consent") || wish.setting === "always") return "ask";
  return remembered !== undefined && coversTerms(remembered, terms) ? "remembered" : "ask";
}

/**
 * Whether a consent holds for terms: nothing more is asked, of the same resource server, to be renewed only where renewal was agreed to.
 * That tokens could live or be renewed longer is nothing more: they are no longer than was agreed.
 */
export function coversTerms(consent: ConsentTerms, terms: ConsentTerms): boolean {
  const scope = new Set(consent.scope);
  const isSameServer = consent.resourceServerId === terms.resourceServerId;
  return (
    (terms.renewalSeconds === 0 || consent.renewalSeconds > 0) &&
    terms.scope.every((one) => scope.has(one) && (isSameServer || isOpenidScope(one))) &&
    terms.claims.every((claim) => consent.claims.includes(claim) || scope.has(scopeOfClaim(claim) ?? ""))
  );
}

/**
 * What of a scope may be granted: what the person agreed to.
 *
 * @throws OAuthError `consent_required` where a person's word is needed and there is none, whichever way the login came here
 */
export function limitToConsent(
  { scope, dropped }: ScopeVerdict,
  consent: ConsentTerms | undefined,
  wish: Omit<ConsentWish, "scope">,
): ScopeVerdict {
  if (consent === undefined) {
    if (needsConsent({ ...wish, scope })) throw new OAuthError("consent_required", "the person was not asked");
    return { scope, dropped };
  }
  const isAgreed = (one: string): boolean => consent.scope.includes(one);
  const refused = scope.filter((one) => !isAgreed(one));
  return {
    scope: scope.filter(isAgreed),
    dropped: [...dropped, ...refused.map((one) => ({ scope: one, rule: "consent" as const }))],
  };
}

/** Round lifetimes to choose from, in seconds, and round times for which access may be renewed. */
const ROUND_LIFETIMES: readonly number[] = [300, 900, 3_600, 28_800, 86_400, 604_800];
const ROUND_RENEWALS: readonly number[] = [3_600, 28_800, 86_400, 604_800, 2_592_000, 7_776_000];

/** Lifetimes that a person may choose from, the longest last: what may be granted, and shorter round ones that a client can still ask for. */
export function lifetimeChoices(
  { maximumSeconds }: Pick<ConsentTerms, "maximumSeconds">,
  bounds: { readonly floorSeconds: number; readonly chosenSeconds: number | undefined },
): readonly number[] {
  return choicesOf(maximumSeconds, [...ROUND_LIFETIMES, bounds.chosenSeconds ?? maximumSeconds], bounds.floorSeconds);
}

/** For how long a person may let access be renewed, the longest last: as long as the application could, and shorter round times. */
export function renewalChoices(
  { renewalSeconds }: Pick<ConsentTerms, "renewalSeconds">,
  chosenSeconds: number | undefined,
): readonly number[] {
  return choicesOf(renewalSeconds, [...ROUND_RENEWALS, chosenSeconds ?? renewalSeconds], 1);
}

function choicesOf(longest: number, offered: readonly number[], floor: number): readonly number[] {
  const shorter = offered.filter((seconds) => seconds >= floor && seconds < longest);
  return [...new Set([...shorter, longest])].sort((a, b) => a - b);
}

/**
 * Reads the time that a person chose; whoever chose nothing takes the longest.
 *
 * @returns undefined for what is no whole number of seconds, above the longest or below the shortest
 */
export function readChosenSeconds(chosen: string | undefined, longest: number, floor: number): number | undefined {
  if (chosen === undefined) return longest;
  if (!/^[1-9][0-9]{0,9}$/.test(chosen)) return undefined;
  const seconds = Number(chosen);
  const isOffered = seconds === longest || (seconds >= floor && seconds < longest);
  return isOffered ? seconds : undefined;
}
