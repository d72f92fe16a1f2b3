import type { Queryable } from "../database/database.ts";
import { insertWithPartitions } from "../database/partitions.ts";
import type { Deps } from "../deps.ts";
import { eventBucket } from "./event/queries.ts";

/**
 * Runs a transaction that stores events of this moment. They need their partition, which is there unless the job that makes them ahead
 * did not run: then it is made, and the work is done once more.
 */
export function transactionWithEvents<T>(
  { database, clock }: Pick<Deps, "database" | "clock">,
  tenantId: string,
  work: (db: Queryable) => Promise<T>,
  options: { readonly isSnapshot?: boolean } = {},
): Promise<T> {
  const run = (): Promise<T> => database.transaction([tenantId], work, options);
  return insertWithPartitions(database, "events", [eventBucket(clock.nowMs())], run);
}
