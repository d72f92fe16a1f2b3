import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { slotSql } from "../../protocol/live-count.ts";
import { IN_APPLICATION_ORDER } from "../application-order.ts";
import { familyLives, tokenLives } from "../live-token.ts";
import { alive } from "../tombstone.ts";

/** What is counted: tokens and refresh families by application, and recorded refusals by tenant. */
export type CountedKind = "token" | "decision";

/** A change of what lives in one slot. Realm and application are empty where the tenant alone is counted. */
export interface CountChange extends ApplicationKey {
  readonly kind: CountedKind;
  /** the slot's end, `slotOf` */
  readonly endsAt: number;
  readonly change: number;
}

/** What lives of one application. */
export interface StoredCount {
  readonly realmId: string;
  readonly applicationId: string;
  readonly live: number;
  /** when the first of it ends; undefined when nothing lives */
  readonly firstEndsAt: number | undefined;
}

/** What lives of one tenant, and the tenant's clock. */
export interface StoredCounts {
  readonly clockOffsetSeconds: number;
  readonly counts: readonly StoredCount[];
}

/** A tenant is counted exactly at most so often, and nobody asks for it sooner. */
export const RECOUNT_EVERY_MS = 600_000;
/** So many changes `addLiveCounts` takes at most. */
export const CHANGES_A_STATEMENT_MAX = 1_000;
const DELETED_AT_ONCE_MAX = 1_000;

// In the order of the key, so that two nodes that add to the same slots wait for each other and never in a circle.
const add = statement(
  "live_count.add",
  `INSERT INTO live_counts AS c (tenant_id, kind, realm_id, application_id, ends_at, live)
   SELECT tenant_id, kind, realm_id, application_id, ends_at, change FROM json_to_recordset($1::json) AS b(
     tenant_id text, kind text, realm_id text, application_id text, ends_at bigint, change integer)
   ORDER BY 1, 2, 3, 4, 5
   ON CONFLICT (tenant_id, kind, realm_id, application_id, ends_at) DO UPDATE SET live = c.live + excluded.live`,
);

/** Adds to what lives. Each slot may be named once. */
export async function addLiveCounts(db: Queryable, changes: readonly CountChange[]): Promise<void> {
  const batch = changes.map((one) => ({
    tenant_id: one.tenantId,
    kind: one.kind,
    realm_id: one.realmId,
    application_id: one.applicationId,
    ends_at: one.endsAt,
    change: one.change,
  }));
  await db.run(add, [JSON.stringify(batch)]);
}

// What belongs to a deleted application or realm is dead at once, whatever was counted.
const read = statement(
  "live_count.read",
  `SELECT b.n, tn.clock_offset_seconds, c.*
   FROM json_to_recordset($1::json) AS b(n integer, tenant_id text)
   CROSS JOIN LATERAL (SELECT clock_offset_seconds FROM tenants WHERE tenants.tenant_id = b.tenant_id LIMIT 1) tn
   LEFT JOIN LATERAL (
     SELECT * FROM (
       SELECT l.realm_id, l.application_id, sum(l.live) AS live, min(l.ends_at) FILTER (WHERE l.live > 0) AS first_ends_at
       FROM live_counts l
       WHERE l.tenant_id = b.tenant_id AND l.kind = $2
         AND l.ends_at > $3::bigint + CASE $2 WHEN 'token' THEN tn.clock_offset_seconds ELSE 0 END
       GROUP BY l.realm_id, l.application_id
     ) g
     WHERE g.application_id = '' OR EXISTS (
       SELECT FROM applications a JOIN realms r ON r.tenant_id = a.tenant_id AND r.realm_id = a.realm_id AND ${alive("r")}
       WHERE a.tenant_id = b.tenant_id AND a.realm_id = g.realm_id AND a.application_id = g.application_id AND ${alive("a")})
   ) c ON true`,
);

