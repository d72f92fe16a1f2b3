import { readDatabaseClock } from "../resources/lease/queries.ts";
import type { JobDeps } from "./job.ts";

/** A node that could not ask the database for the time for so long is not ready (rule 14). */
export const CLOCK_AGE_SECONDS_MAX = 60;
const MEASURE_EVERY_MS = 10_000;
/** An answer that took longer says too little about when it was given. */
const ROUND_TRIP_MS_MAX = 2_000;
/** So often a node that starts asks for an answer that is quick enough: a database that has just come back is slow at first. */
const START_TRIES_MAX = 5;

type MeasureDeps = Pick<JobDeps, "database" | "clock">;

/** A clock that is kept on the database's. */
export interface ClockFollower {
  /** Seconds since the database last told the time. */
  clockAgeSeconds(): number;
  /** Asks no more and waits for the question that is under way. */
  stop(): Promise<void>;
}

/**
 * Sets the process's clock by the database's, now and every ten seconds: all nodes have one time (rule 14).
 *
 * @throws if the database does not answer now, or too slowly five times: a node must not begin on a clock of its own
 */
export async function followDatabaseClock(deps: Pick<JobDeps, "database" | "clock" | "log">): Promise<ClockFollower> {
  const { clock, log } = deps;
  let measuredAtMs = await measureFirst(deps);
  let isStopped = false;
  let running = Promise.resolve();
  let timer = setTimeout(start, MEASURE_EVERY_MS);

  const again = async (): Promise<void> => {
    try {
      measuredAtMs = accepted(await measure(deps));
    } catch (error) {
      log.warn({ err: error }, "the database's clock could not be read");
    }
    if (!isStopped) timer = setTimeout(start, MEASURE_EVERY_MS);
  };
  function start(): void {
    running = again();
  }

  return {
    clockAgeSeconds: () => (clock.monotonicMs() - measuredAtMs) / 1_000,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

async function measureFirst(deps: MeasureDeps): Promise<number> {
  for (let tries = 1; tries < START_TRIES_MAX; tries += 1) {
    const measuredAtMs = await measure(deps);
    if (measuredAtMs !== undefined) return measuredAtMs;
  }
  return accepted(await measure(deps));
}

function accepted(measuredAtMs: number | undefined): number {
  if (measuredAtMs === undefined) throw new Error("the database took too long to tell the time");
  return measuredAtMs;
}

// The answer was given somewhere between question and arrival: the middle is wrong by half the round trip at most. Undefined when
// that is too much.
async function measure({ database, clock }: MeasureDeps): Promise<number | undefined> {
  const askedAtMs = clock.monotonicMs();
  const databaseMs = await readDatabaseClock(database.tenants([]));
  const answeredAtMs = clock.monotonicMs();
  if (answeredAtMs - askedAtMs > ROUND_TRIP_MS_MAX) return undefined;
  clock.follow(databaseMs, (askedAtMs + answeredAtMs) / 2);
  return answeredAtMs;
}
