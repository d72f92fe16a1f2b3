import { dropForgotten, ensurePartitions, purgeOverflow } from "../database/partitions.ts";
import type { Job } from "./job.ts";

/** Makes partitions before they are needed and drops those whose rows are all dead (settled 8). Real time only (rule 26). */
export const tokenPartitionsJob: Job = {
  name: "token-partitions",
  everySeconds: 60,
  run: async ({ database, clock, log }) => {
    await ensurePartitions(database, clock.nowSeconds());
    const dropped = await dropForgotten(database, clock.nowSeconds());
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
