import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { METRICS } from "./metric-table.ts";
import type { Metrics } from "./metrics.ts";

const DELAY_RESOLUTION_MS = 20;
const STATISTICS = ["p50", "p99", "max"] as const;
const PERCENTILES = { p50: 50, p99: 99, max: 100 } as const;

/** Shows what the process itself costs. */
export interface ProcessWatch {
  stop(): void;
}

/** Lets every scrape read processor time, memory and the delay of the event loop; between scrapes it costs a timer. */
export function watchProcess(metrics: Metrics): ProcessWatch {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  watchDelay(metrics, delay);
  metrics
    .counter(METRICS.eventLoopActive)
    .cell()
    .read(() => performance.eventLoopUtilization().active / 1_000);
  metrics
    .counter(METRICS.cpuSeconds)
    .cell()
    .read(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    });
  const read = (name: "residentBytes" | "heapUsed" | "heapTotal" | "externalBytes", value: () => number): void =>
    metrics.gauge(METRICS[name]).cell().read(value);
  read("residentBytes", () => process.memoryUsage.rss());
  read("heapUsed", () => process.memoryUsage().heapUsed);
  read("heapTotal", () => process.memoryUsage().heapTotal);
  read("externalBytes", () => process.memoryUsage().external);
  metrics
    .gauge(METRICS.startTime)
    .cell()
    .set(performance.timeOrigin / 1_000);
  return { stop: () => void delay.disable() };
}

// The monitor reports when a turn came, its own interval included; what is late is the rest.
function watchDelay(metrics: Metrics, delay: ReturnType<typeof monitorEventLoopDelay>): void {
  const seen = { p50: 0, p99: 0, max: 0 };
  metrics.beforeSnapshot(async () => {
    for (const statistic of STATISTICS) {
      const lateMs = delay.count === 0 ? 0 : delay.percentile(PERCENTILES[statistic]) / 1e6 - DELAY_RESOLUTION_MS;
      seen[statistic] = Math.max(0, lateMs) / 1_000;
    }
    delay.reset();
  });
  const gauge = metrics.gauge(METRICS.eventLoopDelay);
  for (const statistic of STATISTICS) gauge.cell(statistic).read(() => seen[statistic]);
}
