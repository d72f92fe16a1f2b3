import { deleteForgottenSessions } from "../resources/session/queries.ts";
import type { Job } from "./job.ts";

const BATCHES_MAX = 1_000;

/** Deletes sessions that are over and that no grant hangs on any more, in bounded batches. Real time only (settled 5). */
export const sessionsJob: Job = {
  name: "sessions",
  everySeconds: 3_600,
  run: async ({ database, clock }) => {
    for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
      const deleted = await database.maintain((session) => deleteForgottenSessions(session, clock.nowMs()));
      if (deleted === 0) return;
    }
  },
};
