// Counting what is alive without looking at it (settled 13, rule 37). What ends at about the same time is counted as one number,
// under the end of its slot; a slot that is over counts nothing. So expiry lowers a count by itself, and a tenant's moved clock too.

import type { ApplicationKey } from "./client-metadata.ts";

/** When something that is counted began and will end: epoch seconds of one and the same clock. */
export interface LivePeriod {
  readonly issuedAt: number;
  readonly endsAt: number;
}

/** Something of an application that is counted no more, since it was ended before its time. */
export interface EndedRow extends ApplicationKey, LivePeriod {}

/** Most live tokens of a tenant that says nothing of it: about 6 GB, and what the benchmarks are measured with. */
const TENANT_LIVE_TOKENS_DEFAULT = 10_000_000;
/** The largest quota that may be configured. */
export const LIVE_TOKENS_MAX = 1_000_000_000;

/** Management tokens and refreshes may pass a quota by this part of it (rule 37). */
const RESERVE_PART = 0.05;
/** Bits of a lifetime that a slot tells apart. */
const FINE_BITS = 7;
const COARSE_BITS = 4;
/** Below this part of a quota that is not small a count may be coarse: an eighth of little is little. */
const COARSE_PART = 10;
const COARSE_QUOTA_MIN = 10_000;
/** A count may be 100 tokens or one in a hundred off (rule 37); what several nodes hold back together stays below. */
const HELD_BACK_MIN = 25;
const HELD_BACK_MAX = 250;
const HELD_BACK_PART = 1_000;
/** A quota with less left than a tenth, or than a node may issue in two seconds, is watched closely. */
const NEAR_PART = 10;
const NEAR_TOKENS = 20_000;
/** So many nodes may each issue their part of what is left before any of them looks again. */
const NODES_EXPECTED = 20;

/** How much may live at a time. */
export interface Quotas {
  readonly tenant: number;
  readonly application: number;
}

/** How much lives, as far as it is known. */
export type LiveCounts = Quotas;

/** The quota that is reached. */
export interface QuotaReached {
  readonly quota: keyof Quotas;
  readonly maximum: number;
  readonly live: number;
}

/** The quotas of an application and its tenant: where nothing is configured, an application has half of its tenant's (rule 37). */
export function quotasOf(tenant: number | undefined, application: number | undefined): Quotas {
  const maximum = tenant ?? TENANT_LIVE_TOKENS_DEFAULT;
  return { tenant: maximum, application: application ?? Math.ceil(maximum / 2) };
}

/** The quota that refuses one more, the application's first; undefined when none does. */
export function findQuotaReached(live: LiveCounts, quotas: Quotas, mayUseReserve: boolean): QuotaReached | undefined {
  for (const quota of ["application", "tenant"] as const) {
    const maximum = quotas[quota];
    const limit = mayUseReserve ? maximum + Math.ceil(maximum * RESERVE_PART) : maximum;
    if (live[quota] >= limit) return { quota, maximum, live: live[quota] };
  }
  return undefined;
}

/**
 * The end of the slot in which something is counted: at or after its own end. A fine slot is late by less than a 64th of the
 * lifetime and by a 128th on average, so that a steady stream is counted right to less than one in a hundred; a coarse one by an
 * eighth of that precision, for an eighth of the rows.
 */
export function slotOf({ issuedAt, endsAt }: LivePeriod, isFine: boolean): number {
  const bits = 32 - Math.clz32(Math.max(0, endsAt - issuedAt));
  const width = 2 ** Math.max(0, bits - (isFine ? FINE_BITS : COARSE_BITS));
  return Math.ceil(endsAt / width) * width;
}

/** The fine `slotOf` as an SQL expression of two bigint expressions. */
export function slotSql(issuedAt: string, endsAt: string): string {
  const bits = `length(ltrim(GREATEST(0, ${endsAt} - ${issuedAt})::integer::bit(32)::text, '0'))`;
  const width = `(1 << GREATEST(0, ${bits} - ${FINE_BITS}))`;
  return `((${endsAt} + ${width} - 1) / ${width} * ${width})`;
}

/** How a node goes on with a count, judged by what is left of a quota. */
export interface CountingPlan {
  /** whether the quota is near: what is counted is written at once, and what is written is checked by an exact count */
  readonly isNear: boolean;
  /** whether the slots are to be fine */
  readonly isFine: boolean;
  /** so many may be counted on one node before it writes them down */
  readonly heldBackMax: number;
  /** so many may be counted on one node before it looks at what the others have written */
  readonly unreadMax: number;
}

/** The plan for a tenant and one of its applications; of several applications the strictest plan holds. */
export function planCounting(live: LiveCounts, quotas: Quotas): CountingPlan {
  const plans = (["application", "tenant"] as const).map((quota) => planQuota(live[quota], quotas[quota]));
  return plans.reduce(stricterPlan);
}

/** Of two plans what is stricter in each. */
export function stricterPlan(one: CountingPlan, other: CountingPlan): CountingPlan {
  return {
    isNear: one.isNear || other.isNear,
    isFine: one.isFine || other.isFine,
    heldBackMax: Math.min(one.heldBackMax, other.heldBackMax),
    unreadMax: Math.min(one.unreadMax, other.unreadMax),
  };
}

function planQuota(live: number, maximum: number): CountingPlan {
  const left = maximum - live;
  const isNear = left <= Math.max(maximum / NEAR_PART, Math.min(NEAR_TOKENS, maximum / 2));
  if (isNear) return { isNear, isFine: true, heldBackMax: 1, unreadMax: 1 };
  const heldBackMax = Math.max(HELD_BACK_MIN, Math.min(HELD_BACK_MAX, Math.floor(maximum / HELD_BACK_PART)));
  const isFine = maximum < COARSE_QUOTA_MIN || live >= maximum / COARSE_PART;
  return { isNear, isFine, heldBackMax, unreadMax: Math.max(1, Math.floor(left / NODES_EXPECTED)) };
}
