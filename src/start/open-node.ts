import cluster from "node:cluster";
import { join, resolve } from "node:path";
import type { Config } from "../config.ts";
import type { Database, SentStatement } from "../database/database.ts";
import { openEmbedded } from "../database/embedded.ts";
import { createDatabaseMeter, type DatabaseMeter } from "../database/meter.ts";
import { migrate } from "../database/migrate.ts";
import { addReplica, openPostgresql } from "../database/postgresql.ts";
import { readMasterKeys } from "../declarative/master-key.ts";
import type { Deps } from "../deps.ts";
import type { Readiness } from "../http/health.ts";
import type { HttpReply, Route } from "../http/route.ts";
import { CLOCK_AGE_SECONDS_MAX, followDatabaseClock } from "../jobs/clock.ts";
import { type Clock, createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { createMailTransport } from "../platform/mail.ts";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics, type Metrics } from "../platform/metrics.ts";
import { watchProcess } from "../platform/process-metrics.ts";
import { createRandom } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import type { Timers } from "../platform/timers.ts";
import type { Tracing } from "../platform/tracing.ts";
import { readVersion } from "./read-version.ts";

/** What tests may replace or watch; a started process uses none of it. */
export interface StartOptions {
  readonly clock?: Clock;
  readonly onStatement?: (sent: SentStatement) => void;
  /** Takes the log's lines instead of standard error. */
  readonly onLogLine?: (line: string) => void;
  /** How long requests wait and take is measured with these: in a process that it shares with its clients a server cannot tell. */
  readonly timers?: Timers;
  /** Told of each answer before it is sent. */
  readonly onAnswer?: (route: Route, answer: HttpReply) => void;
  /** Called when the process cannot go on. */
  readonly onFailure?: (error: Error) => void;
}

/** A process's outside world, on the database's clock. */
export interface OpenedNode {
  readonly deps: Deps;
  readonly readiness: Readiness;
  /** From now on each answer ends its connection. */
  leave(): void;
  /** From now on the node is not ready. */
  drain(): void;
  close(): Promise<void>;
}

function throwIt(error: Error): never {
  throw error;
}

/** Opens everything that the configuration names, with the schema at this version and the time of the database. */
export async function openNode(config: Config, options: StartOptions = {}): Promise<OpenedNode> {
  const deps = await openDeps(config, options);
  const clock = await followDatabaseClock(deps);
  deps.metrics.gauge(METRICS.clockAge).cell().read(clock.clockAgeSeconds);
  const processWatch = watchProcess(deps.metrics);
  let isLeaving = false;
  let isDraining = false;
  return {
    deps,
    readiness: {
      isClockFresh: () => clock.clockAgeSeconds() <= CLOCK_AGE_SECONDS_MAX,
      isLeaving: () => isLeaving,
      isDraining: () => isDraining,
    },
    leave: () => {
      isLeaving = true;
    },
    drain: () => {
      isDraining = true;
    },
    close: async () => {
      await clock.stop();
      processWatch.stop();
      deps.mail.close();
      await deps.database.close();
      await deps.tracing?.stop();
    },
  };
}

/** Opens everything that the configuration names, with the schema at this version. */
export async function openDeps(config: Config, options: StartOptions = {}): Promise<Deps> {
  const clock = options.clock ?? createClock();
  const random = createRandom();
  const dataDirectory = resolve(config.dataDirectory);
  const sealer = createSealer(await readMasterKeys(config, random), random);
  const log = createLog(config.logLevel, { worker: cluster.worker?.id, write: options.onLogLine });
  const metrics = createMetrics(listMetrics());
  const tracing = await openTracing(config, metrics);
  const meter = createDatabaseMeter({ metrics, tracing }, clock);
  const database = await openDatabase(config, clock, { ...options, meter });
  await migrate(database, config.migrate);
  const mail = createMailTransport({
    smtpUrl: config.smtpUrl,
    from: config.smtpFrom,
    outboxDirectory: join(dataDirectory, "outbox"),
    clock,
    random,
  });
  return { config, database, clock, random, sealer, mail, log, metrics, tracing };
}

// Not even loaded where nobody asked for traces.
async function openTracing(config: Config, metrics: Metrics): Promise<Tracing | undefined> {
  if (config.tracing === undefined) return undefined;
  const { createTracing } = await import("../platform/open-telemetry.ts");
  return createTracing(config.tracing, await readVersion(), metrics);
}

async function openDatabase(
  config: Config,
  clock: Clock,
  options: StartOptions & { readonly meter: DatabaseMeter },
): Promise<Database> {
  const { meter } = options;
  const watch = options.onStatement === undefined ? { meter } : { meter, onStatement: options.onStatement };
  if (config.databaseUrl === undefined) {
    return openEmbedded({
      directory: resolve(config.dataDirectory),
      onFailure: options.onFailure ?? throwIt,
      ...watch,
    });
  }
  const { databaseReplicaUrl, databasePoolSize: poolSize } = config;
  const primary = openPostgresql({ url: config.databaseUrl, poolSize, ...watch });
  if (databaseReplicaUrl === undefined) return primary;
  return addReplica(primary, { url: databaseReplicaUrl, poolSize, monotonicMs: clock.monotonicMs, meter });
}
