import type { ApplicationContext } from "../../protocol/client-metadata.ts";
import { configuredCeilings } from "../../protocol/configured-ceilings.ts";
import { quantileOf, type ReadonlyHistogram, totalOf } from "../../protocol/histogram.ts";
import { smallestCeiling } from "../../protocol/lifetime.ts";
import {
  countUsesBeyond,
  exposureBeyond,
  type PresentLifetime,
  type Recommendation,
  recommendLifetime,
} from "../../protocol/right-sizing.ts";
import type { ScopeUsage } from "./queries.ts";
import type { TokenUsageAnswer } from "./schema.ts";

const NOTHING: ScopeUsage = { granted: new Map(), ages: new Map() };
const SHARE_DIGITS = 10_000;

/** The smallest ceiling that is configured for an application's tokens, with these scopes (mayfly.md §3). */
export function configuredMaximum(context: ApplicationContext, scope: readonly string[]): number {
  const bounds = { scope, consentSeconds: undefined, parentExpiresAt: undefined, now: 0 };
  return smallestCeiling(configuredCeilings(context, bounds)).seconds;
}

/** What a token of these scopes gets now whose request names no lifetime, and the floor of its realm. */
function presentLifetime(context: ApplicationContext, scope: readonly string[]): PresentLifetime {
  const { defaultExpiresAfterSeconds, expiresAfterSeconds } = context.client;
  const defaultSeconds = defaultExpiresAfterSeconds ?? expiresAfterSeconds;
  return {
    defaultSeconds: Math.min(defaultSeconds, configuredMaximum(context, scope)),
    floorSeconds: context.realm.tokenPolicy.minExpiresAfterSeconds ?? 1,
  };
}

/** The default lifetime that is recommended for all of an application's tokens. */
export function recommendDefault(usage: ReadonlyMap<string, ScopeUsage>, context: ApplicationContext): Recommendation {
  return recommendLifetime((usage.get("") ?? NOTHING).ages, presentLifetime(context, []));
}

/** How an application's tokens were granted and used, and what that recommends: all of them, and those of each scope. */
export function describeUsage(
  usage: ReadonlyMap<string, ScopeUsage>,
  context: ApplicationContext,
): Pick<TokenUsageAnswer, "all" | "scopes"> {
  const scopes = [...usage].filter(([scope]) => scope !== "");
  return {
    all: describe(usage.get("") ?? NOTHING, presentLifetime(context, [])),
    scopes: scopes
      .map(([scope, counted]) => ({ scope, ...describe(counted, presentLifetime(context, [scope])) }))
      .sort((one, other) => (one.scope < other.scope ? -1 : 1)),
  };
}

function describe({ granted, ages }: ScopeUsage, present: PresentLifetime): TokenUsageAnswer["all"] {
  const [grantedLifetime, ageAtUse] = [percentilesOf(granted), percentilesOf(ages)];
  return {
    tokens_issued: totalOf(granted).count,
    uses_seen: totalOf(ages).count,
    ...(grantedLifetime === undefined ? {} : { granted_lifetime: grantedLifetime }),
    ...(ageAtUse === undefined ? {} : { age_at_use: ageAtUse }),
    default_lifetime: present.defaultSeconds,
    ...describeRecommendation(recommendLifetime(ages, present), { granted, ages }),
  };
}

function describeRecommendation(
  recommendation: Recommendation,
  { granted, ages }: ScopeUsage,
): Pick<TokenUsageAnswer["all"], "recommended_lifetime" | "no_recommendation" | "unused_exposure" | "later_uses"> {
  if (recommendation.seconds === undefined) return { no_recommendation: recommendation.reason };
  const { seconds } = recommendation;
  const { grantedSeconds, unusedSeconds } = exposureBeyond(granted, seconds);
  const share = grantedSeconds === 0 ? 0 : Math.round((unusedSeconds / grantedSeconds) * SHARE_DIGITS) / SHARE_DIGITS;
  return {
    recommended_lifetime: seconds,
    unused_exposure: { token_seconds: unusedSeconds, share },
    later_uses: countUsesBeyond(ages, seconds),
  };
}

function percentilesOf(histogram: ReadonlyHistogram): TokenUsageAnswer["all"]["age_at_use"] {
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((part) => quantileOf(histogram, part));
  if (p50 === undefined || p90 === undefined || p99 === undefined || max === undefined) return undefined;
  return { p50, p90, p99, max };
}
