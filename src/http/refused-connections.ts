import type { Socket } from "node:net";
import type { Timers } from "../platform/timers.ts";

/**
 * This part of the loop's time may go into making refusals. A third of what they cost is in it: reading and parsing comes before, and
 * Node writes when the turn ends (decision 0012).
 */
const REFUSING_PART = 0.08;
/** So much may be saved up. */
const SAVED_MS_MAX = 4;
const PULSE_MS = 5;
/** What a refusal takes, until it is known. */
const COST_MS_START = 0.02;
const COST_MS_MIN = 0.001;
const COST_WEIGHT = 0.01;
/** All that rest are woken within the time that their clients were told to stay away, a few at a time. */
export const REST_MS_MAX = 1_000;
const WOKEN_MIN = 4;
const WOKEN_MAX = 64;

/** Connections whose last request was refused. */
export interface RefusedConnections {
  /** Counts a refusal, and the reading before it was written. If they took too long of late, its connection rests for a while. */
  add(socket: Socket, sinceMs: number): void;
  /** Whether what is read of a connection now may have waited while it was not read. */
  hasWaited(socket: Socket): boolean;
}

/**
 * Bounds what refusing costs. Reading and answering takes its time even where the answer is no, and who asks again at once can ask
 * faster than a server can refuse. Beyond a part of the loop's time connections rest that were refused: what comes on them stays in
 * the kernel, where it costs nothing, until their turn. Without that bound the event loop does nothing else, and with a thousand
 * connections to read it does not even come to its timers (libuv polls up to 48 times in a row while it finds 1,024 that are ready).
 *
 * What waited so is refused again, and what comes next on its connection is new: it has the same chance as everybody's.
 */
export function createRefusedConnections(timers: Timers): RefusedConnections {
  const resting: Socket[] = [];
  const tired: Socket[] = [];
  const awake = new Set<Socket>();
  let savedMs = SAVED_MS_MAX;
  let savedAtMs = timers.nowMs();
  let costMs = COST_MS_START;

  function save(nowMs: number): void {
    savedMs = Math.min(SAVED_MS_MAX, savedMs + (nowMs - savedAtMs) * REFUSING_PART);
    savedAtMs = nowMs;
  }

  // Node itself has a connection read on after an answer: it may rest only then.
  function rest(): void {
    if (resting.length === 0) timers.after(PULSE_MS, wake);
    for (const socket of tired.splice(0)) {
      if (socket.destroyed || socket.isPaused()) continue;
      socket.pause();
      resting.push(socket);
    }
  }

  function wake(): void {
    const nowMs = timers.nowMs();
    save(nowMs);
    // What waited is refused, and so may be what comes then.
    const affordable = Math.min(WOKEN_MAX, Math.floor(savedMs / costMs / 2));
    const count = Math.max(affordable, WOKEN_MIN, Math.ceil((resting.length * PULSE_MS) / REST_MS_MAX));
    for (const socket of resting.splice(0, count)) {
      awake.add(socket);
      socket.resume();
    }
    // What waited in the kernel is read in the turn that begins now.
    setImmediate(() => awake.clear());
    if (resting.length > 0) timers.after(PULSE_MS, wake);
  }

  return {
    add: (socket, sinceMs) => {
      const nowMs = timers.nowMs();
      save(nowMs);
      savedMs -= nowMs - sinceMs;
      costMs = Math.max(COST_MS_MIN, costMs + (nowMs - sinceMs - costMs) * COST_WEIGHT);
      if (awake.delete(socket) || savedMs > 0) return;
      if (tired.length === 0) setImmediate(rest);
      tired.push(socket);
    },
    hasWaited: (socket) => awake.size > 0 && awake.has(socket),
  };
}
