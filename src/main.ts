import { resolve } from "node:path";
import { ConfigError, readConfig } from "./config.ts";
import { planDeclarativeFile, startServer } from "./start.ts";
import { describeStart } from "./welcome.ts";

const DRY_RUN_CHANGES = 2;

async function run(): Promise<void> {
  const config = readConfig(process.env);
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
  const started = await startServer(config, process.env, { onFailure });
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

run().catch((error: unknown) => {
  const isExpected = error instanceof ConfigError || (error instanceof Error && !(error instanceof TypeError));
  process.stderr.write(`Mayfly did not start: ${isExpected ? error.message : String(error)}\n`);
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`because: ${String(error.cause)}\n`);
  process.exit(1);
});
