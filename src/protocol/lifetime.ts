// The heart of the product: a token lives exactly as long as its caller asked, never longer than what was configured, and the
// ledger says why. The token endpoint, the preview and the tests call these functions and no others (mayfly.md §3).
//
// All lifetimes are whole seconds, all instants epoch seconds of tenant time.

import { OAuthError } from "./oauth-error.ts";

/** The largest lifetime that any setting may name: ten years (rule 31). */
export const LIFETIME_SECONDS_MAX = 315_360_000;

/** What can bound a lifetime, in the order of the table of mayfly.md §3 with rule 31: ties go to the first. */
export type CeilingName = "application" | "resource_server" | "scope" | "realm" | "tenant" | "consent" | "parent";

/** One upper bound. `scope` names the scope, for a ceiling of that name. */
export interface Ceiling {
  readonly name: CeilingName;
  readonly seconds: number;
  readonly scope?: string;
}

/** There is always one: the application's. */
export type Ceilings = readonly [Ceiling, ...Ceiling[]];

/** One `scope_policies` entry of a resource server. */
export interface ScopeCeiling {
  readonly scope: string;
  readonly maxExpiresAfter: number;
}

/** The configured values that bound a lifetime, as they stand; what is not configured is absent. */
export interface CeilingPolicy {
  /** `protocol_config.token_configuration.expires_after` */
  readonly applicationSeconds: number;
  /** `token_policy.max_expires_after` of the resource server */
  readonly resourceServerSeconds?: number | undefined;
  /** `scope_policies` of the resource server; only those of a granted scope count */
  readonly scopePolicies?: readonly ScopeCeiling[] | undefined;
  readonly grantedScopes?: readonly string[] | undefined;
  /** `token_policy.max_expires_after` of the realm and of the tenant */
  readonly realmSeconds?: number | undefined;
  readonly tenantSeconds?: number | undefined;
  /** what the person chose on the consent page */
  readonly consentSeconds?: number | undefined;
  /** when the refresh token, or the token exchanged, ends */
  readonly parentExpiresAt?: number | undefined;
  /** from when on the token is valid: what is left of a parent is counted from there */
  readonly now: number;
}

/** What happens to a request above the ceiling (`token_configuration.over_limit`). */
export type OverLimit = "reject" | "clamp";

/** One request for a lifetime. */
export interface LifetimeRequest {
  /** `expiration_time`, parsed; absent when it was not sent */
  readonly requested: number | undefined;
  readonly ceilings: Ceilings;
  /** `token_policy.min_expires_after` of the realm; binds requested values only (rule 31) */
  readonly floorSeconds: number;
  /** `token_configuration.default_expires_after`; absent: the application's `expires_after` */
  readonly defaultSeconds?: number | undefined;
  readonly overLimit: OverLimit;
  readonly now: number;
  /** from when the token is valid, where that is later than its issue: the lifetime counts from there (rule 28) */
  readonly startsAt?: number | undefined;
}

/** A ceiling that was considered, and whether it is the one that set the maximum. */
export interface LedgerEntry extends Ceiling {
  readonly won: boolean;
}

/** How a lifetime came about: everything that was considered, in order. */
export interface LifetimeLedger {
  readonly ceilings: readonly LedgerEntry[];
  readonly floorSeconds: number;
  readonly overLimit: OverLimit;
  /** whether the caller named the lifetime or the default did */
  readonly basis: "requested" | "default";
  /** what the caller or the default called for */
  readonly basisSeconds: number;
  /** whether the winning ceiling is below that */
  readonly lowered: boolean;
}

interface LifetimeFacts {
  readonly requested?: number;
  readonly maximumSeconds: number;
  readonly limitedBy: CeilingName;
  readonly limitedByScope?: string;
  readonly issuedAt: number;
  readonly startsAt?: number;
  readonly ledger: LifetimeLedger;
}

/** `mode` is "exact" when the token lives as long as the request, or without one the default, called for. */
export interface LifetimeGranted extends LifetimeFacts {
  readonly outcome: "granted";
  readonly grantedSeconds: number;
  readonly mode: "exact" | "clamped";
  readonly expiresAt: number;
}

export interface LifetimeRefused extends LifetimeFacts {
  readonly outcome: "refused";
  readonly reason: "above_ceiling" | "below_floor" | "nothing_left";
}

export type LifetimeVerdict = LifetimeGranted | LifetimeRefused;

