import type { Timers } from "../platform/timers.ts";

/** So many wait, and so long. */
export const LINE_MAX = 512;
export const LINE_MS_MAX = 1_000;
/** The line is looked at so often. */
export const LINE_CHECK_MS = 50;
/** One that grew by so much in between is the begin of an overload rather than a burst, or clients that wait for each other. */
const GROWTH = 1.2;

/** A request at the door. */
export interface Visitor {
  begin(): void;
  refuse(): void;
  /** whether its client has given up */
  isGone(): boolean;
}

/**
 * Where requests wait for their turn. Who came first goes first, so that all wait equally long; while the line grows the newest does:
 * not all can be served, and those who are should be in time.
 */
export interface WaitingLine {
  /** Lets a visitor wait; false when the line is full. */
  push(visitor: Visitor): boolean;
  /** Takes out whose turn it is; undefined when nobody waits. */
  next(): Visitor | undefined;
  /** Takes all out. */
  clear(): readonly Visitor[];
  length(): number;
}

interface Waiting {
  readonly visitor: Visitor;
  readonly sinceMs: number;
}

/** Opens an empty line. `tooLong` is called when somebody has waited LINE_MS_MAX. */
export function createWaitingLine(timers: Timers, tooLong: () => void): WaitingLine {
  let line: Waiting[] = [];
  let lengthBefore = 0;
  let isGrowing = false;
  let isWatched = false;

  function watch(): void {
    if (isWatched || line.length === 0) return;
    isWatched = true;
    timers.after(LINE_CHECK_MS, check);
  }

  function check(): void {
    isWatched = false;
    line = line.filter(({ visitor }) => !visitor.isGone());
    isGrowing = line.length > lengthBefore * GROWTH;
    lengthBefore = line.length;
    const [oldest] = line;
    if (oldest !== undefined && timers.nowMs() - oldest.sinceMs >= LINE_MS_MAX) tooLong();
    watch();
  }

  return {
    push: (visitor) => {
      if (line.length >= LINE_MAX) return false;
      line.push({ visitor, sinceMs: timers.nowMs() });
      watch();
      return true;
    },
    next: () => {
      for (;;) {
        const next = isGrowing ? line.pop() : line.shift();
        if (next === undefined || !next.visitor.isGone()) return next?.visitor;
      }
    },
    clear: () => line.splice(0).map(({ visitor }) => visitor),
    length: () => line.length,
  };
}
