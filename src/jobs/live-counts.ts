import type { Queryable } from "../database/database.ts";
import { slicesOf } from "../platform/slices.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { ID_BYTES, lowestIdOf } from "../protocol/token-id.ts";
import { listApplications } from "../resources/application/queries.ts";
import {
  addLiveCounts,
  CHANGES_A_STATEMENT_MAX,
  claimWantedRecount,
  countSlotsExactly,
  deleteOldCounts,
  listSlotCounts,
  listWantedRecounts,
  RECOUNT_EVERY_MS,
} from "../resources/live-count/queries.ts";
import { listRealms } from "../resources/realm/queries.ts";
import { findTenant } from "../resources/tenant/queries.ts";
import { deleteOldRevocations } from "../resources/token-revocation/queries.ts";
import { KEPT_MS } from "../resources/token-revocation/rules.ts";
import { deleteOldTokenUsage } from "../resources/token-usage/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job, JobDeps } from "./job.ts";

const TENANTS_A_RUN_MAX = 100;
const APPLICATIONS_A_PAGE = 100;
const REALMS_A_PAGE = 100;
const ROWS_A_PAGE = 10_000;
/** 100 million rows of one application; what lies behind keeps the count it had. */
const PAGES_MAX = 10_000;

/** Counts exactly where a quota is near: a count may have gone astray by what a killed node knew, or by families that ended. */
export const recountJob: Job = {
  name: "live-recounts",
  everySeconds: 60,
  run: async (deps) => {
    const { database, clock, log } = deps;
    const nowMs = clock.nowMs();
    const wanted = await database.maintain((session) =>
      listWantedRecounts(session, nowMs - RECOUNT_EVERY_MS, TENANTS_A_RUN_MAX),
    );
    for (const one of wanted) {
      if (!(await claimWantedRecount(database.tenants([one.tenantId]), one, nowMs))) continue;
      const corrected = await recountTenant(deps, one.tenantId);
      if (corrected !== 0) log.info({ tenant_id: one.tenantId, corrected }, "live tokens counted exactly");
    }
  },
};

/** Deletes what was counted of tokens that are over, and of days that are not kept, and receipts that are old. */
export const oldCountsJob: Job = {
  name: "old-live-counts",
  everySeconds: 600,
  run: async ({ database, clock }) => {
    await inBatches(database, (session) => deleteOldCounts(session, clock.nowSeconds()));
    await inBatches(database, (session) => deleteOldTokenUsage(session, clock.nowSeconds()));
    await inBatches(database, (session) => deleteOldRevocations(session, clock.nowMs() - KEPT_MS));
  },
};

/** Corrects the counts of all applications of a tenant. Returns by how much, in all. */
async function recountTenant(deps: JobDeps, tenantId: string): Promise<number> {
  const db = deps.database.tenants([tenantId]);
  let corrected = 0;
  for await (const key of eachApplication(db, tenantId)) corrected += await recountApplication(deps, db, key);
  return corrected;
}

async function* eachApplication(db: Queryable, tenantId: string): AsyncGenerator<ApplicationKey> {
  const realms = eachPage(
    (after) => listRealms(db, tenantId, { after, limit: REALMS_A_PAGE }),
    (realm) => realm.key.realmId,
  );
  for await (const realm of realms) {
    const applications = eachPage(
      (after) => listApplications(db, realm.key, { after, limit: APPLICATIONS_A_PAGE }),
      (application) => application.key.applicationId,
    );
    for await (const { key } of applications) yield key;
  }
}

async function* eachPage<T>(
  read: (after: string) => Promise<readonly T[]>,
  idOf: (row: T) => string,
): AsyncGenerator<T> {
  for (let after = ""; ; ) {
    const rows = await read(after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = idOf(last);
  }
}

/**
 * Compares what is counted with what is there, and adds the difference: what is counted meanwhile stays. Both are of one instant;
 * what nodes had recorded then and not yet written is counted twice, at most half a second of issue and what they hold back.
 */
async function recountApplication(deps: JobDeps, db: Queryable, key: ApplicationKey): Promise<number> {
  const tenant = await findTenant(db, key.tenantId);
  if (tenant === undefined) return 0;
  const nowMs = deps.clock.nowMs();
  const now = Math.floor(nowMs / 1_000) + tenant.clockOffsetSeconds;
  const differences = new Map<number, number>();
  const add = (endsAt: number, by: number) => differences.set(endsAt, (differences.get(endsAt) ?? 0) + by);
  for (const { endsAt, live } of await listSlotCounts(db, key, now)) add(endsAt, -live);
  for (const what of ["tokens", "families"] as const) {
    let after: Uint8Array = Buffer.alloc(ID_BYTES);
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const bounds = { after, before: lowestIdOf(nowMs), limit: ROWS_A_PAGE, now };
      const { slots, lastId } = await countSlotsExactly(db, what, key, bounds);
      for (const { endsAt, live } of slots) add(endsAt, live);
      if (lastId === undefined) break;
      after = lastId;
    }
  }
  const changes = [...differences].filter(([, change]) => change !== 0);
  for (const some of slicesOf(changes, CHANGES_A_STATEMENT_MAX)) {
    await addLiveCounts(
      db,
      some.map(([endsAt, change]) => ({ ...key, kind: "token", endsAt, change })),
    );
  }
  return changes.reduce((sum, [, change]) => sum + Math.abs(change), 0);
}
