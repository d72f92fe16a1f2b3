import { databaseSide } from "./test-database.ts";
import type { TestServer } from "./test-server.ts";
import { waitUntil } from "./wait-until.ts";

const PATIENCE = { everyMs: 20, msMax: 30_000 };

/**
 * Waits until so many connections of a server's database wait for a lock, or until that is over which should make them wait. Returns
 * whether they wait. The embedded database has one session, and nobody to wait for.
 */
export async function areWaiting({ deps }: TestServer, count: number, over: Promise<unknown>): Promise<boolean> {
  if (databaseSide() === "embedded") return true;
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  over.then(end, end);
  let waiting = 0;
  const look = async (): Promise<boolean> => {
    const rows = await deps.database.maintain((session) =>
      session.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"),
    );
    waiting = rows.length;
    return isOver || waiting >= count;
  };
  await waitUntil(look, "nobody waits, and nothing is over", PATIENCE);
  return waiting >= count;
}

/** Goes on holding what is held in a transaction until that is over: the database ends one in which nothing happens for long. */
export function holdOn(hold: () => Promise<unknown>, isOver: () => boolean): Promise<void> {
  return waitUntil(async () => hold().then(isOver), "what is held is never let go", PATIENCE);
}
