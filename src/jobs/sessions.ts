import { deleteForgottenSessions } from "../resources/session/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job } from "./job.ts";

/** Deletes sessions that are over and that no grant hangs on any more, in bounded batches. Real time only (settled 5). */
export const sessionsJob: Job = {
  name: "sessions",
  everySeconds: 3_600,
  run: ({ database, clock }) => inBatches(database, (session) => deleteForgottenSessions(session, clock.nowMs())),
};
