import type { Database, OwnerSession } from "../database/database.ts";

/** Most batches of one run, so that a run ends: the next goes on. */
const BATCHES_MAX = 1_000;

/**
 * Clears away in bounded batches until nothing is left, each in a session of its own, so that requests go on in between.
 *
 * @param clearBatch returns how many it has cleared away
 */
export async function inBatches(
  database: Pick<Database, "maintain">,
  clearBatch: (session: OwnerSession) => Promise<number>,
): Promise<void> {
  for (let batch = 0; batch < BATCHES_MAX; batch += 1) if ((await database.maintain(clearBatch)) === 0) return;
}
