import { deleteLostConnections } from "../resources/feed-connection/queries.ts";
import { listRealmsWithCauses } from "../resources/revocation-cause/queries.ts";
import { tellAllEnds } from "../resources/revocation-feed/changes.ts";
import { deleteForgottenEntries, deleteUnwantedFeeds } from "../resources/revocation-feed/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job, JobDeps } from "./job.ts";

/** A feed to which nobody was connected for so long is over: its next subscriber begins another, which knows everything, too. */
const UNWANTED_FEED_MS = 7 * 86_400_000;
/** A run that has numbered so many parts begins no more. */
const PARTS_MAX = 2_000;

/** Continues the feeds of realms to which nobody is connected, and forgets what is over. */
export const revocationFeedsJob: Job = {
  name: "revocation-feeds",
  everySeconds: 30,
  run: async (deps) => {
    const { database, clock } = deps;
    await tellAll(deps);
    const nowMs = clock.nowMs();
    await inBatches(database, (session) => deleteForgottenEntries(session, nowMs));
    await inBatches(database, (session) => deleteUnwantedFeeds(session, nowMs - UNWANTED_FEED_MS));
    await inBatches(database, (session) => deleteLostConnections(session, nowMs));
  },
};

async function tellAll(deps: JobDeps): Promise<void> {
  for (let parts = 0; parts < PARTS_MAX; ) {
    const realms = await deps.database.maintain((session) => listRealmsWithCauses(session, deps.clock.nowMs()));
    if (realms.length === 0) return;
    for (const realm of realms) parts += await tellAllEnds(deps, realm);
  }
}
