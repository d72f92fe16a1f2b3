import cluster from "node:cluster";
import { resolve } from "node:path";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { planDeclarativeFile, startServer } from "./start.ts";
import { describeStart } from "./welcome.ts";
import { type StartedWorkers, startWorkers } from "./workers/supervisor.ts";
import { runWorker } from "./workers/worker.ts";

const DRY_RUN_CHANGES = 2;

async function run(): Promise<void> {
  const config = readConfig(process.env);
  if (cluster.isWorker) return runWorker(config);
  if (process.argv.includes("--dry-run")) {
    const changes = await planDeclarativeFile(config, process.env);
    process.stdout.write(changes.length === 0 ? "no changes\n" : `${changes.join("\n")}\n`);
    process.exitCode = changes.length === 0 ? 0 : DRY_RUN_CHANGES;
    return;
  }
  const onFailure = (error: Error): never => {
    process.stderr.write(`Mayfly stopped: ${error.message}\n`);
    process.exit(1);
  };
  const started = await start(config, onFailure);
  process.stdout.write(describeStart(config, { ...started.bootstrap, file: resolve(started.bootstrap.file) }));
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    started.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        started.deps.log.error({ err: error }, "stopping failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("disconnect", stop);
}

async function start(
  config: Config,
  onFailure: (error: Error) => never,
): Promise<Omit<StartedWorkers, "replaceWorkers">> {
  if (config.workers === 1) {
    const started = await startServer(config, process.env, { onFailure });
    // Otherwise the signal would end the process.
    process.on("SIGUSR2", () => started.deps.log.warn("SIGUSR2 replaces workers, and this node has none"));
    return started;
  }
  const started = await startWorkers(config, process.env, onFailure);
  process.on("SIGUSR2", started.replaceWorkers);
  return started;
}

run().catch((error: unknown) => {
  const isExpected = error instanceof ConfigError || (error instanceof Error && !(error instanceof TypeError));
  process.stderr.write(`Mayfly did not start: ${isExpected ? error.message : String(error)}\n`);
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`because: ${String(error.cause)}\n`);
  process.exit(1);
});
