import { setImmediate as nextTurn } from "node:timers/promises";
import type { MetricSnapshot } from "./metrics.ts";

/** The media type of the text that `printMetrics` makes. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The text that Prometheus reads. Snapshots of several processes become one, each metric added up or chosen from as it was
 * declared.
 */
export async function printMetrics(processes: readonly (readonly MetricSnapshot[])[]): Promise<string> {
  // Loaded by the first scrape: a server that nobody scrapes starts 20 ms sooner without it.
  const { AggregatorRegistry } = await import("prom-client");
  const names = new Set(processes.flatMap((snapshots) => snapshots.map(({ name }) => name)));
  const texts: string[] = [];
  for (const wanted of names) {
    const same = processes.map((snapshots) => snapshots.filter(({ name }) => name === wanted));
    texts.push(await AggregatorRegistry.aggregate(same).metrics());
    // All of them take some 20 ms, for which requests must not wait.
    await nextTurn();
  }
  return texts.join("\n");
}
