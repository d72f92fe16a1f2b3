import type { Timers } from "../platform/timers.ts";
import { createWaitingLine, type Visitor } from "./waiting-line.ts";

/** How many requests may be under way: at first, and the bounds of what is learned. */
export const UNDER_WAY_START = 64;
export const UNDER_WAY_MIN = 2;
export const UNDER_WAY_MAX = 1_024;

/** An overload is over when, for so long, no more than this part had to be refused. */
export const CALM_MS = 1_000;
const CALM_PART = 0.1;

/** Times inside are judged together, of so many requests or so long. */
const WINDOW_MS = 100;
const WINDOW_MS_MAX = 1_000;
const WINDOW_REQUESTS_MIN = 20;

/** A request may be inside for so long, measured by what it takes alone. */
const TOLERANCE = 1.5;
const TOLERANCE_MS_MIN = 3;
const SHRINK_MIN = 0.25;
/** Far from that time the limit grows by a factor, near it by steps. */
const FAR_PART = 0.75;
const GROWTH = 1.5;

/** What a request takes alone is measured anew so often in an overload, by letting few in for a moment. */
const PROBE_EVERY_MS = 5_000;
const PROBE_UNDER_WAY = UNDER_WAY_MIN;
const PROBE_SETTLE_MS = 50;
const PROBE_MS = 250;
const PROBE_MS_MAX = 1_000;
const PROBE_REQUESTS = 50;
const PROBE_REQUESTS_MIN = 5;

/** Decides which requests may begin. */
export interface Admission {
  /** Whether a request that arrives now may begin. If so it is under way until it ends or is withdrawn. */
  tryBegin(): boolean;
  /** In an overload counts one as refused that has waited elsewhere; false when there is none. */
  turnAway(): boolean;
  /** Lets a request that may not begin yet wait; it is told later. False when it is to be refused now. */
  tryWait(visitor: Visitor): boolean;
  /** A request is done that could have been read at that reading of the timers. */
  end(sinceMs: number): void;
  /** A request that began has nothing to do yet, because its sender has not sent it whole. */
  withdraw(): void;
  underWay(): number;
  waiting(): number;
  /** how many may be under way */
  limit(): number;
}

/** What happened since the limit was judged last. */
interface Window {
  readonly startMs: number;
  requests: number;
  insideMs: number;
  /** whether somebody could not begin at once */
  isPressed: boolean;
}

/** A moment in which few are let in: when those from before are gone, the others pass alone. */
interface Probe {
  readonly startMs: number;
  aloneSinceMs: number | undefined;
  requests: number;
  insideMs: number;
}

/** What came since it was judged last whether there is still an overload. */
interface Overload {
  readonly startMs: number;
  begun: number;
  refused: number;
}

interface State {
  underWay: number;
  limit: number;
  /** there while what cannot begin is refused and not kept waiting */
  overload: Overload | undefined;
  window: Window;
  probe: Probe | undefined;
  alone: { readonly insideMs: number; readonly atMs: number } | undefined;
}

/**
 * Bounds the requests under way, so that past its capacity a server refuses instead of queueing (decision 0012). By Little's law the
 * time inside is the number under way divided by the rate of answers, so that a bound on the first bounds the time. How many keep the
 * server busy depends on machine, database and requests; it is learned while somebody cannot begin at once: the limit follows the
 * mean time inside, compared with what such requests took when nobody waited.
 *
 * A burst waits in a line. When the line is full, or somebody waited too long, it is an overload: those who wait are told to come
 * again, and until it is over nobody waits.
 */
export function createAdmission(timers: Timers): Admission {
  const state = openState(timers.nowMs());
  const line = createWaitingLine(timers, refuseLine);

  function refuseLine(): void {
    if (state.overload === undefined) startOverload(state, timers.nowMs());
    noteRefused(state, line.length());
    for (const visitor of line.clear()) visitor.refuse();
  }

  function begin(): void {
    state.underWay += 1;
    if (state.overload !== undefined) state.overload.begun += 1;
  }

  function letIn(): void {
    while (state.underWay < cap(state)) {
      const visitor = line.next();
      if (visitor === undefined) return;
      begin();
      visitor.begin();
    }
  }

  return {
    tryBegin: () => {
      judge(state, timers.nowMs());
      if (state.underWay >= cap(state)) return false;
      begin();
      return true;
    },
    turnAway: () => turnAway(state, timers.nowMs()),
    tryWait: (visitor) => {
      state.window.isPressed = true;
      if (state.overload === undefined && line.push(visitor)) return true;
      // The line is full, or there is none.
      refuseLine();
      noteRefused(state, 1);
      return false;
    },
    end: (sinceMs) => {
      const nowMs = timers.nowMs();
      state.underWay -= 1;
      noteEnd(state, sinceMs, nowMs);
      judge(state, nowMs);
      letIn();
    },
    withdraw: () => {
      state.underWay -= 1;
      letIn();
    },
    underWay: () => state.underWay,
    waiting: line.length,
    limit: () => Math.floor(state.limit),
  };
}

