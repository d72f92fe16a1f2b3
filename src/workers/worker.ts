import type { Config } from "../config.ts";
import { type StartedWorker, startWorker } from "../start.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/**
 * Runs this process as one of a node's workers, until the primary tells it to end. When the primary dies, Node ends the process: its
 * listener is gone with the primary's.
 */
export async function runWorker(config: Config): Promise<void> {
  let isEnding = false;
  try {
    const started = await startWorker(config);
    const end = (how: "stop" | "retire"): void => {
      // A worker that retires is told to stop when its node stops meanwhile, and must not wait for idle clients any more.
      if (isEnding && how === "retire") return;
      isEnding = true;
      void leave(started, how);
    };
    process.on("message", (message: ToWorker) => {
      if (message.kind === "count") void answer(started, message.question);
      else end(message.kind);
    });
    // A service manager signals every process of the service.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end("stop"));
    process.on("SIGUSR2", () => undefined);
    await tell({ kind: "ready" });
  } catch (error) {
    await tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

async function answer({ deps }: StartedWorker, question: number): Promise<void> {
  await tell({ kind: "counted", question, snapshot: await deps.metrics.snapshot() });
}

async function leave(started: StartedWorker, how: "stop" | "retire"): Promise<void> {
  try {
    await started[how]();
    await tell({ kind: "left", snapshot: await started.deps.metrics.snapshot() });
    process.exit(0);
  } catch (error) {
    started.deps.log.error({ err: error }, "stopping failed");
    process.exit(1);
  }
}

/** Resolves when the message has left, or there is nobody to read it. */
function tell(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
