import { createAdmission } from "../../src/http/admission.ts";
import type { Timers } from "../../src/platform/timers.ts";

// One event loop before a database, in simulated time: turns that work off what was ready when they began, so that the loop itself
// is a queue, as it is in Node.

/** What a request costs, in milliseconds. */
export interface Costs {
  /** of the loop, before and after the database was asked */
  readonly loopMs: readonly [number, number];
  readonly databaseMs: number;
  /** of the loop, to refuse one */
  readonly refuseMs: number;
}

/** A time with so many arrivals a millisecond, or with so many at its begin. */
export interface Phase {
  readonly ms: number;
  readonly perMs?: number;
  readonly burst?: number;
}

/** What became of the requests that arrived in a phase; times from their arrival to their answer, ascending. */
export interface Told {
  readonly servedMs: readonly number[];
  readonly refusedMs: readonly number[];
  /** milliseconds into the phase */
  readonly lastRefusedMs: number;
}

/** The value below which that part of ascending values lies. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))] ?? Number.NaN;
}

interface Event {
  readonly atMs: number;
  readonly work: () => void;
}

/** Tells how a server with an admission answers the phases, one after the other. */
export function simulateServer(costs: Costs, phases: readonly Phase[], seed = 1): readonly Told[] {
  const world = createWorld();
  const admission = createAdmission(world.timers);
  const told = phases.map((phase) => {
    const startMs = world.timers.nowMs();
    const servedMs: number[] = [];
    const refusedMs: number[] = [];
    const begin = (arrivedMs: number, sinceMs: number): void => {
      world.spend(costs.loopMs[0]);
      world.timers.after(costs.databaseMs, () => {
        world.spend(costs.loopMs[1]);
        servedMs.push(world.timers.nowMs() - arrivedMs);
        admission.end(sinceMs);
      });
    };
    const phaseTold = { servedMs, refusedMs, lastRefusedMs: 0 };
    const arrive = (arrivedMs: number): void => {
      const refuse = (): void => {
        world.spend(costs.refuseMs);
        phaseTold.lastRefusedMs = world.timers.nowMs() - startMs;
        refusedMs.push(world.timers.nowMs() - arrivedMs);
      };
      const visitor = { begin: () => begin(arrivedMs, world.timers.nowMs()), refuse, isGone: () => false };
      if (admission.tryBegin()) begin(arrivedMs, world.sinceMs());
      else if (!admission.tryWait(visitor)) refuse();
    };
    world.run(startMs + phase.ms, listArrivals(phase, startMs, seed), arrive);
    return phaseTold;
  });
  for (const { servedMs, refusedMs } of told)
    for (const values of [servedMs, refusedMs]) values.sort((one, other) => one - other);
  return told;
}

function* listArrivals({ ms, perMs = 0, burst = 0 }: Phase, startMs: number, seed: number): Generator<number> {
  const random = createSequence(seed);
  for (let count = 0; count < burst; count += 1) yield startMs;
  for (let atMs = startMs; perMs > 0 && atMs < startMs + ms; atMs -= Math.log(1 - random()) / perMs) yield atMs;
}

function createWorld() {
  let nowMs = 0;
  let turnMs = 0;
  let sinceMs = 0;
  const due: Event[] = [];
  const timers: Timers = {
    nowMs: () => nowMs,
    after: (ms, work) => {
      const atMs = nowMs + ms;
      let index = due.length;
      while (index > 0 && (due[index - 1]?.atMs ?? 0) > atMs) index -= 1;
      due.splice(index, 0, { atMs, work });
    },
  };
  const takeDue = (): readonly Event[] => {
    let count = 0;
    while ((due[count]?.atMs ?? Number.POSITIVE_INFINITY) <= turnMs) count += 1;
    return due.splice(0, count);
  };
  return {
    timers,
    sinceMs: () => sinceMs,
    spend: (ms: number): void => {
      nowMs += ms;
    },
    run: (untilMs: number, arrivals: Generator<number>, arrive: (atMs: number) => void): void => {
      let arrival = arrivals.next();
      while (nowMs < untilMs) {
        const nextMs = Math.min(due[0]?.atMs ?? untilMs, arrival.done === true ? untilMs : arrival.value);
        const isIdle = nextMs > nowMs;
        nowMs = Math.max(nowMs, Math.min(nextMs, untilMs));
        sinceMs = isIdle ? nowMs : turnMs;
        turnMs = nowMs;
        for (const { work } of takeDue()) work();
        for (; arrival.done !== true && arrival.value <= turnMs; arrival = arrivals.next()) arrive(arrival.value);
      }
    },
  };
}

/** The same numbers from 0 to 1 for the same seed. */
function createSequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
