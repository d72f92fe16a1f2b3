import type { Queryable, Row } from "../../database/database.ts";
import { DECISION_LIFETIME_SECONDS } from "../../database/partitions.ts";
import { hexOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import { bucketFor } from "../../protocol/bucket.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { boundFacts } from "../../protocol/decision-facts.ts";

/** What a decision was about. */
export type DecisionKind =
  | "token"
  | "authorize"
  | "introspect"
  | "revoke"
  | "shorten"
  | "preview"
  | "login"
  | "logout"
  | "userinfo"
  | "management"
  | "policy"
  | "dropped";

/** A decision that has no token's row to live in. It never holds a secret, a token or a query string (rule 24). */
export interface Decision extends RealmKey {
  /** 16 bytes */
  readonly traceId: Uint8Array;
  readonly kind: DecisionKind;
  readonly outcome: string;
  readonly applicationId: string | undefined;
  readonly recordedAtMs: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The columns of a decision in a JSON batch, for statements that record one beside what it is about. */
export const DECISION_COLUMNS = `tenant_id text, realm_id text, id bytea, bucket integer, recorded_at_ms bigint, application_id text,
       kind text, outcome text, decision jsonb`;

/** An INSERT of decisions, up to its FROM. */
export const INSERT_DECISIONS = `INSERT INTO decisions (tenant_id, realm_id, id, bucket, recorded_at_ms, application_id, kind, outcome, decision)
   SELECT tenant_id, realm_id, id, bucket, recorded_at_ms, application_id, kind, outcome, decision`;

const insert = statement(
  "decision.insert",
  `${INSERT_DECISIONS} FROM json_to_recordset($1::json) AS b(${DECISION_COLUMNS}) ON CONFLICT DO NOTHING`,
);

/** The bucket of a decision that is recorded at this instant, in milliseconds of real time. */
export function decisionBucket(recordedAtMs: number): number {
  return bucketFor(Math.floor(recordedAtMs / 1000), DECISION_LIFETIME_SECONDS);
}

/** Records decisions, all in one statement. */
export async function insertDecisions(db: Queryable, decisions: readonly Decision[]): Promise<void> {
  await db.run(insert, [JSON.stringify(decisions.map(toDecisionRow))]);
}

/** A decision as a JSON batch writes it. */
export function toDecisionRow(decision: Decision): Row {
  return {
    tenant_id: decision.tenantId,
    realm_id: decision.realmId,
    id: hexOf(decision.traceId),
    bucket: decisionBucket(decision.recordedAtMs),
    recorded_at_ms: decision.recordedAtMs,
    application_id: decision.applicationId ?? "",
    kind: decision.kind,
    outcome: decision.outcome,
    decision: boundFacts(decision.facts),
  };
}

const find = statement(
  "decision.find",
  `SELECT recorded_at_ms, application_id, kind, outcome, decision FROM decisions
   WHERE tenant_id = $1 AND realm_id = $2 AND id = $3 ORDER BY kind LIMIT 10`,
);

/** A recorded decision, as it is read back. */
export interface RecordedDecision {
  readonly recordedAtMs: number;
  readonly applicationId: string | undefined;
  readonly kind: string;
  readonly outcome: string;
  readonly facts: unknown;
}

/** The decisions of one trace id in one realm. */
export async function listDecisions(db: Queryable, realm: RealmKey, traceId: Uint8Array): Promise<RecordedDecision[]> {
  const rows = await db.run(find, [realm.tenantId, realm.realmId, Buffer.from(traceId)]);
  return rows.map((row) => ({
    recordedAtMs: row.recorded_at_ms as number,
    applicationId: row.application_id === "" ? undefined : (row.application_id as string),
    kind: row.kind as string,
    outcome: row.outcome as string,
    facts: row.decision,
  }));
}
