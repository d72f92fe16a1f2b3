import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import type { ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { EventActor } from "../event/queries.ts";
import type { EventSource } from "../event-source.ts";
import { alive } from "../tombstone.ts";
import type { AskedEnding, Step } from "./rules.ts";
import type { TokenFilter } from "./schema.ts";

/** Names a job that ends many tokens. */
export interface TokenRevocationKey extends RealmKey {
  readonly revocationId: string;
}

/** What `tokens_valid_after` was before the job raised it; undefined where it did not. */
export interface RaisedFrom {
  readonly application?: number | undefined;
  readonly identity?: number | undefined;
}

/** A job to be stored. */
export interface NewTokenRevocation extends AskedEnding {
  /** seconds of tenant time: what was dead then was dead already */
  readonly judgedAt: number;
  readonly raisedFrom: RaisedFrom;
  readonly source: EventSource;
}

/** How many were looked at, and what became of those that matched. */
export interface EndedCounts {
  readonly lookedAt: number;
  readonly tokensMatched: number;
  readonly tokensDead: number;
  readonly tokensChanged: number;
  readonly familiesMatched: number;
  readonly familiesDead: number;
  readonly familiesChanged: number;
}

/** Where a job goes on. */
export interface Position {
  /** undefined: with the first */
  readonly applicationId?: string | undefined;
  /** the id of the row of that application that was looked at last; undefined: none yet */
  readonly after?: string | undefined;
  /** requests that began at this instant or later cannot have made what matches: milliseconds of real time */
  readonly beforeMs: number;
}

/** How far a job is. */
export interface Progress {
  readonly step: Step;
  readonly position: Position;
  readonly counts: EndedCounts;
  readonly acceptedOfflineUntil: number | undefined;
}

/** A job as it is stored. */
export interface TokenRevocation extends NewTokenRevocation, Progress {
  readonly key: TokenRevocationKey;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | undefined;
}

const TABLE = "token_revocations";
const KEY = "tenant_id = $1 AND realm_id = $2 AND token_revocation_id = $3";

const NOTHING: EndedCounts = {
  lookedAt: 0,
  ...{ tokensMatched: 0, tokensDead: 0, tokensChanged: 0 },
  ...{ familiesMatched: 0, familiesDead: 0, familiesChanged: 0 },
};

const insert = statement(
  "token_revocation.insert",
  `INSERT INTO ${TABLE} (tenant_id, realm_id, token_revocation_id, filter, issued_before, judged_at, until, application_valid_after,
     identity_valid_after, source, position, counts, due_at_ms, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13)`,
);

const find = statement("token_revocation.find", `SELECT * FROM ${TABLE} WHERE ${KEY}`);

// Whoever has it already goes on with it: then there is nothing to do here.
const hold = statement(
  "token_revocation.hold",
  `SELECT * FROM ${TABLE} WHERE ${KEY} AND finished_at_ms IS NULL AND due_at_ms <= $4 FOR UPDATE SKIP LOCKED`,
);

const save = statement(
  "token_revocation.save",
  `UPDATE ${TABLE} SET step = $4, position = $5, counts = $6, accepted_offline_until = $7, due_at_ms = $8, updated_at_ms = $9,
     finished_at_ms = CASE WHEN $4::text = 'done' THEN $9::bigint END
   WHERE ${KEY}`,
);

const postpone = statement("token_revocation.postpone", `UPDATE ${TABLE} SET due_at_ms = $4 WHERE ${KEY}`);

const countRunning = statement(
  "token_revocation.count_running",
  `SELECT count(*) AS size FROM ${TABLE} WHERE tenant_id = $1 AND realm_id = $2 AND finished_at_ms IS NULL`,
);

const list = statement(
  "token_revocation.list",
  `SELECT * FROM ${TABLE} WHERE tenant_id = $1 AND realm_id = $2 AND token_revocation_id > $3 ORDER BY token_revocation_id LIMIT $4`,
);

const countAll = statement(
  "token_revocation.count",
  `SELECT count(*) AS size FROM ${TABLE} WHERE tenant_id = $1 AND realm_id = $2`,
);

// Tombstones are known, too: tokens may still be counted that hang on them.
const listKnown = statement(
  "token_revocation.list_known",
  `SELECT 'application_id' AS member FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3
   UNION ALL SELECT 'identity_id' FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $4
   UNION ALL SELECT 'group_id' FROM groups WHERE tenant_id = $1 AND realm_id = $2 AND group_id = $5
   UNION ALL SELECT 'key_id' FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2 AND key_id = $6`,
);

// The row is locked by the first part, so what is returned is what the second part raises.
const raise = (table: "applications" | "identities", key: string): string =>
  `WITH was AS MATERIALIZED (
     SELECT ${key}, tokens_valid_after FROM ${table} WHERE tenant_id = $1 AND realm_id = $2 AND ${key} = $3 FOR UPDATE
   ), raised AS (
     UPDATE ${table} x SET tokens_valid_after = GREATEST(x.tokens_valid_after, $4) FROM was
     WHERE x.tenant_id = $1 AND x.realm_id = $2 AND x.${key} = was.${key}
   )
   SELECT tokens_valid_after FROM was`;

const raiseApplication = statement("token_revocation.raise_application", raise("applications", "application_id"));
const raiseIdentity = statement("token_revocation.raise_identity", raise("identities", "identity_id"));

// Tombstones count, too: rows may still hang on them.
const findNextApplication = statement(
  "token_revocation.next_application",
  `SELECT application_id FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND application_id > $3
   ORDER BY application_id LIMIT 1`,
);

/** Stores a new job, due at once. */
export async function insertTokenRevocation(
  db: Queryable,
  key: TokenRevocationKey,
  job: NewTokenRevocation,
  { nowMs, beforeMs }: { readonly nowMs: number; readonly beforeMs: number },
): Promise<TokenRevocation> {
  const { filter, issuedBefore, judgedAt, until, raisedFrom, source } = job;
  const progress = {
    step: "families",
    position: { beforeMs },
    counts: NOTHING,
    acceptedOfflineUntil: undefined,
  } as const;
  const asked = { ...source, traceId: source.traceId.toString("hex") };
  const raised = [raisedFrom.application ?? null, raisedFrom.identity ?? null];
  const said = [filter, issuedBefore, judgedAt, until ?? null, ...raised, asked];
  await db.run(insert, [...ids(key), ...said, progress.position, NOTHING, nowMs]);
  return { key, ...job, ...progress, createdAtMs: nowMs, updatedAtMs: nowMs, finishedAtMs: undefined };
}

/** Reads a job. */
export async function findTokenRevocation(
  db: Queryable,
  key: TokenRevocationKey,
): Promise<TokenRevocation | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toRevocation(row);
}

