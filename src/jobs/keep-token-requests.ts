import { ensurePartitionFor, listForgotten } from "../database/partitions.ts";
import { areTokenRequestsKept, type CopyPosition, keepTokenRequests, keptBuckets } from "../resources/event/queries.ts";
import type { JobDeps } from "./job.ts";

const BATCHES_MAX = 100_000;

/**
 * Copies what tenants want kept of the granted token requests whose rows are about to be dropped to the events, in batches (rule 24).
 * It is called with the time of the drop, before it: when it fails nothing is dropped.
 *
 * @param now seconds of real time
 */
export async function keepForgottenTokenRequests({ database }: Pick<JobDeps, "database">, now: number): Promise<void> {
  const forgotten = await database.maintain((session) => listForgotten(session, now));
  const partitions = forgotten.filter(({ table }) => table === "tokens");
  if (partitions.length === 0 || !(await database.maintain(areTokenRequestsKept))) return;
  for (const { bucket } of keptBuckets(now)) await ensurePartitionFor(database, "events", bucket);
  for (const { name } of partitions) {
    let after: CopyPosition | undefined;
    for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
      const position = after;
      after = await database.maintain((session) =>
        keepTokenRequests(session, { partition: name, after: position }, now),
      );
      if (after === undefined) break;
    }
    if (after !== undefined) throw new Error(`${name} has more rows than are copied at a time`);
  }
}
