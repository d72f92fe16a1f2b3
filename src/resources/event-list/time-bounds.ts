import type { Filter } from "../../protocol/scim-filter.ts";

/** Between which instants, in milliseconds, everything is that a filter lets through; neither is among them. */
export interface TimeBounds {
  readonly afterMs: number;
  readonly beforeMs: number;
}

const SLACK_MS = 2;

/**
 * What a filter says of `time` of all that it lets through: so that a list begins there, instead of looking at all that was before. It is
 * a little wider than what was asked for; the filter itself still decides.
 */
export function timeBounds(filter: Filter | undefined): TimeBounds {
  let [afterMs, beforeMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const part of filter?.kind === "and" ? filter.filters : [filter]) {
    if (part?.kind !== "compare" || part.attribute.toLowerCase() !== "time") continue;
    const atMs = Date.parse(String(part.value));
    if (Number.isNaN(atMs)) continue;
    if (["eq", "gt", "ge"].includes(part.operator)) afterMs = Math.max(afterMs, atMs - SLACK_MS);
    if (["eq", "lt", "le"].includes(part.operator)) beforeMs = Math.min(beforeMs, atMs + SLACK_MS);
  }
  return { afterMs, beforeMs };
}
