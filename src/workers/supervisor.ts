import type { Config, Environment } from "../config.ts";
import type { BootstrapResult } from "../declarative/bootstrap.ts";
import type { Deps } from "../deps.ts";
import { farewellOfNode } from "../start/finish.ts";
import { startPrimary } from "../start.ts";
import { startWorkerPool } from "./pool.ts";

/** A node of several processes that share its port. */
export interface StartedWorkers {
  readonly deps: Deps;
  readonly bootstrap: BootstrapResult;
  /** Replaces each worker by a new one; no client notices. */
  replaceWorkers(): void;
  /** Drains and stops all of them. */
  stop(): Promise<void>;
}

/**
 * Starts a node of `config.workers` processes: this one prepares the database, runs the jobs and answers operators, the others
 * answer requests.
 *
 * @param onFailure called when workers end as fast as they are made
 */
export async function startWorkers(
  config: Config,
  environment: Environment,
  onFailure: (error: Error) => void,
): Promise<StartedWorkers> {
  const primary = await startPrimary(config, environment);
  const { deps } = primary;
  const { noticeMs } = farewellOfNode(config);
  const { clock, log } = deps;
  const pool = await startWorkerPool({ size: config.workers, noticeMs, clock, log, onFailure });
  await primary.listen({
    checks: () => [{ name: "workers", ok: pool.count() > 0 }],
    snapshots: async () => [await deps.metrics.snapshot(), ...(await pool.snapshots())],
  });
  return {
    deps,
    bootstrap: primary.bootstrap,
    replaceWorkers: () => void pool.replaceAll(),
    stop: async () => {
      primary.drain();
      await pool.stop();
      await primary.stop();
    },
  };
}
