import { METRICS } from "../platform/metric-table.ts";
import { hexId } from "../platform/random.ts";
import { type Lease, takeLease, updateLeaseEnd } from "../resources/lease/queries.ts";
import { JOBS } from "./index.ts";
import type { Job, JobDeps } from "./job.ts";

/** Jobs that run until they are told to stop. */
export interface JobRunner {
  /** Starts nothing more and waits for the run that is under way. */
  stop(): Promise<void>;
}

/** A node that dies while it runs a job keeps the others from it so long. */
const LEASE_MS = 600_000;
/** A run that failed is tried again after so long, or after its interval if that is shorter. */
const RETRY_SECONDS = 60;
const JITTER_PART = 10;

/**
 * Runs every job at once and then at its interval, give or take a tenth, on one node at a time. Errors are logged; nothing that a
 * job does can end the process.
 */
export function startJobs(deps: JobDeps, jobs: readonly Job[] = JOBS): JobRunner {
  const holder = hexId(deps.random);
  const stops = jobs.map((job) => startJob(deps, job, holder));
  return {
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

/**
 * Runs a job once if its lease is free or held by `holder`. Afterwards the lease is kept until the next run is due, so that other
 * nodes do not run it in between.
 *
 * @returns whether there is nothing to make good: false after an error, which has been logged
 */
export async function runJob(deps: JobDeps, job: Job, holder: string): Promise<boolean> {
  const db = deps.database.tenants([]);
  const startedAtMs = deps.clock.nowMs();
  const lease = (untilMs: number): Lease => ({ name: job.name, holder, untilMs });
  try {
    if (!(await takeLease(db, lease(startedAtMs + LEASE_MS), startedAtMs))) return true;
    await measureRun(deps, job);
    await updateLeaseEnd(db, lease(startedAtMs + job.everySeconds * 1_000));
    return true;
  } catch (error) {
    deps.log.error({ job: job.name, err: error }, "a job failed and will be run again");
    return false;
  }
}

async function measureRun(deps: JobDeps, job: Job): Promise<void> {
  const { clock, metrics } = deps;
  const sinceMs = clock.monotonicMs();
  const end = (result: "done" | "failed"): void => {
    metrics.counter(METRICS.jobRuns).cell(job.name, result).add();
    metrics
      .histogram(METRICS.jobSeconds)
      .cell(job.name)
      .observe((clock.monotonicMs() - sinceMs) / 1_000);
  };
  try {
    await job.run(deps);
    end("done");
  } catch (error) {
    end("failed");
    throw error;
  }
}

function startJob(deps: JobDeps, job: Job, holder: string): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  const loop = async (): Promise<void> => {
    const isDone = await runJob(deps, job, holder);
    if (isStopped) return;
    const seconds = isDone ? job.everySeconds : Math.min(job.everySeconds, RETRY_SECONDS);
    timer = setTimeout(start, seconds * 1_000 + deps.random.below(Math.ceil((seconds * 1_000) / JITTER_PART)));
  };
  function start(): void {
    running = loop();
  }

  start();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
