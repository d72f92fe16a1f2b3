import type { Database, Queryable } from "../../database/database.ts";
import { type KnownTable, updateKnown } from "../../database/known-row.ts";
import { insertWithPartitions } from "../../database/partitions.ts";
import { bucketRange, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { DECISION_COLUMNS, decisionBucket, INSERT_DECISIONS, toDecisionRow } from "../decision/queries.ts";
import { GRANTS } from "../grant/queries.ts";
import { endsFamily } from "../revocation/queries.ts";
import { TOKENS } from "../token/queries.ts";

/** An earlier end of an access token, or of a grant and so of all that grew from it (rule 28). It never makes anything live longer. */
export interface Shortening extends ApplicationKey {
  /** the id of the token or the grant; its kind tells which */
  readonly id: string;
  /** the new end, seconds of tenant time */
  readonly until: number;
  readonly atMs: number;
  /** the request that did it, and what its decision says */
  readonly traceId: Uint8Array;
  readonly facts: Readonly<Record<string, unknown>>;
}

// Lowered and recorded by one statement, as revocations are (rule 24). Of several for one row the earliest holds, whichever comes first:
// what is proposed is compared with the row as it is when it is locked.
const lowerAndRecord = (table: KnownTable, lower: { readonly set: string; readonly advance?: string }): string =>
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(${DECISION_COLUMNS}, lowered_id bytea, lowered_bucket integer, until bigint)
   ), named AS (
     SELECT tenant_id, realm_id, lowered_id AS id, lowered_bucket AS bucket, min(until) AS until FROM batch GROUP BY 1, 2, 3, 4
   ), lowered AS (
     ${updateKnown(table, {
       from: "named",
       buckets: "$2 AND $3",
       set: { [lower.set]: "c.until" },
       ...(lower.advance === undefined ? {} : { advance: lower.advance }),
       where: `${table.name}.revoked_at IS NULL AND ${table.name}.${lower.set} > excluded.${lower.set}`,
     })}
   )
   ${INSERT_DECISIONS} FROM batch ON CONFLICT DO NOTHING`;

const shortenTokens = statement("shortening.lower_tokens", lowerAndRecord(TOKENS, { set: "expires_at" }));

// A refresh that stands on the grant as it was before loses by its version and reads it anew.
const shortenGrants = statement(
  "shortening.lower_grants",
  lowerAndRecord(GRANTS, {
    set: "ends_at",
    advance: `refresh_expires_at = CASE WHEN grants.refresh_expires_at > excluded.ends_at THEN excluded.ends_at
       ELSE grants.refresh_expires_at END, version = grants.version + 1`,
  }),
);

/** Gives access tokens an earlier end and records who did it. One that ends earlier already stays as it is. */
export async function lowerTokens(db: Queryable, shortenings: readonly Shortening[]): Promise<void> {
  await db.run(shortenTokens, valuesOf(shortenings));
}

/** Gives grants an earlier end: no refresh token and no access token of theirs outlives it. */
export async function lowerGrants(db: Queryable, shortenings: readonly Shortening[]): Promise<void> {
  await db.run(shortenGrants, valuesOf(shortenings));
}

/** Shortens what is named; resolved means that it holds on every node. */
export async function shorten(database: Database, shortening: Shortening): Promise<void> {
  const db = database.tenants([shortening.tenantId]);
  const lower = endsFamily(shortening) ? lowerGrants : lowerTokens;
  const buckets = [decisionBucket(shortening.atMs)];
  await insertWithPartitions(database, "decisions", buckets, () => lower(db, [shortening]));
}

function valuesOf(shortenings: readonly Shortening[]): readonly unknown[] {
  return [JSON.stringify(shortenings.map(toRow)), ...bucketRange(shortenings.map(({ id }) => id))];
}

function toRow(one: Shortening): object {
  const { id, bucket } = idColumns(one.id);
  const named = endsFamily(one) ? { grant_id: one.id } : { token_id: one.id };
  return {
    ...toDecisionRow({
      tenantId: one.tenantId,
      realmId: one.realmId,
      applicationId: one.applicationId,
      traceId: one.traceId,
      kind: "shorten",
      outcome: "shortened",
      recordedAtMs: one.atMs,
      facts: { ...named, until: one.until, ...one.facts },
    }),
    lowered_id: id,
    lowered_bucket: bucket,
    until: one.until,
  };
}
