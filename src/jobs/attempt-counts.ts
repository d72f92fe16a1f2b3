import { deleteOldAttempts } from "../resources/attempt-count/queries.ts";
import { deleteOldLoginAllowances } from "../resources/login-allowance/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job } from "./job.ts";

/** The longest window of rule 35 is a day; nothing asks for older counts. */
const KEPT_HOURS = 48;
const SECONDS_PER_MINUTE = 60;
/** Nodes ask about the minute of their clock, which may be a little behind. */
const KEPT_MINUTES = 5;

/** Deletes counts of attempts and logins that no limit looks at any more, in bounded batches. */
export const attemptCountsJob: Job = {
  name: "attempt-counts",
  everySeconds: 3_600,
  run: async ({ database, clock }) => {
    const beforeHour = Math.floor(clock.nowSeconds() / 3_600) - KEPT_HOURS;
    await inBatches(database, (session) => deleteOldAttempts(session, beforeHour));
    const beforeMinute = Math.floor(clock.nowSeconds() / SECONDS_PER_MINUTE) - KEPT_MINUTES;
    await inBatches(database, (session) => deleteOldLoginAllowances(session, beforeMinute));
  },
};
