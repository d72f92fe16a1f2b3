import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type App, createApp, createOperations } from "./app.ts";
import type { Config, Environment } from "./config.ts";
import { ensureFirstPartitions } from "./database/partitions.ts";
import { type BootstrapResult, bootstrap } from "./declarative/bootstrap.ts";
import { readOperatorToken } from "./declarative/master-key.ts";
import { planFile, reconcileFile, TenantsLeft } from "./declarative/reconcile.ts";
import type { Deps } from "./deps.ts";
import type { NodeView } from "./http/health.ts";
import { startJobs } from "./jobs/runner.ts";
import { watchStorage } from "./jobs/storage-watch.ts";
import { type Farewell, farewellOfNode, finish, RETIREMENT } from "./start/finish.ts";
import { listen, mainPlaceOf, operationsPlaceOf } from "./start/listen.ts";
import { openDeps, openNode, type StartOptions } from "./start/open-node.ts";
import { readVersion } from "./start/read-version.ts";

/** A started server. */
export interface Started {
  readonly app: App;
  readonly operations: ReturnType<typeof createOperations>;
  readonly deps: Deps;
  readonly bootstrap: BootstrapResult;
  /** Drains and stops: requests under way finish, nothing acknowledged is lost. */
  stop(): Promise<void>;
}

/** A process that answers requests beside others of its node. */
export interface StartedWorker {
  readonly deps: Deps;
  /** Ends with the node: requests under way finish, nothing acknowledged is lost. */
  stop(): Promise<void>;
  /** The same while the node goes on: no client may notice. */
  retire(): Promise<void>;
}

/** The process that does what a node of several does once. */
export interface StartedPrimary {
  readonly deps: Deps;
  readonly bootstrap: BootstrapResult;
  /** Answers operators. */
  listen(view: Omit<NodeView, "version">): Promise<void>;
  /** Says from now on that the node is not ready. */
  drain(): void;
  stop(): Promise<void>;
}

/** Starts a server: database, clock, partitions, first start, declarative file, jobs, listeners. */
export async function startServer(
  config: Config,
  environment: Environment,
  options: StartOptions = {},
): Promise<Started> {
  const node = await openNode(config, options);
  const { deps, readiness } = node;
  const { firstStart, operatorToken } = await prepare(deps, environment);
  const app = createApp(deps, readiness, { ...options, operatorToken });
  const operations = createOperations(deps, readiness, {
    version: await readVersion(),
    checks: () => [],
    snapshots: async () => [await deps.metrics.snapshot()],
  });
  const jobs = startJobs(deps);
  await listen(app.main, mainPlaceOf(config));
  await listen(operations, operationsPlaceOf(config));
  return {
    app,
    operations,
    deps,
    bootstrap: firstStart,
    stop: async () => {
      node.drain();
      node.leave();
      await finish([app.main.server, operations.server], farewellOfNode(config));
      await Promise.all([app.close(), operations.close()]);
      await jobs.stop();
      await node.close();
    },
  };
}

/** Starts a process that only answers requests: another has prepared the database. */
export async function startWorker(config: Config): Promise<StartedWorker> {
  const node = await openNode({ ...config, migrate: "check" });
  const operatorToken = await readOperatorToken(config, node.deps.random);
  const app = createApp(node.deps, node.readiness, { operatorToken });
  await listen(app.main, mainPlaceOf(config));
  // Told to stop while it retires, it does both: what comes first ends it.
  let closed: Promise<void> | undefined;
  const leave = async (farewell: Farewell): Promise<void> => {
    node.leave();
    await finish([app.main.server], farewell);
    closed ??= app.close().then(node.close);
    await closed;
  };
  return {
    deps: node.deps,
    stop: () => {
      node.drain();
      return leave(farewellOfNode(config));
    },
    retire: () => leave(RETIREMENT),
  };
}

/** Starts what a node of several processes has once: the database's preparation, the jobs, the operators' listener. */
export async function startPrimary(config: Config, environment: Environment): Promise<StartedPrimary> {
  const node = await openNode(config);
  const { deps, readiness } = node;
  const { firstStart } = await prepare(deps, environment);
  const jobs = startJobs(deps);
  let operations: ReturnType<typeof createOperations> | undefined;
  return {
    deps,
    bootstrap: firstStart,
    listen: async (view) => {
      operations = createOperations(deps, readiness, { version: await readVersion(), ...view });
      await listen(operations, operationsPlaceOf(config));
    },
    drain: node.drain,
    stop: async () => {
      node.leave();
      if (operations !== undefined) await finish([operations.server], { noticeMs: 0, idleMs: 0 });
      await operations?.close();
      await jobs.stop();
      await node.close();
    },
  };
}

/** What was found or made before any answers. */
interface Prepared {
  readonly firstStart: BootstrapResult;
  /** undefined: there is no operator */
  readonly operatorToken: string | undefined;
}

/** What one process of a node does before any answers: partitions, operator token, first start, declarative file. */
async function prepare(deps: Deps, environment: Environment): Promise<Prepared> {
  const { config } = deps;
  await ensureFirstPartitions(deps.database, deps.clock.nowSeconds());
  const operatorToken = await readOperatorToken(config, deps.random);
  const firstStart = await bootstrap(deps);
  if (config.declarativeFile !== undefined) {
    const changes = await reconcileFile(deps, config.declarativeFile, environment).catch((error: unknown) => {
      if (!(error instanceof TenantsLeft)) throw error;
      for (const [tenant, err] of error.left)
        deps.log.error({ tenant, err }, "the declarative file does not fit this tenant, which stays as it is");
      return error.changes;
    });
    for (const change of changes) deps.log.info({ change }, "the declarative file changed this");
  }
  watchStorage(deps);
  return { firstStart, operatorToken };
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
