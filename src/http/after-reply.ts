import type { Log } from "../platform/log.ts";

/** Pieces of work that may wait, running ones included; what never ends must not fill the memory. */
const WORK_WAITING_MAX = 1_000;
const WORK_RUNNING_MAX = 8;
const ATTEMPTS_RUNNING_MAX = 4;

/** Work that an answer must not wait for, because how long it takes would tell something. */
export interface AfterReply {
  /** Takes a piece of work, to be begun when this turn of the loop is over. False: too much is waiting, it was not taken. */
  start(work: () => Promise<void>): boolean;
  /**
   * Tries what another server may keep waiting, apart from other work. It may never be begun, because too much is waiting or the
   * node ends: whoever hands it over has written down what is to be done, and a job does it then.
   */
  attempt(work: () => Promise<void>): void;
  /** Resolves when all that was taken is done. */
  settled(): Promise<void>;
  /** Begins no further attempt, and resolves when all that is left is done. */
  close(): Promise<void>;
}

interface Lane {
  start(work: () => Promise<void>): boolean;
  forget(): void;
  isIdle(): boolean;
  settled(): Promise<void>;
}

/** Runs work beside the requests, a few pieces at a time, in the order taken. What throws is a bug and logged. */
export function createAfterReply(log: Log): AfterReply {
  const work = createLane(log, WORK_RUNNING_MAX);
  const attempts = createLane(log, ATTEMPTS_RUNNING_MAX);
  let isClosing = false;

  // Work may hand over attempts.
  async function settled(): Promise<void> {
    await work.settled();
    await attempts.settled();
    if (!work.isIdle()) await settled();
  }

  return {
    start: work.start,
    attempt: (one) => {
      if (!isClosing) attempts.start(one);
    },
    settled,
    close: () => {
      isClosing = true;
      attempts.forget();
      return settled();
    },
  };
}

function createLane(log: Log, runningMax: number): Lane {
  const waiting: (() => Promise<void>)[] = [];
  let idle = Promise.withResolvers<void>();
  let running = 0;
  const isIdle = (): boolean => running + waiting.length === 0;

  function pump(): void {
    while (running < runningMax) {
      const work = waiting.shift();
      if (work === undefined) break;
      running += 1;
      work()
        .catch((error: unknown) => log.error({ err: error }, "work after a reply failed"))
        .finally(() => {
          running -= 1;
          pump();
        });
    }
    if (!isIdle()) return;
    idle.resolve();
    idle = Promise.withResolvers<void>();
  }

  return {
    start: (work) => {
      if (waiting.length + running >= WORK_WAITING_MAX) return false;
      waiting.push(work);
      setImmediate(pump);
      return true;
    },
    forget: () => {
      waiting.length = 0;
      setImmediate(pump);
    },
    isIdle,
    settled: () => (isIdle() ? Promise.resolve() : idle.promise),
  };
}