/** The `lifetime` member of a token response (mayfly.md §2, settled 16). */
export interface LifetimeMember {
  readonly requested: number;
  readonly granted: number;
  readonly maximum: number;
  readonly mode: "exact" | "clamped";
  readonly limited_by: CeilingName;
  readonly scope?: string;
}

/**
 * Lists the ceilings that apply, in the order of mayfly.md §3. Each granted scope with a policy is listed, in the order granted.
 * @returns at least the application's; a parent that has ended counts 0 seconds
 */
export function collectCeilings(policy: CeilingPolicy): Ceilings {
  const optional: readonly (readonly [CeilingName, number | undefined])[] = [
    ["realm", policy.realmSeconds],
    ["tenant", policy.tenantSeconds],
    ["consent", policy.consentSeconds],
    ["parent", secondsLeft(policy.parentExpiresAt, policy.now)],
  ];
  return [
    { name: "application", seconds: policy.applicationSeconds },
    ...ceilingOf("resource_server", policy.resourceServerSeconds),
    ...scopeCeilings(policy.scopePolicies ?? [], policy.grantedScopes ?? []),
    ...optional.flatMap(([name, seconds]) => ceilingOf(name, seconds)),
  ];
}

/**
 * Decides how long a token lives: the contract of mayfly.md §2 and §3 with rule 31.
 * @returns the lifetime granted or the refusal, with the ledger; a refusal becomes an error by `lifetimeRefusal`
 */
export function decideLifetime(request: LifetimeRequest): LifetimeVerdict {
  const winner = smallestCeiling(request.ceilings);
  const { requested, floorSeconds, overLimit } = request;
  const basisSeconds = requested ?? request.defaultSeconds ?? expiresAfter(request.ceilings);
  const facts: LifetimeFacts = {
    ...(requested === undefined ? {} : { requested }),
    maximumSeconds: winner.seconds,
    limitedBy: winner.name,
    ...(winner.scope === undefined ? {} : { limitedByScope: winner.scope }),
    issuedAt: Math.floor(request.now), // rule 14: `iat` is the floor of the second
    ...(request.startsAt === undefined ? {} : { startsAt: request.startsAt }),
    ledger: {
      ceilings: request.ceilings.map((ceiling) => ({ ...ceiling, won: ceiling === winner })),
      floorSeconds,
      overLimit,
      basis: requested === undefined ? "default" : "requested",
      basisSeconds,
      lowered: basisSeconds > winner.seconds,
    },
  };

  // Rule 31: what has ended grants nothing, whatever was asked.
  if (winner.seconds <= 0) return { outcome: "refused", reason: "nothing_left", ...facts };
  if (requested === undefined) return grant(facts, basisSeconds);
  // Settled 16: below the floor is refused with "clamp" too; only the ceiling may bend a request.
  if (requested < floorSeconds) return { outcome: "refused", reason: "below_floor", ...facts };
  if (requested > winner.seconds && overLimit === "reject") {
    return { outcome: "refused", reason: "above_ceiling", ...facts };
  }
  return grant(facts, requested);
}

/**
 * The error that tells a refused lifetime to the client.
 * @returns `invalid_request` naming the parameter, the value and the bound (mayfly.md §2), or `invalid_grant` when nothing is left (rule 31)
 */
export function lifetimeRefusal(verdict: LifetimeRefused): OAuthError {
  const facts = { lifetime: lifetimeRecord(verdict) };
  const value = verdict.ledger.basisSeconds;
  switch (verdict.reason) {
    case "nothing_left":
      return new OAuthError("invalid_grant", `nothing is left of ${CEILING_SOURCE[verdict.limitedBy]}`, { facts });
    case "below_floor":
      return new OAuthError(
        "invalid_request",
        `expiration_time ${value} is below the minimum of ${verdict.ledger.floorSeconds} seconds, set by the realm (token_policy.min_expires_after)`,
        { facts },
      );
    case "above_ceiling":
      return new OAuthError(
        "invalid_request",
        `expiration_time ${value} is above the maximum of ${verdict.maximumSeconds} seconds, set by ${describeLimit(verdict)}`,
        { facts },
      );
  }
}

/**
 * The `lifetime` member of the token response, in its wire form.
 * @returns undefined unless the request named a lifetime (rule 31)
 */
export function lifetimeMember(verdict: LifetimeGranted): LifetimeMember | undefined {
  if (verdict.requested === undefined) return undefined;
  return {
    requested: verdict.requested,
    granted: verdict.grantedSeconds,
    maximum: verdict.maximumSeconds,
    mode: verdict.mode,
    limited_by: verdict.limitedBy,
    ...(verdict.limitedByScope === undefined ? {} : { scope: verdict.limitedByScope }),
  };
}

