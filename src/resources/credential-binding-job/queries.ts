import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import type { Authority } from "../../protocol/authority.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { alive } from "../tombstone.ts";
import { OPEN_STATES } from "./rules.ts";
import type { BindingJobSettings, DeliveryMethod, StoredJobState } from "./schema.ts";

/** Names a credential binding job. */
export interface BindingJobKey extends RealmKey {
  readonly jobId: string;
}

/** A credential binding job to be stored. */
export interface NewBindingJob {
  readonly identityId: string;
  /** the batch that it was made by */
  readonly batchId: string | undefined;
  readonly settings: BindingJobSettings;
  /** SHA-256 of its link's token */
  readonly tokenHash: Uint8Array;
  /** what whoever made it held: it never gives more (rule 1) */
  readonly creator: Authority;
  /** seconds of tenant time */
  readonly expiresAt: number;
}

/** A credential binding job as it is stored. */
export interface BindingJob extends NewBindingJob {
  readonly key: BindingJobKey;
  readonly state: StoredJobState;
  /** what was bound, of a complete one */
  readonly credentialId: string | undefined;
  /** of its tenant, for what of it is over by now */
  readonly clockOffsetSeconds: number;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

const COLUMNS = `*, (SELECT t.clock_offset_seconds FROM tenants t WHERE t.tenant_id = credential_binding_jobs.tenant_id)
     AS clock_offset_seconds`;
const KEY = "tenant_id = $1 AND realm_id = $2 AND credential_binding_job_id = $3";

const find = statement(
  "credential_binding_job.find",
  `SELECT ${COLUMNS} FROM credential_binding_jobs WHERE ${KEY} AND identity_id = $4 AND ${alive()}`,
);

const holdOne = statement("credential_binding_job.hold", `${find.text} FOR UPDATE`);

const listed = {
  from: "credential_binding_jobs",
  columns: COLUMNS,
  id: "credential_binding_job_id",
  attributes: {
    id: { type: "exact text", sql: "credential_binding_job_id" },
    identity_id: { type: "exact text", sql: "identity_id" },
    batch_id: { type: "exact text", sql: "batch_id" },
    delivery_method: { type: "enum", sql: "delivery_method", values: ["RETURN", "EMAIL"] },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
} as const;

const ofRealm = declareList({
  ...listed,
  name: "credential_binding_job",
  owner: ["tenant_id", "realm_id"],
  where: alive(),
  counted: "by triggers",
});

// identity_id <> '' says that the index over identities may be used.
const ofIdentity = declareList({
  ...listed,
  name: "credential_binding_job_of_identity",
  owner: ["tenant_id", "realm_id", "identity_id"],
  where: `identity_id <> '' AND ${alive()}`,
  counted: "each time",
});

const insert = statement(
  "credential_binding_job.insert",
  `INSERT INTO credential_binding_jobs (tenant_id, realm_id, credential_binding_job_id, identity_id, batch_id, delivery_method,
     authenticator_config_id, authenticator_config, post_binding_redirect_uri, token_hash, creator, expires_at, created_at_ms,
     updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
);

const move = statement(
  "credential_binding_job.move",
  `UPDATE credential_binding_jobs SET state = $5, updated_at_ms = $6, version = version + 1
   WHERE ${KEY} AND state = ANY ($4) AND ${alive()} RETURNING state`,
);

const renewLink = statement(
  "credential_binding_job.renew_link",
  `UPDATE credential_binding_jobs SET token_hash = $4, updated_at_ms = $5, version = version + 1
   WHERE ${KEY} AND state = 'LINK_SENT' AND ${alive()} RETURNING state`,
);

// The link is spent by what it was made for, and by nothing before: who turns back, or opens it on another device, finds it as it was.
const complete = statement(
  "credential_binding_job.complete",
  `UPDATE credential_binding_jobs SET state = 'COMPLETE', credential_id = $5, updated_at_ms = $7, version = version + 1
   WHERE ${KEY} AND token_hash = $4 AND state = ANY ($8) AND expires_at > $6 AND ${alive()} RETURNING state`,
);

/** Reads a job of an identity. */
export async function findBindingJob(
  db: Queryable,
  key: BindingJobKey,
  identityId: string,
): Promise<BindingJob | undefined> {
  const [row] = await db.run(find, [...ids(key), identityId]);
  return row && toBindingJob(row);
}

/** Reads a job of an identity and keeps it as it is until the transaction ends. */
export async function holdBindingJob(
  db: Queryable,
  key: BindingJobKey,
  identityId: string,
): Promise<BindingJob | undefined> {
  const [row] = await db.run(holdOne, [...ids(key), identityId]);
  return row && toBindingJob(row);
}

/** Whose jobs a list shows: an identity's, or without one all of the realm. */
export interface BindingJobOwner extends RealmKey {
  readonly identityId?: string | undefined;
}

/** Reads a page of jobs, in the order of their ids. */
export async function listBindingJobs(db: Queryable, owner: BindingJobOwner, page: ListPage): Promise<BindingJob[]> {
  const list = owner.identityId === undefined ? ofRealm : ofIdentity;
  return (await list.page(db, ownerIds(owner), page)).map(toBindingJob);
}

/** Counts jobs, or those of them that pass the filter. */
export async function countBindingJobs(db: Queryable, owner: BindingJobOwner, filter?: Filter): Promise<number> {
  const list = owner.identityId === undefined ? ofRealm : ofIdentity;
  return list.count(db, ownerIds(owner), filter);
}

/** Stores a new job, its link sent. */
export async function insertBindingJob(
  db: Queryable,
  key: BindingJobKey,
  job: NewBindingJob,
  nowMs: number,
): Promise<void> {
  const { identityId, batchId, settings, tokenHash, creator, expiresAt } = job;
  const { authenticator_config_id, authenticator_config, post_binding_redirect_uri } = settings;
  await db.run(insert, [
    ...[...ids(key), identityId, batchId ?? null, settings.delivery_method],
    ...[authenticator_config_id ?? null, authenticator_config?.config ?? null, post_binding_redirect_uri ?? null],
    ...[tokenHash, authorityToJson(creator), expiresAt, nowMs],
  ]);
}

/** How a job goes on. */
export interface JobMove {
  readonly from: readonly StoredJobState[];
  readonly to: Exclude<StoredJobState, "COMPLETE">;
}

/** Moves a job from one of some states to another, in one statement that tells whether it did. */
export async function moveBindingJob(db: Queryable, key: BindingJobKey, by: JobMove, nowMs: number): Promise<boolean> {
  return (await db.run(move, [...ids(key), by.from, by.to, nowMs])).length > 0;
}

/** Takes another link for a job, as long as the first was not opened: that one is void. Tells whether it did. */
export async function renewBindingLink(
  db: Queryable,
  key: BindingJobKey,
  tokenHash: Uint8Array,
  nowMs: number,
): Promise<boolean> {
  return (await db.run(renewLink, [...ids(key), tokenHash, nowMs])).length > 0;
}

/** When something is done: in seconds of tenant time, and in milliseconds of real time. */
export interface JobInstant {
  readonly now: number;
  readonly nowMs: number;
}

/**
 * Spends a link with what was bound by it, in one statement. False for a wrong token, and for a link that was spent, has expired or was
 * revoked.
 */
export async function completeBindingJob(
  db: Queryable,
  key: BindingJobKey,
  bound: { readonly tokenHash: Uint8Array; readonly credentialId: string },
  { now, nowMs }: JobInstant,
): Promise<boolean> {
  const values = [...ids(key), bound.tokenHash, bound.credentialId, now, nowMs, OPEN_STATES];
  return (await db.run(complete, values)).length > 0;
}

/** Whether somebody whose job is in this state is still being invited, as SQL on its row. */
export const IS_OPEN = `state IN (${OPEN_STATES.map((state) => `'${state}'`).join(", ")})`;

function ids(key: BindingJobKey): readonly string[] {
  return [key.tenantId, key.realmId, key.jobId];
}

function ownerIds({ tenantId, realmId, identityId }: BindingJobOwner): readonly string[] {
  return identityId === undefined ? [tenantId, realmId] : [tenantId, realmId, identityId];
}

/** What somebody held, as it is stored. */
export interface StoredAuthority {
  readonly scopes: readonly string[];
  readonly reach: string;
}

/** Writes what somebody held. */
export function authorityToJson({ scopes, reach }: Authority): StoredAuthority {
  return { scopes: [...scopes], reach };
}

/** Reads what somebody held. */
export function authorityFromJson({ scopes, reach }: StoredAuthority): Authority {
  return { scopes: new Set(scopes), reach };
}

interface BindingJobRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly credential_binding_job_id: string;
  readonly identity_id: string;
  readonly batch_id: string | null;
  readonly delivery_method: DeliveryMethod;
  readonly state: StoredJobState;
  readonly authenticator_config_id: string | null;
  readonly authenticator_config: NonNullable<BindingJobSettings["authenticator_config"]>["config"] | null;
  readonly post_binding_redirect_uri: string | null;
  readonly token_hash: Buffer;
  readonly creator: StoredAuthority;
  readonly credential_id: string | null;
  readonly expires_at: number;
  readonly clock_offset_seconds: number;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** A row of the table, with its tenant's offset, as a job. */
export function toBindingJob(untyped: Row): BindingJob {
  const row = untyped as unknown as BindingJobRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, jobId: row.credential_binding_job_id },
    identityId: row.identity_id,
    batchId: row.batch_id ?? undefined,
    settings: toSettings(row),
    state: row.state,
    tokenHash: row.token_hash,
    creator: authorityFromJson(row.creator),
    credentialId: row.credential_id ?? undefined,
    expiresAt: row.expires_at,
    clockOffsetSeconds: row.clock_offset_seconds,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function toSettings(row: BindingJobRow): BindingJobSettings {
  const { delivery_method, post_binding_redirect_uri, authenticator_config_id, authenticator_config } = row;
  return {
    delivery_method,
    ...(post_binding_redirect_uri === null ? {} : { post_binding_redirect_uri }),
    ...(authenticator_config_id === null ? {} : { authenticator_config_id }),
    ...(authenticator_config === null ? {} : { authenticator_config: { config: authenticator_config } }),
  };
}
