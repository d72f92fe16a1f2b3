import { dropForgotten, ensurePartitions, purgeOverflow } from "../database/partitions.ts";
import type { Job } from "./job.ts";
import { keepForgottenTokenRequests } from "./keep-token-requests.ts";

/**
 * Makes partitions before they are needed and drops those whose rows are all dead (settled 8), when what tenants want kept of them is
 * copied (rule 24). Real time only (rule 26).
 */
export const tokenPartitionsJob: Job = {
  name: "token-partitions",
  everySeconds: 60,
  run: async ({ database, clock, log }) => {
    const now = clock.nowSeconds();
    await ensurePartitions(database, now);
    await keepForgottenTokenRequests({ database }, now);
    const dropped = await dropForgotten(database, now);
    if (dropped.length > 0) log.info({ partitions: dropped }, "partitions dropped");
  },
};

/** Deletes what lived too long for a partition of its own. Its buckets are ten days wide: an hour more makes no difference. */
export const overflowJob: Job = {
  name: "overflow",
  everySeconds: 3_600,
  run: async ({ database, clock, log }) => {
    const rows = await purgeOverflow(database, clock.nowSeconds());
    if (rows > 0) log.info({ rows }, "overflow rows deleted");
  },
};