/**
 * A verdict as its decision tells it: in its wire form, with the ledger (mayfly.md §5).
 */
export function lifetimeRecord(verdict: LifetimeVerdict): Readonly<Record<string, unknown>> {
  const { ceilings, floorSeconds, overLimit, basis, basisSeconds, lowered } = verdict.ledger;
  return {
    ...(verdict.requested === undefined ? {} : { requested: verdict.requested }),
    ...(verdict.outcome === "granted"
      ? { granted: verdict.grantedSeconds, mode: verdict.mode }
      : { reason: verdict.reason }),
    maximum: verdict.maximumSeconds,
    limited_by: verdict.limitedBy,
    ...(verdict.limitedByScope === undefined ? {} : { scope: verdict.limitedByScope }),
    ledger: {
      ceilings,
      floor_seconds: floorSeconds,
      over_limit: overLimit,
      basis,
      basis_seconds: basisSeconds,
      lowered,
    },
  };
}

/**
 * What discovery says of an application's lifetimes: `expiration_time_min` and `expiration_time_max`.
 * Settled 16: the smallest of application, resource server, realm and tenant; scopes and parents may lower it per request.
 * @returns seconds; a minimum above the maximum is told as it is: then no value is accepted
 */
export function advertisedLifetimes(
  policy: Pick<CeilingPolicy, "applicationSeconds" | "resourceServerSeconds" | "realmSeconds" | "tenantSeconds">,
  floorSeconds: number,
): { readonly minimumSeconds: number; readonly maximumSeconds: number } {
  const { applicationSeconds, resourceServerSeconds, realmSeconds, tenantSeconds } = policy;
  const ceilings = collectCeilings({ applicationSeconds, resourceServerSeconds, realmSeconds, tenantSeconds, now: 0 });
  return { minimumSeconds: floorSeconds, maximumSeconds: smallestCeiling(ceilings).seconds };
}

const CEILING_SOURCE: Readonly<Record<CeilingName, string>> = {
  application: "the application (token_configuration.expires_after)",
  resource_server: "the resource server (token_policy.max_expires_after)",
  scope: "the resource server for a granted scope (scope_policies)",
  realm: "the realm (token_policy.max_expires_after)",
  tenant: "the tenant (token_policy.max_expires_after)",
  consent: "the person's consent",
  parent: "the refresh token or the exchanged token",
};

function describeLimit(verdict: LifetimeRefused): string {
  if (verdict.limitedByScope === undefined) return CEILING_SOURCE[verdict.limitedBy];
  return `the resource server for the scope ${verdict.limitedByScope} (scope_policies)`;
}

function grant(facts: LifetimeFacts, wantedSeconds: number): LifetimeGranted {
  const grantedSeconds = Math.min(wantedSeconds, facts.maximumSeconds);
  return {
    outcome: "granted",
    grantedSeconds,
    mode: grantedSeconds === wantedSeconds ? "exact" : "clamped",
    expiresAt: (facts.startsAt ?? facts.issuedAt) + grantedSeconds,
    ...facts,
  };
}

/** The ceiling that sets the maximum. */
export function smallestCeiling(ceilings: Ceilings): Ceiling {
  // Strictly smaller: a tie goes to the first in the table's order (rule 31).
  return ceilings.reduce((best, ceiling) => (ceiling.seconds < best.seconds ? ceiling : best));
}

// Without a default of its own, an application's tokens live for its `expires_after` (mayfly.md §3).
function expiresAfter(ceilings: Ceilings): number {
  return ceilings.find((ceiling) => ceiling.name === "application")?.seconds ?? ceilings[0].seconds;
}

function ceilingOf(name: CeilingName, seconds: number | undefined): readonly Ceiling[] {
  return seconds === undefined ? [] : [{ name, seconds }];
}

function scopeCeilings(policies: readonly ScopeCeiling[], granted: readonly string[]): readonly Ceiling[] {
  const byScope = new Map(policies.map((policy) => [policy.scope, policy.maxExpiresAfter]));
  return granted.flatMap((scope) => {
    const seconds = byScope.get(scope);
    return seconds === undefined ? [] : [{ name: "scope" as const, seconds, scope }];
  });
}

function secondsLeft(expiresAt: number | undefined, now: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  return Math.max(0, expiresAt - Math.floor(now));
}
