import type { Deps } from "../deps.ts";
import { METRICS } from "../platform/metric-table.ts";
import { receivedAtMs } from "./trace-id.ts";

/** Returns what to call when the revocation of a request, named by its trace id, has become durable. */
export function createRevocationMeter({
  clock,
  metrics,
}: Pick<Deps, "clock" | "metrics">): (traceId: Uint8Array) => void {
  const delay = metrics.histogram(METRICS.revocationDelay).cell();
  // The clock follows the database's, so it may have gone back a little since.
  return (traceId) => delay.observe(Math.max(0, clock.nowMs() - receivedAtMs(traceId)) / 1_000);
}
