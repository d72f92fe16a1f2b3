import { tenantsOf } from "../../database/batch-tenants.ts";
import type { Database, Queryable, Row } from "../../database/database.ts";
import { type KnownTable, updateKnown } from "../../database/known-row.ts";
import { insertWithPartitions } from "../../database/partitions.ts";
import { bucketRange, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import type { EndedRow } from "../../protocol/live-count.ts";
import { decodeId, ID_KINDS } from "../../protocol/token-id.ts";
import { DECISION_COLUMNS, decisionBucket, INSERT_DECISIONS, toDecisionRow } from "../decision/queries.ts";
import { GRANTS, type RevocationReason } from "../grant/queries.ts";
import { applicationKeyOfRow } from "../row-key.ts";
import { TOKENS } from "../token/queries.ts";

/** The end of an access token, or of a grant with its whole family (rule 13). */
export interface Revocation extends ApplicationKey {
  /** the id of the token or the grant; its kind tells which */
  readonly id: string;
  /** seconds of tenant time */
  readonly at: number;
  readonly atMs: number;
  readonly reason: RevocationReason;
  /** the request that did it, and what its decision says */
  readonly traceId: Uint8Array;
  readonly outcome: string;
  readonly kind: "token" | "revoke";
  readonly facts: Readonly<Record<string, unknown>>;
}

// Revoked and recorded by one statement: neither is ever there without the other (rule 24). A batch may name
// the same token twice.
const endAndRecord = (table: KnownTable, set: Readonly<Record<string, string>>, advance: string | undefined): string =>
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(${DECISION_COLUMNS}, ended_id bytea, ended_bucket integer, revoked_at bigint, reason text)
   ), named AS (
     SELECT DISTINCT ON (tenant_id, realm_id, ended_id) tenant_id, realm_id, ended_id AS id, ended_bucket AS bucket, revoked_at, reason FROM batch
     ORDER BY tenant_id, realm_id, ended_id
   ), ended AS (
     ${updateKnown(table, {
       from: "named",
       buckets: "$2 AND $3",
       set: { revoked_at: "c.revoked_at", ...set },
       ...(advance === undefined ? {} : { advance }),
       where: `${table.name}.revoked_at IS NULL`,
     })}
     RETURNING *
   ), recorded AS (${INSERT_DECISIONS} FROM batch ON CONFLICT DO NOTHING)`;

const revokeToken = statement(
  "revocation.end_tokens",
  `${endAndRecord(TOKENS, {}, undefined)}
   SELECT tenant_id, realm_id, application_id, issued_at, expires_at AS ends_at FROM ended`,
);

const revokeGrant = statement(
  "revocation.end_grants",
  `${endAndRecord(GRANTS, { revoked_reason: "c.reason" }, "version = grants.version + 1")}
   SELECT tenant_id, realm_id, application_id, code_spent_at AS issued_at, refresh_expires_at AS ends_at FROM ended
   WHERE code_spent_at IS NOT NULL AND refresh_expires_at IS NOT NULL`,
);

/** Whether this ends, or shortens, a grant: refresh tokens and access tokens that name it as their ancestor (rule 13, settled 3). */
export function endsFamily({ id }: Pick<Revocation, "id">): boolean {
  return decodeId(id)?.kind === ID_KINDS.grant;
}

/**
 * Revokes access tokens and records who did it and why. One that is revoked already stays as it is.
 *
 * @returns those that lived until now, or until they expired
 */
export async function revokeTokens(db: Queryable, revocations: readonly Revocation[]): Promise<readonly EndedRow[]> {
  return (await db.run(revokeToken, valuesOf(revocations))).map(toEndedRow);
}

/**
 * Ends grants and so their whole families, and records it. One that ended before keeps its first reason.
 *
 * @returns the refresh families that lived until now, or until they expired
 */
export async function revokeGrants(db: Queryable, revocations: readonly Revocation[]): Promise<readonly EndedRow[]> {
  return (await db.run(revokeGrant, valuesOf(revocations))).map(toEndedRow);
}

/** Runs one of the two for revocations of that kind, as the tenants that they are of. */
export async function revokeAs(
  database: Database,
  revocations: readonly Revocation[],
  revoke: typeof revokeTokens,
): Promise<readonly EndedRow[]> {
  const db = database.tenants(tenantsOf(revocations));
  const buckets = revocations.map((one) => decisionBucket(one.atMs));
  return insertWithPartitions(database, "decisions", buckets, () => revoke(db, revocations));
}

function valuesOf(revocations: readonly Revocation[]): readonly unknown[] {
  return [JSON.stringify(revocations.map(toRow)), ...bucketRange(revocations.map(({ id }) => id))];
}

function toEndedRow(row: Row): EndedRow {
  return { ...applicationKeyOfRow(row), issuedAt: row.issued_at as number, endsAt: row.ends_at as number };
}

function toRow(one: Revocation): object {
  const { id, bucket } = idColumns(one.id);
  return {
    ...toDecisionRow({
      tenantId: one.tenantId,
      realmId: one.realmId,
      applicationId: one.applicationId,
      traceId: one.traceId,
      kind: one.kind,
      outcome: one.outcome,
      recordedAtMs: one.atMs,
      facts: { ...endedBy(one), reason: one.reason, ...one.facts },
    }),
    ended_id: id,
    ended_bucket: bucket,
    revoked_at: one.at,
    reason: one.reason,
  };
}

function endedBy(one: Pick<Revocation, "id">): Readonly<Record<string, string>> {
  if (endsFamily(one)) return { ended: "the whole family", grant_id: one.id };
  return { ended: "the access token", token_id: one.id };
}
