import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { Histogram, ReadonlyHistogram } from "../../protocol/histogram.ts";

/** What was counted of one scope of an application on one day. */
export interface UsageRow extends ApplicationKey {
  /** empty for all tokens, whatever their scopes */
  readonly scope: string;
  /** days since 1970, of tenant time */
  readonly day: number;
  /** the lifetimes of tokens that were issued */
  readonly granted: ReadonlyHistogram;
  /** how old tokens were when they were used */
  readonly ages: ReadonlyHistogram;
}

/** So many rows `addTokenUsage` takes at most. */
export const USAGE_ROWS_A_STATEMENT_MAX = 200;
/** Most scopes of an application that are read at a time. */
const SCOPES_READ_MAX = 250;
/** Days that are kept, of each tenant's time. */
export const USAGE_DAYS_KEPT = 90;
export const SECONDS_PER_DAY = 86_400;
const DELETED_AT_ONCE_MAX = 1_000;

/** The day of an instant of tenant time. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / SECONDS_PER_DAY);
}

// Bucket by bucket what is there and what is added.
const sumOf = (column: string): string => `(
     SELECT COALESCE(jsonb_object_agg(bucket, jsonb_build_array(count, sum)), '{}') FROM (
       SELECT key AS bucket, sum((value ->> 0)::bigint) AS count, sum((value ->> 1)::bigint) AS sum FROM (
         SELECT * FROM jsonb_each(u.${column}) UNION ALL SELECT * FROM jsonb_each(excluded.${column})
       ) parts GROUP BY key
     ) buckets)`;

// In the order of the key, so that two nodes that add to the same rows wait for each other and never in a circle.
const add = statement(
  "token_usage.add",
  `INSERT INTO token_usage AS u (tenant_id, realm_id, application_id, scope, day, granted, ages)
   SELECT tenant_id, realm_id, application_id, scope, day, granted, ages FROM json_to_recordset($1::json) AS b(
     tenant_id text COLLATE "C", realm_id text COLLATE "C", application_id text COLLATE "C", scope text COLLATE "C", day integer,
     granted jsonb, ages jsonb)
   ORDER BY 1, 2, 3, 4, 5
   ON CONFLICT (tenant_id, realm_id, application_id, scope, day) DO UPDATE SET
     granted = ${sumOf("granted")},
     ages = ${sumOf("ages")}`,
);

/** Adds to what was counted. Each scope and day may be named once. */
export async function addTokenUsage(db: Queryable, rows: readonly UsageRow[]): Promise<void> {
  const batch = rows.map((row) => ({
    tenant_id: row.tenantId,
    realm_id: row.realmId,
    application_id: row.applicationId,
    scope: row.scope,
    day: row.day,
    granted: toJson(row.granted),
    ages: toJson(row.ages),
  }));
  await db.run(add, [JSON.stringify(batch)]);
}

function toJson(histogram: ReadonlyHistogram): Readonly<Record<string, readonly [number, number]>> {
  return Object.fromEntries([...histogram].map(([bucket, { count, sum }]) => [bucket, [count, sum]]));
}

// The empty scope, of all tokens, is the first.
const read = statement(
  "token_usage.read",
  `SELECT u.scope, e.kind, e.key::integer AS bucket, sum((e.value ->> 0)::bigint)::bigint AS count,
     sum((e.value ->> 1)::bigint)::bigint AS sum
   FROM token_usage u
   CROSS JOIN LATERAL (
     SELECT 'granted' AS kind, key, value FROM jsonb_each(u.granted) UNION ALL SELECT 'ages', key, value FROM jsonb_each(u.ages)
   ) e
   WHERE u.tenant_id = $1 AND u.realm_id = $2 AND u.application_id = $3 AND u.day BETWEEN $4 AND $5 AND u.scope IN (
     SELECT DISTINCT s.scope FROM token_usage s
     WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.application_id = $3 AND s.day BETWEEN $4 AND $5
     ORDER BY s.scope LIMIT ${SCOPES_READ_MAX + 1})
   GROUP BY 1, 2, 3`,
);

/** What was counted of one scope in some days. */
export interface ScopeUsage {
  readonly granted: ReadonlyHistogram;
  readonly ages: ReadonlyHistogram;
}

/** What was counted of an application from one day to another, both included: by scope, under the empty one of all its tokens. */
export async function readTokenUsage(
  db: Queryable,
  key: ApplicationKey,
  days: { readonly first: number; readonly last: number },
): Promise<ReadonlyMap<string, ScopeUsage>> {
  const rows = await db.run(read, [key.tenantId, key.realmId, key.applicationId, days.first, days.last]);
  const byScope = new Map<string, { granted: Histogram; ages: Histogram }>();
  for (const row of rows) {
    const scope = row.scope as string;
    const usage = byScope.get(scope) ?? { granted: new Map(), ages: new Map() };
    byScope.set(scope, usage);
    usage[row.kind as "granted" | "ages"].set(row.bucket as number, toBucketCount(row));
  }
  return byScope;
}

function toBucketCount(row: Row) {
  return { count: row.count as number, sum: row.sum as number };
}

/**
 * Deletes at most 1,000 rows of all tenants of days that are not kept, by each tenant's clock. Returns how many are gone.
 *
 * @param realNow epoch seconds of real time
 */
export async function deleteOldTokenUsage(session: OwnerSession, realNow: number): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM token_usage WHERE ctid = ANY (ARRAY (
         SELECT u.ctid FROM token_usage u WHERE u.day <= $1::bigint / ${SECONDS_PER_DAY} - ${USAGE_DAYS_KEPT}
         UNION ALL
         SELECT u.ctid FROM tenants t JOIN token_usage u ON u.tenant_id = t.tenant_id
         WHERE t.clock_offset_seconds > 0
           AND u.day <= ($1::bigint + t.clock_offset_seconds) / ${SECONDS_PER_DAY} - ${USAGE_DAYS_KEPT}
         LIMIT ${DELETED_AT_ONCE_MAX})) RETURNING 1
     ) SELECT count(*) AS count FROM gone`,
    [realNow],
  );
  return Number(rows[0]?.count);
}