/**
 * Reads what lives of many tenants, in their order.
 *
 * @param realNow epoch seconds of real time; tokens are judged by their tenant's clock, decisions by this (rule 26)
 * @returns undefined for a tenant that is gone
 */
export async function readLiveCounts(
  db: Queryable,
  kind: CountedKind,
  tenantIds: readonly string[],
  realNow: number,
): Promise<readonly (StoredCounts | undefined)[]> {
  const asked = JSON.stringify(tenantIds.map((tenant_id, n) => ({ n, tenant_id })));
  const rows = await db.run(read, [asked, kind, realNow]);
  const byTenant = Map.groupBy(rows, (row) => row.n);
  return tenantIds.map((_, n) => {
    const own = byTenant.get(n);
    if (own === undefined) return undefined;
    return {
      clockOffsetSeconds: own[0]?.clock_offset_seconds as number,
      counts: own.filter((row) => row.realm_id !== null).map(toStoredCount),
    };
  });
}

function toStoredCount(row: Row): StoredCount {
  return {
    realmId: row.realm_id as string,
    applicationId: row.application_id as string,
    live: row.live as number,
    firstEndsAt: (row.first_ends_at as number | null) ?? undefined,
  };
}

const want = statement(
  "live_count.want_recount",
  `INSERT INTO live_recounts AS r (tenant_id, wanted_at_ms) SELECT unnest($1::text[]), $2 ORDER BY 1
   ON CONFLICT (tenant_id) DO UPDATE SET wanted_at_ms = excluded.wanted_at_ms`,
);

/** Asks that the tokens of these tenants are counted exactly. `nowMs` is real time. */
export async function wantRecount(db: Queryable, tenantIds: readonly string[], nowMs: number): Promise<void> {
  await db.run(want, [tenantIds, nowMs]);
}

const listWanted = `SELECT tenant_id, counted_at_ms FROM live_recounts
   WHERE wanted_at_ms > counted_at_ms AND counted_at_ms <= $1 ORDER BY wanted_at_ms LIMIT $2`;

/** A tenant whose tokens are to be counted exactly, and when that was done last, in milliseconds of real time. */
export interface WantedRecount {
  readonly tenantId: string;
  readonly countedAtMs: number;
}

/** The tenants that wait longest for an exact count and were not counted since `countedBeforeMs`. */
export async function listWantedRecounts(
  session: OwnerSession,
  countedBeforeMs: number,
  limit: number,
): Promise<WantedRecount[]> {
  const rows = await session.query(listWanted, [countedBeforeMs, limit]);
  return rows.map((row) => ({ tenantId: row.tenant_id as string, countedAtMs: row.counted_at_ms as number }));
}

const claimRecount = statement(
  "live_count.claim_recount",
  "UPDATE live_recounts SET counted_at_ms = $3 WHERE tenant_id = $1 AND counted_at_ms = $2 RETURNING tenant_id",
);

/** Takes a tenant's exact count over: of two that try one wins. */
export async function claimWantedRecount(db: Queryable, wanted: WantedRecount, nowMs: number): Promise<boolean> {
  return (await db.run(claimRecount, [wanted.tenantId, wanted.countedAtMs, nowMs])).length > 0;
}

/** What lives in one slot. */
export interface SlotCount {
  readonly endsAt: number;
  readonly live: number;
}

const list = statement(
  "live_count.list",
  `SELECT ends_at, live FROM live_counts
   WHERE tenant_id = $1 AND kind = 'token' AND realm_id = $2 AND application_id = $3 AND ends_at > $4`,
);

/** The slots of an application that are not over at `now`, in seconds of tenant time. */
export async function listSlotCounts(db: Queryable, key: ApplicationKey, now: number): Promise<SlotCount[]> {
  const rows = await db.run(list, [key.tenantId, key.realmId, key.applicationId, now]);
  return rows.map(toSlotCount);
}

