import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type App, createApp } from "./app.ts";
import type { Config, Environment } from "./config.ts";
import type { Database, SentStatement } from "./database/database.ts";
import { openEmbedded } from "./database/embedded.ts";
import { createDatabaseMeter, type DatabaseMeter } from "./database/meter.ts";
import { migrate } from "./database/migrate.ts";
import { ensureFirstPartitions } from "./database/partitions.ts";
import { addReplica, openPostgresql } from "./database/postgresql.ts";
import { type BootstrapResult, bootstrap } from "./declarative/bootstrap.ts";
import { readMasterKeys, readOperatorToken } from "./declarative/master-key.ts";
import { planFile, reconcileFile } from "./declarative/reconcile.ts";
import type { Deps } from "./deps.ts";
import { CLOCK_AGE_SECONDS_MAX, followDatabaseClock } from "./jobs/clock.ts";
import { startJobs } from "./jobs/runner.ts";
import { watchStorage } from "./jobs/storage-watch.ts";
import { type Clock, createClock } from "./platform/clock.ts";
import { createLog } from "./platform/log.ts";
import { createMailTransport } from "./platform/mail.ts";
import { listMetrics, METRICS } from "./platform/metric-table.ts";
import { createMetrics } from "./platform/metrics.ts";
import { watchProcess } from "./platform/process-metrics.ts";
import { createRandom } from "./platform/random.ts";
import { createSealer } from "./platform/seal.ts";

const IDLE_CHECK_MS = 50;
/** As long as the slowest request may take; who has not sent his whole request by then is cut off. */
const DRAIN_NOTICE_MS = 250;
const DRAIN_MS_MAX = 30_000;

/** What tests may replace or watch; a started process uses none of it. */
export interface StartOptions {
  readonly clock?: Clock;
  readonly onStatement?: (sent: SentStatement) => void;
  /** Called when the process cannot go on. */
  readonly onFailure?: (error: Error) => void;
}

function throwIt(error: Error): never {
  throw error;
}

/** A started server. */
export interface Started {
  readonly app: App;
  readonly deps: Deps;
  readonly bootstrap: BootstrapResult;
  /** Drains and stops: requests under way finish, nothing acknowledged is lost. */
  stop(): Promise<void>;
}

/** Opens everything that the configuration names, with the schema at this version. */
async function openDeps(config: Config, options: StartOptions = {}): Promise<Deps> {
  const clock = options.clock ?? createClock();
  const random = createRandom();
  const dataDirectory = resolve(config.dataDirectory);
  const sealer = createSealer(await readMasterKeys(config, random), random);
  const metrics = createMetrics(listMetrics());
  const database = await openDatabase(config, clock, { ...options, meter: createDatabaseMeter(metrics, clock) });
  await migrate(database, config.migrate);
  const mail = createMailTransport({
    smtpUrl: config.smtpUrl,
    from: config.smtpFrom,
    outboxDirectory: join(dataDirectory, "outbox"),
    clock,
    random,
  });
  return { config, database, clock, random, sealer, mail, log: createLog(config.logLevel), metrics };
}

/** Starts a server: database, clock, partitions, first start, declarative file, jobs, listeners. */
export async function startServer(
  config: Config,
  environment: Environment,
  options: StartOptions = {},
): Promise<Started> {
  const deps = await openDeps(config, options);
  const clock = await followDatabaseClock(deps);
  await ensureFirstPartitions(deps.database, deps.clock.nowSeconds());
  await readOperatorToken(config, deps.random);
  const firstStart = await bootstrap(deps);
  if (config.declarativeFile !== undefined) {
    const changes = await reconcileFile(deps, config.declarativeFile, environment);
    for (const change of changes) deps.log.info({ change }, "the declarative file changed this");
  }
  deps.metrics.gauge(METRICS.clockAge).cell().read(clock.clockAgeSeconds);
  watchStorage(deps);
  const processWatch = watchProcess(deps.metrics);
  let draining = false;
  const app = createApp(
    deps,
    { isClockFresh: () => clock.clockAgeSeconds() <= CLOCK_AGE_SECONDS_MAX, isDraining: () => draining },
    await readVersion(),
  );
  const jobs = startJobs(deps);
  await app.main.listen({ host: config.host, port: config.port });
  await app.operations.listen({ host: config.opsHost, port: config.opsPort });
  return {
    app,
    deps,
    bootstrap: firstStart,
    stop: async () => {
      draining = true;
      await drain(app);
      await jobs.stop();
      await clock.stop();
      processWatch.stop();
      deps.mail.close();
      await deps.database.close();
    },
  };
}

// A connection that was busy when the stop began is kept alive once it is answered, and closing would wait for it.
async function drain(app: App): Promise<void> {
  const servers = [app.main.server, app.operations.server];
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, IDLE_CHECK_MS);
  const late = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, DRAIN_MS_MAX);
  try {
    // Still listening, and every answer ends its connection: clients and load balancers learn that this node goes.
    await new Promise((resolve) => setTimeout(resolve, DRAIN_NOTICE_MS));
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(late);
  }
}

/** Prints what the declarative file would change, and changes nothing. */
export async function planDeclarativeFile(config: Config, environment: Environment): Promise<readonly string[]> {
  if (config.declarativeFile === undefined) throw new Error("--dry-run needs MAYFLY_CONFIG");
  const deps = await openExisting(config);
  try {
    return await planFile(deps, config.declarativeFile, environment);
  } finally {
    await deps.database.close();
  }
}

// A look must change nothing: neither a data directory nor a migration comes of it.
function openExisting(config: Config): Promise<Deps> {
  const version = join(resolve(config.dataDirectory), "database", "PG_VERSION");
  if (config.databaseUrl === undefined && !existsSync(version)) {
    throw new Error(
      `there is no database in ${config.dataDirectory} yet, so the file would make everything in it; start once without --dry-run`,
    );
  }
  return openDeps({ ...config, migrate: "check" });
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
  return addReplica(primary, { url: databaseReplicaUrl, poolSize, monotonicMs: clock.monotonicMs });
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && "version" in value ? String(value.version) : "unknown";
}
