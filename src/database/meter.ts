import type { Clock } from "../platform/clock.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { HistogramCell, Metrics } from "../platform/metrics.ts";
import { type Tracing, traced } from "../platform/tracing.ts";

/** Measures what a database and its pool do, and shows it in traces if there are any. */
export interface DatabaseMeter {
  /** Waits for a connection. */
  connection<T>(wait: () => Promise<T>): Promise<T>;
  /** Sends a statement and waits for its answer. */
  statement<T>(name: string, send: () => Promise<T>): Promise<T>;
  /** Looks at one more pool at every scrape. */
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
  /** what the batches are of, one word */
  readonly batch: string;
  readonly tracing: Tracing | undefined;
  /** An item leaves with its batch, after so many milliseconds. */
  waited(ms: number): void;
  sent(size: number): void;
  settled(): void;
  watchQueue(length: () => number): void;
}

/** Who watches. */
export interface Watchers {
  readonly metrics: Metrics;
  readonly tracing?: Tracing | undefined;
}

export function createDatabaseMeter(
  { metrics, tracing }: Watchers,
  { monotonicMs }: Pick<Clock, "monotonicMs">,
): DatabaseMeter {
  const seconds = metrics.histogram(METRICS.statementSeconds);
  const statements = new Map<string, HistogramCell>();
  const wait = metrics.histogram(METRICS.connectionWait).cell();
  const cellOf = (name: string): HistogramCell => {
    const cell = statements.get(name) ?? seconds.cell(name);
    statements.set(name, cell);
    return cell;
  };
  return {
    connection: (work) => time(monotonicMs, wait, work),
    statement: (name, send) => {
      const attributes = { "db.system.name": "postgresql", "db.operation.name": name };
      return time(monotonicMs, cellOf(name), () => traced(tracing, { name, attributes }, send));
    },
    watchPool: watchPools(metrics),
  };
}

function watchPools(metrics: Metrics): DatabaseMeter["watchPool"] {
  const pools: PoolCounts[] = [];
  const sum = (count: (pool: PoolCounts) => number) => () => pools.reduce((total, pool) => total + count(pool), 0);
  const connections = metrics.gauge(METRICS.connections);
  connections.cell("in_use").read(sum((pool) => pool.totalCount - pool.idleCount));
  connections.cell("idle").read(sum((pool) => pool.idleCount));
  const max = metrics.gauge(METRICS.connectionsMax).cell();
  max.read(sum((pool) => pool.options.max ?? 0));
  const waiting = metrics.gauge(METRICS.connectionsWaiting).cell();
  waiting.read(sum((pool) => pool.waitingCount));
  return (pool) => {
    pools.push(pool);
  };
}

async function time<T>(monotonicMs: () => number, cell: HistogramCell, work: () => Promise<T>): Promise<T> {
  const sinceMs = monotonicMs();
  try {
    return await work();
  } finally {
    cell.observe((monotonicMs() - sinceMs) / 1_000);
  }
}

/** @param batch what the batches are of, one word */
export function createBatchMeter({ metrics, tracing }: Watchers, batch: string): BatchMeter {
  const wait = metrics.histogram(METRICS.batchWait).cell(batch);
  const size = metrics.histogram(METRICS.batchSize).cell(batch);
  const inFlight = metrics.gauge(METRICS.batchesInFlight).cell(batch);
  return {
    batch,
    tracing,
    waited: (ms) => wait.observe(ms / 1_000),
    sent: (items) => {
      size.observe(items);
      inFlight.add(1);
    },
    settled: () => inFlight.add(-1),
    watchQueue: (length) => metrics.gauge(METRICS.batchQueue).cell(batch).read(length),
  };
}