// A page is read in the order of the application's index, then counted. What was revoked after $7 lived then, and whoever revoked it
// takes it off. See token-list/queries.ts on the range.
function countPage(
  of: string,
  parts: { readonly columns: string; readonly lives: string; readonly slot: string },
): string {
  const [, row] = of.split(" ");
  return `WITH page AS MATERIALIZED (
     SELECT ${parts.columns} FROM ${of}
     WHERE tenant_id = $1 AND realm_id = $2 AND application_id <= $3 AND (application_id, id) > ($3, $4) AND id < $5
       AND ${IN_APPLICATION_ORDER}
     ORDER BY application_id, id LIMIT $6
   ), counted AS (
     SELECT ${parts.slot} AS ends_at, count(*) AS live FROM page ${row}
     WHERE (revoked_at IS NULL OR revoked_at > $7) AND ${parts.lives}
     GROUP BY 1
   )
   SELECT ends_at, live, NULL::bytea AS last_id FROM counted
   UNION ALL
   (SELECT NULL, NULL, id FROM page WHERE (SELECT count(*) FROM page) = $6 ORDER BY id DESC LIMIT 1)`;
}

const countTokens = statement(
  "live_count.count_tokens",
  countPage("tokens t", {
    columns:
      "tenant_id, realm_id, id, identity_id, grant_id, grant_bucket, key_id, issued_at, expires_at, revoked_at, uses_left, ancestors",
    lives: tokenLives("$7"),
    slot: slotSql("t.issued_at", "t.expires_at"),
  }),
);

const countFamilies = statement(
  "live_count.count_families",
  countPage("grants g", {
    columns:
      "tenant_id, realm_id, id, identity_id, session_id, scope, siblings, issued_at, code_spent_at, refresh_expires_at, revoked_at",
    lives: familyLives("$7"),
    slot: slotSql("g.code_spent_at", "g.refresh_expires_at"),
  }),
);

/** Where an exact count goes on, and up to where it counts. */
export interface ExactCountPage {
  /** the last id of the page before, 24 bytes */
  readonly after: Uint8Array;
  /** only ids below: what was recorded before an instant */
  readonly before: Uint8Array;
  readonly limit: number;
  /** seconds of tenant time */
  readonly now: number;
}

/**
 * Counts a page of an application's live tokens or refresh families, by the ends of their slots.
 *
 * @returns `lastId` where the next page goes on; undefined when this was the last one
 */
export async function countSlotsExactly(
  db: Queryable,
  what: "tokens" | "families",
  key: ApplicationKey,
  page: ExactCountPage,
): Promise<{ readonly slots: readonly SlotCount[]; readonly lastId: Buffer | undefined }> {
  const rows = await db.run(what === "tokens" ? countTokens : countFamilies, [
    key.tenantId,
    key.realmId,
    key.applicationId,
    page.after,
    page.before,
    page.limit,
    page.now,
  ]);
  const last = rows.find((row) => row.last_id !== null);
  return {
    slots: rows.filter((row) => row.last_id === null).map(toSlotCount),
    lastId: last?.last_id as Buffer | undefined,
  };
}

function toSlotCount(row: Row): SlotCount {
  return { endsAt: row.ends_at as number, live: row.live as number };
}

/**
 * Deletes at most 1,000 slots of all tenants that are over, tokens' by their tenant's clock. Returns how many are gone.
 *
 * @param realNow epoch seconds of real time
 */
export async function deleteOldCounts(session: OwnerSession, realNow: number): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM live_counts WHERE ctid = ANY (ARRAY (
         SELECT c.ctid FROM live_counts c
         WHERE c.ends_at <= $1::bigint + CASE c.kind WHEN 'token' THEN
           COALESCE((SELECT t.clock_offset_seconds FROM tenants t WHERE t.tenant_id = c.tenant_id), 0) ELSE 0 END
         LIMIT ${DELETED_AT_ONCE_MAX})) RETURNING 1
     ) SELECT count(*) AS count FROM gone`,
    [realNow],
  );
  return Number(rows[0]?.count);
}
