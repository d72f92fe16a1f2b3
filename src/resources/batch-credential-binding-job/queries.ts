import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import type { Authority } from "../../protocol/authority.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { authorityFromJson, authorityToJson, type StoredAuthority } from "../credential-binding-job/queries.ts";
import type { EventActor } from "../event/queries.ts";
import type { EventSource } from "../event-source.ts";
import type { ResultCounts } from "./rules.ts";
import { type JobTemplate, RESULT_STATES, type ResultState } from "./schema.ts";

/** Names a batch. */
export interface BatchKey extends RealmKey {
  readonly batchId: string;
}

/** A batch to be stored. */
export interface NewBatch {
  readonly template: JobTemplate;
  /** what whoever made it held: its jobs never give more (rule 1) */
  readonly creator: Authority;
  /** who asked, and in which request, for the events of its jobs */
  readonly source: EventSource;
  /** seconds of tenant time: when the links of its jobs end */
  readonly expiresAt: number;
}

/** A batch as it is stored, with what became of its jobs. */
export interface Batch extends Omit<NewBatch, "creator" | "source"> {
  readonly key: BatchKey;
  readonly identityIds: readonly string[];
  readonly counts: ResultCounts;
  readonly errors: readonly { readonly identityId: string; readonly lastError: string; readonly isFinal: boolean }[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What became of one identity's job. */
export interface BatchResult {
  readonly identityId: string;
  readonly state: ResultState;
  readonly lastError: string | undefined;
  readonly jobId: string | undefined;
}

const RESULTS = "batch_credential_binding_results";
const OWNER = "tenant_id = $1 AND realm_id = $2 AND batch_id = $3";
const COUNTS = `count(*) FILTER (WHERE state = 'PENDING') AS pending, count(*) FILTER (WHERE state = 'SUCCESS') AS success,
     count(*) FILTER (WHERE state = 'FAILURE') AS failure`;

const find = statement(
  "batch_binding_job.find",
  `SELECT b.*, x.* FROM batch_credential_binding_jobs b CROSS JOIN LATERAL (
     SELECT array_agg(identity_id ORDER BY identity_id) AS identity_ids, max(updated_at_ms) AS updated_at_ms, ${COUNTS},
       json_agg(json_build_object('identityId', identity_id, 'lastError', last_error, 'isFinal', state = 'FAILURE')
         ORDER BY identity_id) FILTER (WHERE last_error IS NOT NULL) AS errors
     FROM ${RESULTS} WHERE ${OWNER}
   ) x WHERE b.tenant_id = $1 AND b.realm_id = $2 AND b.batch_credential_binding_job_id = $3`,
);

const countStates = statement("batch_binding_job.count_states", `SELECT ${COUNTS} FROM ${RESULTS} WHERE ${OWNER}`);

const countQueued = statement(
  "batch_binding_job.count_queued",
  `SELECT count(*) AS size FROM ${RESULTS} WHERE tenant_id = $1 AND realm_id = $2 AND state = 'PENDING'`,
);

const insert = statement(
  "batch_binding_job.insert",
  `INSERT INTO batch_credential_binding_jobs (tenant_id, realm_id, batch_credential_binding_job_id, job_template, creator, source,
     expires_at, created_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
);

const insertAll = statement(
  "batch_binding_job.insert_results",
  `INSERT INTO ${RESULTS} (tenant_id, realm_id, batch_id, identity_id, due_at_ms, updated_at_ms)
   SELECT $1, $2, $3, identity_id, $5, $5 FROM unnest($4::text[]) AS x(identity_id)`,
);

const list = declareList({
  name: "batch_binding_result",
  from: RESULTS,
  owner: ["tenant_id", "realm_id", "batch_id"],
  id: "identity_id",
  where: "true",
  counted: "each time",
  attributes: {
    identity_id: { type: "exact text", sql: "identity_id" },
    state: { type: "enum", sql: "state", values: RESULT_STATES },
  },
});

// Whoever has it already keeps it: then there is nothing to do here.
const holdDue = statement(
  "batch_binding_job.hold_due",
  `SELECT x.tries, x.credential_binding_job_id, b.job_template, b.creator, b.source, b.expires_at
   FROM ${RESULTS} x JOIN batch_credential_binding_jobs b ON b.tenant_id = x.tenant_id AND b.realm_id = x.realm_id
     AND b.batch_credential_binding_job_id = x.batch_id
   WHERE x.tenant_id = $1 AND x.realm_id = $2 AND x.batch_id = $3 AND x.identity_id = $4 AND x.state = 'PENDING' AND x.due_at_ms <= $5
   FOR UPDATE OF x SKIP LOCKED`,
);

const begin = statement(
  "batch_binding_job.begin_try",
  `UPDATE ${RESULTS} SET tries = tries + 1, due_at_ms = $5, credential_binding_job_id = COALESCE($6, credential_binding_job_id), updated_at_ms = $7
   WHERE ${OWNER} AND identity_id = $4 AND state = 'PENDING'`,
);

const settle = statement(
  "batch_binding_job.settle",
  `UPDATE ${RESULTS} SET state = $5, last_error = $6, updated_at_ms = $7
   WHERE ${OWNER} AND identity_id = $4 AND state = 'PENDING'`,
);

/** Reads a batch with what became of its jobs. */
export async function findBatch(db: Queryable, key: BatchKey): Promise<Batch | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toBatch(row);
}

/** How many jobs of a batch are pending, and what became of the others. */
export async function countBatchStates(db: Queryable, key: BatchKey): Promise<ResultCounts> {
  const [row] = await db.run(countStates, ids(key));
  return toCounts(row ?? {});
}

/** How many jobs of a realm wait to be made. Exact where the realm is held alone. */
export async function countQueuedJobs(db: Queryable, { tenantId, realmId }: RealmKey): Promise<number> {
  const [row] = await db.run(countQueued, [tenantId, realmId]);
  return Number(row?.size ?? 0);
}

/** Stores a new batch with all its jobs pending. */
export async function insertBatch(
  db: Queryable,
  key: BatchKey,
  { identityIds, ...batch }: NewBatch & { readonly identityIds: readonly string[] },
  nowMs: number,
): Promise<void> {
  const { template, creator, source, expiresAt } = batch;
  const asked = { ...source, traceId: source.traceId.toString("hex") };
  await db.run(insert, [...ids(key), template, authorityToJson(creator), asked, expiresAt, nowMs]);
  await db.run(insertAll, [...ids(key), identityIds, nowMs]);
}

/** Reads a page of results, in the order of the identities' ids. */
export async function listBatchResults(db: Queryable, key: BatchKey, page: ListPage): Promise<BatchResult[]> {
  return (await list.page(db, ids(key), page)).map(toResult);
}

/** Counts results, or those of them that pass the filter. */
export async function countBatchResults(db: Queryable, key: BatchKey, filter?: Filter): Promise<number> {
  return list.count(db, ids(key), filter);
}

/** Names a job of a batch that may be tried. */
export interface DueJob {
  readonly key: BatchKey;
  readonly identityId: string;
}

/** The jobs of all tenants that may be tried, those that wait longest first. */
export async function listDueJobs(session: OwnerSession, nowMs: number, limit: number): Promise<DueJob[]> {
  const rows = await session.query(
    `SELECT tenant_id, realm_id, batch_id, identity_id FROM ${RESULTS} WHERE state = 'PENDING' AND due_at_ms <= $1
     ORDER BY due_at_ms, tenant_id, realm_id, batch_id, identity_id LIMIT $2`,
    [nowMs, limit],
  );
  return rows.map((row) => ({
    key: { tenantId: String(row.tenant_id), realmId: String(row.realm_id), batchId: String(row.batch_id) },
    identityId: String(row.identity_id),
  }));
}

/** A job of a batch that is being tried. */
export interface HeldJob extends NewBatch {
  /** so often it was tried before */
  readonly tries: number;
  /** what an earlier try made */
  readonly jobId: string | undefined;
}

/** Takes a job that may be tried, until the transaction ends; undefined when another has it, or nothing is left to do. */
export async function holdDueJob(
  db: Queryable,
  { key, identityId }: DueJob,
  nowMs: number,
): Promise<HeldJob | undefined> {
  const [row] = await db.run(holdDue, [...ids(key), identityId, nowMs]);
  return row && toHeld(row);
}

/** Notes that a job is tried: unless the outcome is noted before `dueAtMs`, it is tried again. */
export async function beginTry(
  db: Queryable,
  { key, identityId }: DueJob,
  { jobId, dueAtMs }: { readonly jobId: string | undefined; readonly dueAtMs: number },
  nowMs: number,
): Promise<void> {
  await db.run(begin, [...ids(key), identityId, dueAtMs, jobId ?? null, nowMs]);
}

/** What became of a try; PENDING is to be tried again. */
export interface TryOutcome {
  readonly state: ResultState;
  readonly lastError?: string;
}

/** Notes what became of a try. */
export async function settleTry(
  db: Queryable,
  { key, identityId }: DueJob,
  { state, lastError }: TryOutcome,
  nowMs: number,
): Promise<void> {
  await db.run(settle, [...ids(key), identityId, state, lastError ?? null, nowMs]);
}

function ids(key: BatchKey): readonly string[] {
  return [key.tenantId, key.realmId, key.batchId];
}

interface BatchRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly batch_credential_binding_job_id: string;
  readonly job_template: JobTemplate;
  readonly expires_at: number;
  readonly identity_ids: string[] | null;
  readonly errors: Batch["errors"] | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number | null;
}

function toBatch(untyped: Row): Batch {
  const row = untyped as unknown as BatchRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, batchId: row.batch_credential_binding_job_id },
    template: row.job_template,
    expiresAt: row.expires_at,
    identityIds: row.identity_ids ?? [],
    counts: toCounts(untyped),
    errors: row.errors ?? [],
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms ?? row.created_at_ms,
  };
}

function toCounts({ pending, success, failure }: Row): ResultCounts {
  return { pending: Number(pending), success: Number(success), failure: Number(failure) };
}

interface ResultRow {
  readonly identity_id: string;
  readonly state: ResultState;
  readonly last_error: string | null;
  readonly credential_binding_job_id: string | null;
}

function toResult(untyped: Row): BatchResult {
  const row = untyped as unknown as ResultRow;
  return {
    identityId: row.identity_id,
    state: row.state,
    lastError: row.last_error ?? undefined,
    jobId: row.credential_binding_job_id ?? undefined,
  };
}

interface HeldRow {
  readonly tries: number;
  readonly credential_binding_job_id: string | null;
  readonly job_template: JobTemplate;
  readonly creator: StoredAuthority;
  readonly source: {
    readonly actor: EventActor;
    readonly traceId: string;
    readonly atMs: number;
    readonly correlationId?: string;
  };
  readonly expires_at: number;
}

function toHeld(untyped: Row): HeldJob {
  const row = untyped as unknown as HeldRow;
  return {
    tries: row.tries,
    jobId: row.credential_binding_job_id ?? undefined,
    template: row.job_template,
    creator: authorityFromJson(row.creator),
    source: { ...row.source, traceId: Buffer.from(row.source.traceId, "hex") },
    expiresAt: row.expires_at,
  };
}
