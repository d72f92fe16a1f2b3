import { METRICS } from "./metric-table.ts";
import type { CounterCell, Metrics } from "./metrics.ts";

/** Counts what a cache knew and what it had to ask for. */
export interface CacheMeter {
  readonly hit: CounterCell;
  readonly miss: CounterCell;
}

export function createCacheMeter(metrics: Metrics, cache: string): CacheMeter {
  const lookups = metrics.counter(METRICS.cacheLookups);
  return { hit: lookups.cell(cache, "hit"), miss: lookups.cell(cache, "miss") };
}
