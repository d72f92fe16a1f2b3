import type { Queryable } from "../database/database.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import type { Deps } from "../deps.ts";
import { eventBucket } from "./event/queries.ts";

/** A change waits for a lock so long: who waits keeps a connection that others need. */
const LOCK_MS_MAX = 1_000;

/**
 * Runs a transaction that stores events of this moment. They need their partition, which is there unless the job that makes them ahead
 * did not run: then it is made, and the work is done once more.
 * It fails as unavailable where it waits for a lock for over a second.
 */
export function transactionWithEvents<T>(
  { database, clock }: Pick<Deps, "database" | "clock">,
  tenantId: string,
  work: (db: Queryable) => Promise<T>,
  options: { readonly isSnapshot?: boolean } = {},
): Promise<T> {
  const run = (): Promise<T> => database.transaction([tenantId], work, { ...options, lockMsMax: LOCK_MS_MAX });
  return insertWithPartitions(database, "events", [eventBucket(clock.nowMs())], run);
}
