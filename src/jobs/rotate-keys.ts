import { rotateKeys } from "../keys/rotate.ts";
import { KEY_LIFETIME_SECONDS } from "../keys/schedule.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { listRealmsWithAgedKeys, type RealmWithAgedKeys } from "../resources/signing-key/queries.ts";
import type { Job, JobDeps } from "./job.ts";

const PAGE_SIZE = 100;
const PAGES_MAX = 10_000;

/** Rotates and retires the signing keys of every realm by its tenant's clock (rules 26 and 39). */
export const rotateKeysJob: Job = {
  name: "rotate-keys",
  everySeconds: 3_600,
  run: async (deps) => {
    let after: RealmKey | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const realms = await listPage(deps, after);
      for (const entry of realms) await rotateRealm(deps, entry);
      after = realms.at(-1)?.realm;
      if (realms.length < PAGE_SIZE) return;
    }
  },
};

// Only the list is read as the owner, who sees every tenant; the work is done as the tenant that it is for.
function listPage({ database, clock }: JobDeps, after: RealmKey | undefined): Promise<RealmWithAgedKeys[]> {
  const page = { limit: PAGE_SIZE, realNow: clock.nowSeconds(), ageSeconds: KEY_LIFETIME_SECONDS };
  return database.maintain((session) =>
    listRealmsWithAgedKeys(session, after === undefined ? page : { ...page, after }),
  );
}

async function rotateRealm(deps: JobDeps, { realm, clockOffsetSeconds }: RealmWithAgedKeys): Promise<void> {
  try {
    const { made, retired } = await rotateKeys(deps, realm, deps.clock.nowSeconds() + clockOffsetSeconds);
    if (made.length + retired.length > 0) deps.log.info({ ...realm, made, retired }, "signing keys rotated");
  } catch (error) {
    // One realm's trouble must not keep the others' keys from rotating; the next run tries it again.
    deps.log.error({ ...realm, err: error }, "signing keys could not be rotated");
  }
}
