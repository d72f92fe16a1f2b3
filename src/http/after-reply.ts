import type { Log } from "../platform/log.ts";

/** Pieces of work that may wait, running ones included; a mail server that is down must not fill the memory. */
const WORK_WAITING_MAX = 1_000;
const WORK_RUNNING_MAX = 8;

/** Work that an answer must not wait for, because how long it takes would tell something. */
export interface AfterReply {
  /** Takes a piece of work, to be begun when this turn of the loop is over. False: too much is waiting, it was not taken. */
  start(work: () => Promise<void>): boolean;
  /** Resolves when all that was taken is done. */
  settled(): Promise<void>;
}

/** Runs work beside the requests, a few pieces at a time, in the order taken. What throws is a bug and logged. */
export function createAfterReply(log: Log): AfterReply {
  const waiting: (() => Promise<void>)[] = [];
  let idle = Promise.withResolvers<void>();
  let running = 0;

  function pump(): void {
    while (running < WORK_RUNNING_MAX) {
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
    if (running > 0 || waiting.length > 0) return;
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
    settled: () => (running + waiting.length === 0 ? Promise.resolve() : idle.promise),
  };
}
