import type { Timers } from "../../src/platform/timers.ts";

/** Turns of the loop in which what a timer woke comes to rest. */
const TURNS = 4;

/** Timers over a time that only `pass` moves, from one due timer to the next. */
export function createSimulatedTimers() {
  const due: { readonly atMs: number; readonly work: () => void }[] = [];
  let nowMs = 0;
  const timers: Timers = {
    nowMs: () => nowMs,
    after: (ms, work) => {
      due.push({ atMs: nowMs + Math.max(0, ms), work });
    },
  };
  const takeNext = (untilMs: number): (() => void) | undefined => {
    const next = due.toSorted((one, other) => one.atMs - other.atMs)[0];
    if (next === undefined || next.atMs > untilMs) return undefined;
    due.splice(due.indexOf(next), 1);
    nowMs = next.atMs;
    return next.work;
  };
  return {
    timers,
    /** Lets so much time pass, and everything happen that is due in it. */
    pass: async (ms: number): Promise<void> => {
      const untilMs = nowMs + ms;
      await settle();
      for (let work = takeNext(untilMs); work !== undefined; work = takeNext(untilMs)) {
        work();
        await settle();
      }
      nowMs = untilMs;
    },
  };
}

async function settle(): Promise<void> {
  for (let count = 0; count < TURNS; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
