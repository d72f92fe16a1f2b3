import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { addCounts } from "../platform/metric-sums.ts";
import type { MetricSnapshot } from "../platform/metrics.ts";
import { FINISH_MS_MAX } from "../start/finish.ts";
import { forkWorker, type Member } from "./member.ts";

/** The workers of a node. */
export interface WorkerPool {
  /** how many answer requests */
  count(): number;
  /** What each worker has counted, and those that are gone. */
  snapshots(): Promise<readonly (readonly MetricSnapshot[])[]>;
  /** Replaces each worker by a new one; no client notices. */
  replaceAll(): Promise<void>;
  /** Lets all of them drain and end. */
  stop(): Promise<void>;
}

export interface PoolOptions {
  readonly size: number;
  /** how long a worker that stops goes on listening, in milliseconds */
  readonly noticeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when workers end as fast as they are made. */
  readonly onFailure: (error: Error) => void;
}

/** A worker that ended unasked is replaced after a pause, which doubles with each that ended lately. */
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
const DOUBLINGS_MAX = 10;
const LATELY_MS = 60_000;
/** More than so many for each worker lately, and a new one will not help. */
const ENDS_PER_WORKER_MAX = 5;
/** The next worker is replaced after so long, though clients of the one before still keep connections to it. */
const RETIRE_WAIT_MS = 5_000;

interface State {
  readonly options: PoolOptions;
  /** every worker that runs */
  readonly members: Set<Member>;
  /** those that answer requests and shall go on */
  readonly serving: Set<Member>;
  /** what those that ended had counted */
  gone: readonly MetricSnapshot[];
  ends: readonly number[];
  isStopping: boolean;
  isReplacing: boolean;
}

/**
 * Starts the workers, and from then on replaces each that ends unasked.
 *
 * @throws what a worker said that could not start; then none runs
 */
export async function startWorkerPool(options: PoolOptions): Promise<WorkerPool> {
  const counts = { gone: [], ends: [], isStopping: false, isReplacing: false };
  const state: State = { options, members: new Set(), serving: new Set(), ...counts };
  try {
    await Promise.all(Array.from({ length: options.size }, () => add(state)));
  } catch (error) {
    state.isStopping = true;
    for (const member of state.members) member.kill();
    throw error;
  }
  return {
    count: () => state.serving.size,
    snapshots: async () => [...(await Promise.all([...state.members].map((member) => member.ask()))), state.gone],
    replaceAll: () => replaceAll(state),
    stop: () => stop(state),
  };
}

/** Starts one more; resolves when it answers requests. */
async function add(state: State): Promise<void> {
  const member = forkWorker();
  state.members.add(member);
  void member.ended.then((how) => onEnd(state, member, how));
  await member.ready;
  if (state.isStopping) member.tell({ kind: "stop" });
  else state.serving.add(member);
}

function onEnd(state: State, member: Member, how: string): void {
  const wasServing = state.serving.delete(member);
  state.members.delete(member);
  state.gone = addCounts(state.gone, member.counted());
  if (state.isStopping || !wasServing) return;
  state.options.log.error({ pid: member.pid, how }, "a worker ended and is replaced");
  void refill(state);
}

/** @param failedStarts of this replacement so far: while others serve, one that cannot start is tried for as long as it takes */
async function refill(state: State, failedStarts = 0): Promise<void> {
  const { size, clock, log, onFailure } = state.options;
  const now = clock.monotonicMs();
  const triesMax = size * ENDS_PER_WORKER_MAX;
  if (failedStarts === 0) state.ends = [...state.ends.filter((at) => now - at < LATELY_MS), now];
  if (state.ends.length > triesMax) return onFailure(new Error(`${state.ends.length} workers ended within a minute`));
  if (state.serving.size === 0 && failedStarts > triesMax)
    return onFailure(new Error(`no worker is left, and ${failedStarts} did not start`));
  await sleep(
    Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(state.ends.length + failedStarts - 1, DOUBLINGS_MAX)),
  );
  if (state.isStopping) return;
  try {
    await add(state);
  } catch (error) {
    log.error({ err: error }, "a worker could not be replaced and is tried again");
    await refill(state, failedStarts + 1);
  }
}

async function replaceAll(state: State): Promise<void> {
  if (state.isReplacing) return;
  state.isReplacing = true;
  try {
    for (const old of [...state.serving]) await replace(state, old);
    state.options.log.info({ workers: state.serving.size }, "the workers were replaced");
  } catch (error) {
    state.options.log.error({ err: error }, "a new worker did not start, so the old ones stay");
  } finally {
    state.isReplacing = false;
  }
}

async function replace(state: State, old: Member): Promise<void> {
  if (state.isStopping || !state.serving.has(old)) return;
  await add(state);
  // It may have ended meanwhile, and been replaced for that.
  if (!state.serving.delete(old)) return;
  old.tell({ kind: "retire" });
  await Promise.race([old.ended, sleep(RETIRE_WAIT_MS, undefined, { ref: false })]);
}

async function stop(state: State): Promise<void> {
  state.isStopping = true;
  for (const member of state.members) member.tell({ kind: "stop" });
  const late = setTimeout(() => {
    for (const member of state.members) member.kill();
  }, state.options.noticeMs + FINISH_MS_MAX);
  await Promise.all([...state.members].map(({ ended }) => ended));
  clearTimeout(late);
}
