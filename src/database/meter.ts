import type { Clock } from "../platform/clock.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { HistogramCell, Metrics } from "../platform/metrics.ts";

/** Measures what a database and its pool do. Times are milliseconds of a monotonic clock. */
export interface DatabaseMeter {
  now(): number;
  /** Work has waited for its connection since then. */
  connected(sinceMs: number): void;
  /** A statement that was sent then is answered, well or not. */
  answered(statement: string, sinceMs: number): void;
  /** Looks at a pool at every scrape. */
  watchPool(pool: PoolCounts): void;
}

/** What a pool of `pg` says of itself. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly options: { readonly max?: number };
}

/** Measures what a batcher does. */
export interface BatchMeter {
  /** An item leaves with its batch, after so many milliseconds. */
  waited(ms: number): void;
  sent(size: number): void;
  settled(): void;
  watchQueue(length: () => number): void;
}

type Watched = Pick<Clock, "monotonicMs">;

export function createDatabaseMeter(metrics: Metrics, clock: Watched): DatabaseMeter {
  const seconds = metrics.histogram(METRICS.statementSeconds);
  const statements = new Map<string, HistogramCell>();
  const wait = metrics.histogram(METRICS.connectionWait).cell();
  const now = clock.monotonicMs;
  return {
    now,
    connected: (sinceMs) => wait.observe((now() - sinceMs) / 1_000),
    answered: (statement, sinceMs) => {
      const cell = statements.get(statement) ?? seconds.cell(statement);
      statements.set(statement, cell);
      cell.observe((now() - sinceMs) / 1_000);
    },
    watchPool: (pool) => {
      const connections = metrics.gauge(METRICS.connections);
      connections.cell("in_use").read(() => pool.totalCount - pool.idleCount);
      connections.cell("idle").read(() => pool.idleCount);
      metrics
        .gauge(METRICS.connectionsMax)
        .cell()
        .read(() => pool.options.max);
      metrics
        .gauge(METRICS.connectionsWaiting)
        .cell()
        .read(() => pool.waitingCount);
    },
  };
}

/** @param batch what the batches are of, one word */
export function createBatchMeter(metrics: Metrics, batch: string): BatchMeter {
  const wait = metrics.histogram(METRICS.batchWait).cell(batch);
  const size = metrics.histogram(METRICS.batchSize).cell(batch);
  const inFlight = metrics.gauge(METRICS.batchesInFlight).cell(batch);
  return {
    waited: (ms) => wait.observe(ms / 1_000),
    sent: (items) => {
      size.observe(items);
      inFlight.add(1);
    },
    settled: () => inFlight.add(-1),
    watchQueue: (length) => metrics.gauge(METRICS.batchQueue).cell(batch).read(length),
  };
}