/** Takes a job that is due, until the transaction ends; undefined when another has it, or nothing is left to do. */
export async function holdTokenRevocation(
  db: Queryable,
  key: TokenRevocationKey,
  nowMs: number,
): Promise<TokenRevocation | undefined> {
  const [row] = await db.run(hold, [...ids(key), nowMs]);
  return row && toRevocation(row);
}

/** Notes how far a job is, in the transaction that did it. */
export async function saveProgress(
  db: Queryable,
  key: TokenRevocationKey,
  { step, position, counts, acceptedOfflineUntil }: Progress,
  { nowMs, dueAtMs }: { readonly nowMs: number; readonly dueAtMs: number },
): Promise<void> {
  await db.run(save, [...ids(key), step, position, counts, acceptedOfflineUntil ?? null, dueAtMs, nowMs]);
}

/** Puts a job off. */
export async function postponeTokenRevocation(db: Queryable, key: TokenRevocationKey, dueAtMs: number): Promise<void> {
  await db.run(postpone, [...ids(key), dueAtMs]);
}

/** How many jobs of a realm are not done. */
export async function countRunningRevocations(db: Queryable, { tenantId, realmId }: RealmKey): Promise<number> {
  const [row] = await db.run(countRunning, [tenantId, realmId]);
  return Number(row?.size ?? 0);
}

/** Reads a page of jobs, in the order of their ids. */
export async function listTokenRevocations(
  db: Queryable,
  { tenantId, realmId }: RealmKey,
  { after, limit }: ListPage,
): Promise<TokenRevocation[]> {
  return (await db.run(list, [tenantId, realmId, after, limit])).map(toRevocation);
}

/** Counts the jobs of a realm. */
export async function countTokenRevocations(db: Queryable, { tenantId, realmId }: RealmKey): Promise<number> {
  const [row] = await db.run(countAll, [tenantId, realmId]);
  return Number(row?.size ?? 0);
}

