import { DECISION_LIFETIME_SECONDS } from "../database/partitions.ts";
import {
  type Doomed,
  deleteDoomed,
  deleteEmptyTenants,
  emptyIdentities,
  forgetApplication,
  hasRows,
  listDeadRealms,
  listTombstones,
  type RemovedNoun,
  type Tombstone,
  type TombstonePage,
} from "../resources/removal/queries.ts";
import { inBatches } from "./in-batches.ts";
import type { Job, JobDeps } from "./job.ts";

/** Until then a decision may name what was deleted: thirty days, and the ten of its bucket. */
const TOMBSTONE_MS_MIN = (DECISION_LIFETIME_SECONDS + 10 * 86_400) * 1_000;
const TOMBSTONES_A_PAGE = 100;
const PAGES_MAX = 1_000;

/** What a realm owns and nothing that expires by its bucket refers to; what refers to another comes first. */
const OWNED_BY_REALM = [
  "group_members",
  "role_members",
  "groups",
  "roles",
  "mails",
  "outgoing_mails",
  "consents",
  "session_applications",
  "sessions",
  "attempt_counts",
  "live_counts",
  "token_usage",
  "token_revocations",
  "batch_credential_binding_results",
  "batch_credential_binding_jobs",
  "credential_binding_jobs",
  "credentials",
  "themes",
  "request_allowances",
  "login_allowances",
  "policies",
  "console_configs",
  "feed_connections",
  "revocation_causes",
  "revocations",
  "revocation_feeds",
  "status_lists",
];
/** What tokens and grants refer to: it goes when the realm's last bucket is gone. */
const REFERRED_TO = [
  "applications",
  "authenticator_configs",
  "subjects",
  "pairwise_subjects",
  "identities",
  "resource_servers",
  "signing_keys",
  "row_counts", // last: triggers write there what is gone
];

type Place = Pick<Doomed, "where">;

/**
 * Removes what deleted tenants, realms, applications and identities owned, in bounded batches, and the tombstone last, when its last
 * bucket is gone (settled 25). So no reference ever leads to nothing.
 */
export const removalJob: Job = {
  name: "removal",
  everySeconds: 3_600,
  run: async (deps) => {
    for (const noun of ["group", "role"] as const)
      await eachTombstone(deps, noun, (one) => removeHolder(deps, noun, one));
    await inBatches(deps.database, emptyIdentities);
    await eachTombstone(deps, "application", (one) => removeApplication(deps, one));
    await eachTombstone(deps, "authenticator_config", (one) => removeConfig(deps, one));
    await eachPage(
      (page) => deps.database.maintain((session) => listDeadRealms(session, page)),
      (one) => removeRealm(deps, one),
    );
    await deps.database.maintain(deleteEmptyTenants);
  },
};

function eachTombstone(deps: JobDeps, noun: RemovedNoun, work: (one: Tombstone) => Promise<void>): Promise<void> {
  return eachPage((page) => deps.database.maintain((session) => listTombstones(session, noun, page)), work);
}

async function eachPage(
  list: (page: TombstonePage) => Promise<Tombstone[]>,
  work: (one: Tombstone) => Promise<void>,
): Promise<void> {
  let after: TombstonePage["after"];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const tombstones = await list({ after, limit: TOMBSTONES_A_PAGE });
    for (const one of tombstones) await work(one);
    if (tombstones.length < TOMBSTONES_A_PAGE) return;
    after = tombstones.at(-1);
  }
}

async function removeHolder(deps: JobDeps, noun: "group" | "role", one: Tombstone): Promise<void> {
  const { where } = realmOf(one);
  if (noun === "role") {
    await removeAll(deps, { table: "role_members", where: { ...where, role_id: one.id } });
    await removeAll(deps, { table: "roles", where: { ...where, role_id: one.id } });
    return;
  }
  await removeAll(deps, { table: "group_members", where: { ...where, group_id: one.id } });
  await removeAll(deps, { table: "role_members", where: { ...where, member_kind: "group", member_id: one.id } });
  await removeAll(deps, { table: "groups", where: { ...where, group_id: one.id } });
}

async function removeApplication(deps: JobDeps, one: Tombstone): Promise<void> {
  const where = { ...realmOf(one).where, application_id: one.id };
  await removeAll(deps, { table: "live_counts", where: { tenant_id: one.tenantId, kind: "token", ...where } });
  await removeAll(deps, { table: "token_usage", where });
  await removeAll(deps, { table: "request_allowances", where });
  await removeAll(deps, { table: "session_applications", where });
  await removeAll(deps, { table: "consents", where });
  if (!(await isForgotten(deps, one, { where }))) return;
  await deps.database.maintain((session) => forgetApplication(session, one));
  await removeAll(deps, { table: "applications", where });
}

async function removeConfig(deps: JobDeps, one: Tombstone): Promise<void> {
  const where = { ...realmOf(one).where, authenticator_config_id: one.id };
  for (const table of ["applications", "credential_binding_jobs", "credentials"]) {
    if (await deps.database.maintain((session) => hasRows(session, { table, where }))) return;
  }
  await removeAll(deps, { table: "authenticator_configs", where });
}

async function removeRealm(deps: JobDeps, one: Tombstone): Promise<void> {
  const { where } = realmOf(one);
  for (const table of OWNED_BY_REALM) await removeAll(deps, { table, where });
  if (!(await isForgotten(deps, one, { where }))) return;
  for (const table of REFERRED_TO) await removeAll(deps, { table, where });
  // An application of the admin realm may still be one for this realm, and must not become one for another. And what happened here can be
  // read for as long as events are kept: nobody hides it by deleting the realm.
  const reaching = { table: "applications", where: { tenant_id: one.tenantId, target_realm: one.realmId } };
  for (const left of [reaching, { table: "events", where }]) {
    if (await deps.database.maintain((session) => hasRows(session, left))) return;
  }
  await removeAll(deps, { table: "realms", where });
}

/** Whether nothing names it any more: no decision by now, and no row that expires. */
async function isForgotten(deps: JobDeps, one: Tombstone, { where }: Place): Promise<boolean> {
  if (one.deletedAtMs + TOMBSTONE_MS_MIN > deps.clock.nowMs()) return false;
  for (const table of ["tokens", "grants"]) {
    if (await deps.database.maintain((session) => hasRows(session, { table, where }))) return false;
  }
  return true;
}

function realmOf({ tenantId, realmId }: Tombstone): Place {
  return { where: { tenant_id: tenantId, realm_id: realmId } };
}

function removeAll(deps: JobDeps, doomed: Doomed): Promise<void> {
  return inBatches(deps.database, (session) => deleteDoomed(session, doomed));
}