function openState(nowMs: number): State {
  const nothingKnown = { overload: undefined, probe: undefined, alone: undefined };
  return { underWay: 0, limit: UNDER_WAY_START, window: openWindow(nowMs), ...nothingKnown };
}

function cap({ limit, probe }: State): number {
  return probe === undefined ? limit : PROBE_UNDER_WAY;
}

function startOverload(state: State, nowMs: number): void {
  state.overload = { startMs: nowMs, begun: 0, refused: 0 };
  state.probe = openProbe(nowMs);
}

function turnAway(state: State, nowMs: number): boolean {
  judge(state, nowMs);
  if (state.overload === undefined) return false;
  // What requests take meanwhile is not what they take alone, even where no other is refused.
  state.window.isPressed = true;
  noteRefused(state, 1);
  return true;
}

function noteRefused({ overload }: State, count: number): void {
  if (overload !== undefined) overload.refused += count;
}

function noteEnd({ window, probe, underWay }: State, sinceMs: number, nowMs: number): void {
  window.requests += 1;
  window.insideMs += nowMs - sinceMs;
  if (probe === undefined) return;
  if (probe.aloneSinceMs === undefined) {
    if (underWay < PROBE_UNDER_WAY && nowMs - probe.startMs >= PROBE_SETTLE_MS) probe.aloneSinceMs = nowMs;
  } else if (sinceMs >= probe.aloneSinceMs) {
    probe.requests += 1;
    probe.insideMs += nowMs - sinceMs;
  }
}

/** Ends what is over: the overload, a probe, a window. */
function judge(state: State, nowMs: number): void {
  if (state.overload !== undefined) judgeOverload(state, state.overload, nowMs);
  if (state.probe !== undefined) judgeProbe(state, state.probe, nowMs);
  else if (isFull(state.window, nowMs)) judgeWindow(state, nowMs);
}

function judgeOverload(state: State, { startMs, begun, refused }: Overload, nowMs: number): void {
  if (nowMs - startMs < CALM_MS) return;
  if (refused > (begun + refused) * CALM_PART) {
    state.overload = { startMs: nowMs, begun: 0, refused: 0 };
    return;
  }
  state.overload = undefined;
  state.probe = undefined;
  state.limit = Math.max(state.limit, UNDER_WAY_START);
}

function judgeProbe(state: State, { startMs, requests, insideMs }: Probe, nowMs: number): void {
  const ageMs = nowMs - startMs;
  const isTold = requests >= PROBE_REQUESTS || (requests >= PROBE_REQUESTS_MIN && ageMs >= PROBE_MS);
  if (!isTold && ageMs < PROBE_MS_MAX) return;
  if (isTold) state.alone = { insideMs: insideMs / requests, atMs: nowMs };
  state.probe = undefined;
  state.window = openWindow(nowMs);
}

function judgeWindow(state: State, nowMs: number): void {
  const { requests, insideMs, isPressed } = state.window;
  const { alone, overload } = state;
  state.window = openWindow(nowMs);
  if (requests === 0) {
    if (isPressed) state.limit = shrink(state.limit, SHRINK_MIN);
    return;
  }
  const meanMs = insideMs / requests;
  const isOld = alone === undefined || nowMs - alone.atMs >= PROBE_EVERY_MS;
  if (overload !== undefined && isOld) state.probe = openProbe(nowMs);
  else if (isPressed && alone !== undefined) {
    const limit = nextLimit(state.limit, meanMs, alone.insideMs);
    state.limit = overload === undefined ? Math.max(UNDER_WAY_START, limit) : limit;
  } else if (!isPressed && requests >= WINDOW_REQUESTS_MIN) state.alone = { insideMs: meanMs, atMs: nowMs };
}

function openWindow(startMs: number): Window {
  return { startMs, requests: 0, insideMs: 0, isPressed: false };
}

function openProbe(startMs: number): Probe {
  return { startMs, aloneSinceMs: undefined, requests: 0, insideMs: 0 };
}

function isFull({ startMs, requests }: Window, nowMs: number): boolean {
  const ageMs = nowMs - startMs;
  return ageMs >= WINDOW_MS_MAX || (ageMs >= WINDOW_MS && requests >= WINDOW_REQUESTS_MIN);
}

// Where time inside comes from waiting, it falls as the number under way does.
function nextLimit(limit: number, insideMs: number, aloneMs: number): number {
  const targetMs = Math.max(aloneMs * TOLERANCE, aloneMs + TOLERANCE_MS_MIN);
  if (insideMs > targetMs) return shrink(limit, Math.max(SHRINK_MIN, targetMs / insideMs));
  const grown = insideMs < targetMs * FAR_PART ? limit * GROWTH : limit + Math.sqrt(limit);
  return Math.min(UNDER_WAY_MAX, grown);
}

function shrink(limit: number, factor: number): number {
  return Math.max(UNDER_WAY_MIN, limit * factor);
}
