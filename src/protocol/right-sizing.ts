// Which default lifetime an application's tokens need, judged by how long after their issue they were used.

import { largestOf, quantileBucket, type ReadonlyHistogram, totalOf } from "./histogram.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";

/** A 99th percentile of fewer uses is the latest of them. */
export const USES_MIN = 100;
/** How late tokens may come to be used before a recommendation fails them: a quarter more than was seen, and 10 seconds at least. */
const HEADROOM_PART = 0.25;
const HEADROOM_SECONDS_MIN = 10;

const [MINUTE, HOUR, DAY] = [60, 3_600, 86_400];
/** Lifetimes that people would have chosen themselves, in seconds. */
const ROUND_LIFETIMES = [
  ...[10, 15, 20, 30, 45],
  ...[1, 2, 3, 5, 10, 15, 20, 30, 45].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12, 18].map((hours) => hours * HOUR),
  ...[1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1_825].map((days) => days * DAY),
  LIFETIME_SECONDS_MAX,
];

/** What a default lifetime is now, and what it may not fall below. */
export interface PresentLifetime {
  readonly defaultSeconds: number;
  readonly floorSeconds: number;
}

/** Why no lifetime is recommended: too few uses were seen, or tokens are used for about as long as they live. */
export type NoRecommendation = "too_few_uses" | "nothing_shorter";

export type Recommendation =
  | { readonly seconds: number }
  | { readonly seconds: undefined; readonly reason: NoRecommendation };

/**
 * The shortest round lifetime that outlasts 99 of 100 uses with some headroom, never below the floor. Nothing is recommended that is not
 * shorter than the present default, and so never anything above a ceiling: of uses that come up to the end of a life nobody knows
 * how many more would have come.
 */
export function recommendLifetime(ages: ReadonlyHistogram, present: PresentLifetime): Recommendation {
  const bucket = quantileBucket(ages, 0.99);
  if (bucket === undefined || totalOf(ages).count < USES_MIN) return { seconds: undefined, reason: "too_few_uses" };
  const latest = largestOf(bucket);
  const needed = latest + Math.max(HEADROOM_SECONDS_MIN, latest * HEADROOM_PART);
  const round = ROUND_LIFETIMES.find((seconds) => seconds >= needed) ?? LIFETIME_SECONDS_MAX;
  const seconds = Math.max(round, present.floorSeconds);
  return seconds < present.defaultSeconds ? { seconds } : { seconds: undefined, reason: "nothing_shorter" };
}

/** How long tokens lay open without need, in token-seconds. */
export interface Exposure {
  readonly grantedSeconds: number;
  /** of those, granted beyond the lifetime that is enough */
  readonly unusedSeconds: number;
}

/** What tokens were granted, and how much of it lies beyond a lifetime: never said to be more than it was. */
export function exposureBeyond(granted: ReadonlyHistogram, seconds: number): Exposure {
  let unusedSeconds = 0;
  for (const { count, sum } of granted.values()) unusedSeconds += Math.max(0, sum - count * seconds);
  return { grantedSeconds: totalOf(granted).sum, unusedSeconds };
}

/** How many uses would have met a dead token, had all tokens lived for so long: one is dead at the second of its `exp`. */
export function countUsesBeyond(ages: ReadonlyHistogram, seconds: number): number {
  let uses = 0;
  for (const { count, sum } of ages.values()) if (sum / count >= seconds) uses += count;
  return uses;
}
