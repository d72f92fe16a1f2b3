import { deleteOldIdempotencyKeys } from "../resources/idempotency-key/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job } from "./job.ts";

/** So long a create may be repeated under its key. */
export const IDEMPOTENCY_KEY_MS = 86_400_000;

/** Forgets what was answered under keys of a day ago, in bounded batches. */
export const idempotencyKeysJob: Job = {
  name: "idempotency-keys",
  everySeconds: 3_600,
  run: async ({ database, clock }) => {
    const beforeMs = clock.nowMs() - IDEMPOTENCY_KEY_MS;
    await inBatches(database, (session) => deleteOldIdempotencyKeys(session, beforeMs));
  },
};
