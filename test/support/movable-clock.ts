import { type Clock, createClock } from "../../src/platform/clock.ts";

/** A clock that goes only when it is told to. What is measured, not told, goes on: a cache still forgets. */
export function movableClock(): Clock & { pass(seconds: number): void } {
  const running = createClock();
  let nowMs = running.nowMs();
  return {
    nowMs: () => nowMs,
    nowSeconds: () => Math.floor(nowMs / 1_000),
    monotonicMs: running.monotonicMs,
    follow: () => undefined,
    pass: (seconds) => {
      nowMs += seconds * 1_000;
    },
  };
}
