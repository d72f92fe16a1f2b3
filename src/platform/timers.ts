/** Waiting as a value: tests let time pass without waiting. */
export interface Timers {
  /** A monotonic reading in milliseconds. */
  nowMs(): number;
  /** Calls `work` once, so many milliseconds from now. */
  after(ms: number, work: () => void): void;
}

/** The process's own timers. */
export const processTimers: Timers = {
  nowMs: () => performance.now(),
  after: (ms, work) => {
    setTimeout(work, Math.max(0, ms));
  },
};