/** The members of a filter that name what the realm does not have and never had. */
export async function findMissingOfFilter(
  db: Queryable,
  { tenantId, realmId }: RealmKey,
  filter: TokenFilter,
): Promise<readonly string[]> {
  const { application_id = null, identity_id = null, group_id = null, key_id = null } = filter;
  const named = { application_id, identity_id, group_id, key_id };
  const rows = await db.run(listKnown, [tenantId, realmId, ...Object.values(named)]);
  const known = new Set(rows.map(({ member }) => member));
  return Object.entries(named).flatMap(([name, id]) => (id === null || known.has(name) ? [] : [name]));
}

/**
 * Has all tokens of an application or a person die that were issued before a second: one fact, which every strict look-up reads (settled 3).
 *
 * @returns what it was before; undefined where there is no such row
 */
export async function raiseValidAfter(
  db: Queryable,
  { tenantId, realmId }: RealmKey,
  of: { readonly holder: "application" | "identity"; readonly id: string },
  validAfter: number,
): Promise<number | undefined> {
  const raising = of.holder === "application" ? raiseApplication : raiseIdentity;
  const [row] = await db.run(raising, [tenantId, realmId, of.id, validAfter]);
  return row && Number(row.tokens_valid_after);
}

/** The first application of a realm behind an id; undefined when there is none. */
export async function nextApplicationId(
  db: Queryable,
  { tenantId, realmId }: RealmKey,
  after: string,
): Promise<string | undefined> {
  const [row] = await db.run(findNextApplication, [tenantId, realmId, after]);
  return row && String(row.application_id);
}

/** The jobs of all tenants that are due, those that wait longest first. */
export async function listDueRevocations(
  session: OwnerSession,
  nowMs: number,
  limit: number,
): Promise<TokenRevocationKey[]> {
  const rows = await session.query(
    `SELECT x.tenant_id, x.realm_id, x.token_revocation_id FROM ${TABLE} x
     JOIN realms r ON r.tenant_id = x.tenant_id AND r.realm_id = x.realm_id AND ${alive("r")}
     JOIN tenants t ON t.tenant_id = x.tenant_id AND ${alive("t")}
     WHERE x.finished_at_ms IS NULL AND x.due_at_ms <= $1
     ORDER BY x.due_at_ms, x.tenant_id, x.realm_id, x.token_revocation_id LIMIT $2`,
    [nowMs, limit],
  );
  return rows.map(toKey);
}

/** Deletes at most 1,000 jobs of all tenants that were done before. Returns how many are gone. */
export function deleteOldRevocations(session: OwnerSession, finishedBeforeMs: number): Promise<number> {
  return deleteSome(session, TABLE, "finished_at_ms < $1", [finishedBeforeMs]);
}

function ids(key: TokenRevocationKey): readonly string[] {
  return [key.tenantId, key.realmId, key.revocationId];
}

function toKey(row: Row): TokenRevocationKey {
  return {
    tenantId: String(row.tenant_id),
    realmId: String(row.realm_id),
    revocationId: String(row.token_revocation_id),
  };
}

interface StoredRow {
  readonly filter: TokenFilter;
  readonly issued_before: number;
  readonly judged_at: number;
  readonly until: number | null;
  readonly source: {
    readonly actor: EventActor;
    readonly traceId: string;
    readonly atMs: number;
    readonly correlationId?: string;
  };
  readonly application_valid_after: number | null;
  readonly identity_valid_after: number | null;
  readonly step: Step;
  readonly position: Position;
  readonly counts: EndedCounts;
  readonly accepted_offline_until: number | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly finished_at_ms: number | null;
}

function toRevocation(untyped: Row): TokenRevocation {
  const row = untyped as unknown as StoredRow;
  return {
    key: toKey(untyped),
    filter: row.filter,
    issuedBefore: row.issued_before,
    judgedAt: row.judged_at,
    until: row.until ?? undefined,
    raisedFrom: {
      application: row.application_valid_after ?? undefined,
      identity: row.identity_valid_after ?? undefined,
    },
    source: { ...row.source, traceId: Buffer.from(row.source.traceId, "hex") },
    step: row.step,
    position: row.position,
    counts: row.counts,
    acceptedOfflineUntil: row.accepted_offline_until ?? undefined,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    finishedAtMs: row.finished_at_ms ?? undefined,
  };
}
