import type { MetricSnapshot, SnapshotValue } from "./metrics.ts";

/**
 * Adds what an ended process had counted to what others before it had, so that a node's counters never fall when one of its
 * processes is replaced. What a gauge said ended with its process.
 */
export function addCounts(
  kept: readonly MetricSnapshot[],
  ended: readonly MetricSnapshot[],
): readonly MetricSnapshot[] {
  const sums = new Map(kept.map((metric) => [metric.name, metric]));
  for (const metric of ended) {
    if (metric.type === "gauge") continue;
    const values = addValues(sums.get(metric.name)?.values ?? [], metric.values);
    sums.set(metric.name, { ...metric, values });
  }
  return [...sums.values()];
}

function addValues(kept: readonly SnapshotValue[], more: readonly SnapshotValue[]): readonly SnapshotValue[] {
  const sums = new Map<string, SnapshotValue>();
  for (const one of [...kept, ...more]) {
    const series = JSON.stringify([one.metricName, one.labels]);
    sums.set(series, { ...one, value: one.value + (sums.get(series)?.value ?? 0) });
  }
  return [...sums.values()];
}
