import { METRICS } from "../platform/metric-table.ts";
import { hexId } from "../platform/random.ts";
import { processTimers, type Timers } from "../platform/timers.ts";
import { extendLease, type Lease, takeLease, updateLeaseEnd } from "../resources/lease/queries.ts";
import { JOBS } from "./index.ts";
import type { Job, JobDeps } from "./job.ts";

/** Jobs that run until they are told to stop. */
export interface JobRunner {
  /** Starts nothing more and waits for the runs that are under way, for a bounded time. */
  stop(): Promise<void>;
}

/** A node that dies while it runs a job keeps the others from it so long; one that runs it for longer renews its lease. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** What another node holds is asked for again after so long: with the lease, a dead node's job moves within a minute. */
const ASK_SECONDS = 20;
/** A run that failed is tried again by its node after so long, each time after twice as long, and by others after the longest. */
const RETRY_SECONDS_FIRST = 5;
const RETRY_SECONDS = 60;
const JITTER_PART = 10;
/** A run that is still under way then fails at its next statement, when the database is closed; another node runs the job anew. */
const STOP_MS_MAX = 10_000;
/** At a start one job follows the other by so much, and leaves connections to the requests that come at once. */
const START_EVERY_MS = 250;

/** What became of a job: it ran, it failed, or another node has it. */
export type Outcome = "done" | "failed" | "elsewhere";

/**
 * Runs every job soon and then at its interval, give or take a tenth, on one node at a time. Errors are logged; nothing that a
 * job does can end the process.
 */
export function startJobs(deps: JobDeps, jobs: readonly Job[] = JOBS): JobRunner {
  const holder = hexId(deps.random);
  const stops = jobs.map((job, place) => startJob(deps, { job, holder, startMs: place * START_EVERY_MS }));
  return {
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

/**
 * Runs a job once if its lease is free or held by `holder`, and renews the lease meanwhile. Afterwards the lease is kept until the
 * next run is due, so that other nodes do not run it in between. An error is logged.
 */
export async function runJob(deps: JobDeps, job: Job, holder: string, timers = processTimers): Promise<Outcome> {
  const db = deps.database.tenants([]);
  const startedAtMs = deps.clock.nowMs();
  const lease = (untilMs: number): Lease => ({ name: job.name, holder, untilMs });
  try {
    if (!(await takeLease(db, lease(startedAtMs + LEASE_MS), startedAtMs))) return "elsewhere";
    const stopRenewing = keepRenewing(deps, { name: job.name, holder }, timers);
    const failure = await measureRun(deps, job).then(
      () => undefined,
      (cause: unknown) => ({ cause }),
    );
    await stopRenewing();
    const dueSeconds = failure === undefined ? job.everySeconds : retrySecondsOf(job);
    await updateLeaseEnd(db, lease(startedAtMs + dueSeconds * 1_000));
    if (failure !== undefined) throw failure.cause;
    return "done";
  } catch (error) {
    deps.log.error({ job: job.name, err: error }, "a job failed and will be run again");
    return "failed";
  }
}

function retrySecondsOf({ everySeconds }: Pick<Job, "everySeconds">): number {
  return Math.min(everySeconds, RETRY_SECONDS);
}

// A lease that was lost to another node is not taken back: what is done by two does no harm (job.ts).
function keepRenewing(
  { database, clock, log }: JobDeps,
  lease: Omit<Lease, "untilMs">,
  timers: Pick<Timers, "after">,
): () => Promise<void> {
  let isOver = false;
  let renewed = Promise.resolve();
  const renew = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    await extendLease(database.tenants([]), { ...lease, untilMs: nowMs + LEASE_MS }, nowMs).catch((error: unknown) => {
      log.warn({ job: lease.name, err: error }, "a job's lease could not be renewed");
    });
  };
  const wait = (): void => {
    timers.after(RENEW_MS, () => {
      if (isOver) return;
      renewed = renew();
      void renewed.then(wait);
    });
  };
  wait();
  return () => {
    isOver = true;
    return renewed;
  };
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

/**
 * When a node runs a job again, in seconds. Soon after the first failure: a database that was away for a moment is back, and a node that
 * has just started needs what its jobs make.
 *
 * @param failures how often it has failed since it last did not
 */
export function secondsUntilNext(job: Pick<Job, "everySeconds">, outcome: Outcome, failures: number): number {
  if (outcome === "elsewhere") return Math.min(job.everySeconds, ASK_SECONDS);
  if (outcome === "done") return job.everySeconds;
  return Math.min(retrySecondsOf(job), RETRY_SECONDS_FIRST * 2 ** (failures - 1));
}

interface Start {
  readonly job: Job;
  readonly holder: string;
  readonly startMs: number;
}

function startJob(deps: JobDeps, { job, holder, startMs }: Start): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let failures = 0;

  const loop = async (): Promise<void> => {
    const outcome = await runJob(deps, job, holder);
    if (isStopped) return;
    failures = outcome === "failed" ? failures + 1 : 0;
    const seconds = secondsUntilNext(job, outcome, failures);
    timer = setTimeout(start, seconds * 1_000 + deps.random.below(Math.ceil((seconds * 1_000) / JITTER_PART)));
  };
  function start(): void {
    running = loop();
  }

  if (startMs === 0) start();
  else timer = setTimeout(start, startMs);
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    if (!(await endsInTime(running)))
      deps.log.warn({ job: job.name }, "a job was still running when its node ended, and will be run again");
  };
}

async function endsInTime(running: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(late.resolve, STOP_MS_MAX, false);
  const isEnded = await Promise.race([running.then(() => true), late.promise]);
  clearTimeout(timer);
  return isEnded;
}
