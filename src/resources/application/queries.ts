import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, declareHold, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationContext, ApplicationKey, RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { alive, aliveWithKey, NO_TOMBSTONE } from "../tombstone.ts";
import { type ContextRow, toApplicationContext } from "./context.ts";
import type { ApplicationSettings } from "./schema.ts";
import { type Application, type ApplicationRow, type StoredSecret, toApplication } from "./stored-application.ts";

export type { Application, StoredSecret } from "./stored-application.ts";

export type NewApplication = Pick<Application, "isManaged" | "classification" | "clientId" | "secret" | "settings">;

/** What a client may prove itself with. */
export interface ClientSecrets {
  /** SHA-256 of the secret */
  readonly secretHash: Buffer | undefined;
  /** that of the secret before, while it is good: before the second `validUntil`, of tenant time */
  readonly previousSecret: { readonly hash: Buffer; readonly validUntil: number } | undefined;
}

/** What must be read live of a client with each request (rule 7). */
export interface LiveClient extends ClientSecrets {
  /** the versions of everything that a context is made of: equal texts mean an equal configuration, secret and clock offset included */
  readonly stamp: string;
  readonly clockOffsetSeconds: number;
  readonly tokensValidAfter: number;
}

/** An application, what surrounds it and what must be read live of it, all as they were at one moment. */
export interface CurrentApplication {
  readonly context: ApplicationContext;
  readonly live: LiveClient;
}

const STAMP = "concat_ws('.', t.version, r.version, a.version, COALESCE(s.version, 0)) AS stamp";

const SECRETS = "a.client_secret_hash, a.previous_secret_hash, a.previous_secret_valid_until";

const findContext = statement(
  "application.find_context",
  `SELECT ${STAMP}, ${SECRETS}, a.tokens_valid_after, t.tenant_id, t.display_name AS tenant_display_name, t.kind AS tenant_kind, t.clock_offset_seconds,
     t.token_policy AS tenant_token_policy, t.refresh_key_sealed, t.version AS tenant_version,
     r.realm_id, r.display_name AS realm_display_name, r.is_admin, r.auto_provision,
     r.token_policy AS realm_token_policy, r.session_policy AS realm_session_policy, r.version AS realm_version,
     a.application_id, a.display_name, a.is_managed, a.resource_server_id, a.authenticator_config_id, a.client_id,
     a.target_realm, a.protocol_config, a.version,
     s.resource_server_id AS server_id, s.identifier, s.is_managed AS server_is_managed, s.scopes AS server_scopes,
     s.token_policy AS server_token_policy, s.scope_policies, s.version AS server_version
   FROM applications a
   JOIN realms r ON r.tenant_id = a.tenant_id AND r.realm_id = a.realm_id AND ${alive("r")}
   JOIN tenants t ON t.tenant_id = a.tenant_id AND ${alive("t")}
   LEFT JOIN LATERAL (SELECT * FROM resource_servers s WHERE s.tenant_id = a.tenant_id AND s.realm_id = a.realm_id
     AND s.resource_server_id = a.resource_server_id AND ${alive("s")} LIMIT 1) s ON true
   WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = $3 AND ${alive("a")}`,
);

// LIMIT keeps the planner from reading a whole tenant or realm first: each key is three or four look-ups by primary key.
const selectLive = (
  of: string,
): string => `SELECT ${STAMP}, t.clock_offset_seconds, ${SECRETS}, a.tokens_valid_after, a.resource_server_id, a.target_realm
     FROM applications a
     JOIN realms r ON r.tenant_id = a.tenant_id AND r.realm_id = a.realm_id AND ${alive("r")}
     JOIN tenants t ON t.tenant_id = a.tenant_id AND ${alive("t")}
     LEFT JOIN LATERAL (SELECT s.version FROM resource_servers s WHERE s.tenant_id = a.tenant_id
       AND s.realm_id = a.realm_id AND s.resource_server_id = a.resource_server_id AND ${alive("s")} LIMIT 1) s ON true
     WHERE a.tenant_id = ${of}.tenant_id AND a.realm_id = ${of}.realm_id AND a.application_id = ${of}.application_id AND ${alive("a")}
     LIMIT 1`;

const readLive = statement(
  "application.read_clients",
  `SELECT c.* FROM json_to_recordset($1::json) AS k(n integer, tenant_id text, realm_id text, application_id text)
   LEFT JOIN LATERAL (${selectLive("k")}) c ON true
   ORDER BY k.n`,
);

/**
 * SQL for the statements that stand on kept configuration: those applications in a JSON parameter (made by `listBases`) that are at
 * this moment as they were when they were read, with their numbers `basis` and with what is the same for all their tokens.
 *
 * @param parameter such as `$2`
 */
export function selectCurrentBases(parameter: string): string {
  return `SELECT kept.*, c.resource_server_id, c.target_realm FROM json_to_recordset(${parameter}::json)
       AS kept(basis integer, tenant_id text, realm_id text, application_id text, stamp text)
     CROSS JOIN LATERAL (${selectLive("kept")}) c WHERE c.stamp = kept.stamp`;
}

/** The different applications that a batch stands on: the parameter for `selectCurrentBases`, and each item's number in it. */
export interface Bases {
  readonly parameter: string;
  readonly numbers: readonly (number | undefined)[];
}

/** Numbers the applications that the items of a batch stand on. Most batches stand on few. */
export function listBases(bases: readonly (CurrentApplication | undefined)[]): Bases {
  const known = new Map<CurrentApplication, number>();
  const numbers = bases.map((basis) => {
    if (basis === undefined) return undefined;
    const number = known.get(basis) ?? known.size;
    known.set(basis, number);
    return number;
  });
  const rows = [...known].map(([{ context, live }, basis]) => ({
    basis,
    tenant_id: context.key.tenantId,
    realm_id: context.key.realmId,
    application_id: context.key.applicationId,
    stamp: live.stamp,
  }));
  return { parameter: JSON.stringify(rows), numbers };
}

const ROW = {
  name: "application",
  from: "applications",
  owner: ["tenant_id", "realm_id"],
  id: "application_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const holdOne = declareHold(ROW);

const findByClientId = statement(
  "application.find_by_client_id",
  `SELECT * FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND ${aliveWithKey("client_id", "$3")}`,
);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "application_id" },
    display_name: { type: "text", sql: "display_name" },
    classification: { type: "text", sql: "classification" },
    resource_server_id: { type: "exact text", sql: "resource_server_id" },
    authenticator_config_id: { type: "exact text", sql: "authenticator_config_id" },
    "protocol_config.client_id": { type: "exact text", sql: "client_id", index: NO_TOMBSTONE },
    "protocol_config.type": { type: "text", sql: "protocol_config ->> 'type'" },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

// Rules 2 and 34 keep client ids, user names and audiences apart; the two sides ask each other here.
const findClientIds = statement(
  "application.find_client_ids",
  `SELECT DISTINCT client_id FROM applications
   WHERE tenant_id = $1 AND realm_id = COALESCE($2, realm_id) AND client_id = ANY ($3) AND deleted_at_ms IS NULL`,
);

const findClientIdLike = statement(
  "application.find_client_id_like",
  `SELECT client_id FROM applications
   WHERE tenant_id = $1 AND realm_id = $2 AND lower(client_id) = $3 AND deleted_at_ms IS NULL LIMIT 1`,
);

const insert = statement(
  "application.insert",
  `INSERT INTO applications (tenant_id, realm_id, application_id, is_managed, classification, client_id,
     client_secret_hash, client_secret_sealed, display_name, resource_server_id, authenticator_config_id, target_realm,
     may_be_exchanged_by, protocol_config, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)`,
);

const update = statement(
  "application.update",
  `UPDATE applications SET display_name = $4, resource_server_id = $5, authenticator_config_id = $6, target_realm = $7,
     may_be_exchanged_by = $8, protocol_config = $9, updated_at_ms = $10, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND ${alive()}`,
);

const updateSecret = statement(
  "application.update_secret",
  `UPDATE applications SET client_secret_hash = $4, client_secret_sealed = $5,
     previous_secret_hash = CASE WHEN $6::bigint IS NOT NULL THEN client_secret_hash END, previous_secret_valid_until = $6,
     updated_at_ms = $7, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND ${alive()}`,
);

const remove = declareDelete(ROW);

/** Reads all that a request at `$APP` depends on; undefined when any part of it is missing or deleted. */
export async function findCurrentApplication(
  db: Queryable,
  key: ApplicationKey,
): Promise<CurrentApplication | undefined> {
  const [row] = await db.run(findContext, ids(key));
  const context = row && toApplicationContext(row as unknown as ContextRow);
  const live = row && toLiveClient(row);
  return context === undefined || live === undefined ? undefined : { context, live };
}

/** What `findCurrentApplication` reads, for those who authenticate nobody. */
export async function findApplicationContext(
  db: Queryable,
  key: ApplicationKey,
): Promise<ApplicationContext | undefined> {
  return (await findCurrentApplication(db, key))?.context;
}

/**
 * The grouped strict look-up: what is live of many clients in one statement, in the order asked for.
 *
 * @returns undefined for each key whose tenant, realm or application is missing or deleted
 */
export async function readClients(
  db: Queryable,
  keys: readonly ApplicationKey[],
): Promise<readonly (LiveClient | undefined)[]> {
  const asked = keys.map((key, n) => ({
    n,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    application_id: key.applicationId,
  }));
  return (await db.run(readLive, [JSON.stringify(asked)])).map(toLiveClient);
}

/** Reads one application; undefined when there is none or it was deleted. */
export async function findApplication(db: Queryable, key: ApplicationKey): Promise<Application | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toApplication(row as unknown as ApplicationRow);
}

/** Reads the application of a realm that has this `client_id`. */
export async function findApplicationByClientId(
  db: Queryable,
  realm: RealmKey,
  clientId: string,
): Promise<Application | undefined> {
  const [row] = await db.run(findByClientId, [realm.tenantId, realm.realmId, clientId]);
  return row && toApplication(row as unknown as ApplicationRow);
}

/** Which of these texts are the `client_id` of an application of the realm, or of the whole tenant. */
export async function findUsedClientIds(
  db: Queryable,
  place: { readonly tenantId: string; readonly realmId?: string },
  texts: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.run(findClientIds, [place.tenantId, place.realmId ?? null, texts]);
  return new Set(rows.map((row) => String(row.client_id)));
}

/** Whether an application of the realm has a `client_id` whose subjectKey() is this one (rule 2). */
export async function hasClientIdLike(db: Queryable, realm: RealmKey, key: string): Promise<boolean> {
  return (await db.run(findClientIdLike, [realm.tenantId, realm.realmId, key])).length > 0;
}

/** Reads a page of the applications of a realm, in the order of their ids. */
export async function listApplications(db: Queryable, realm: RealmKey, page: ListPage): Promise<Application[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map((row) => toApplication(row as unknown as ApplicationRow));
}

/** Counts the applications of a realm, or those of them that pass the filter. */
export async function countApplications(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Stores a new application. */
export async function insertApplication(
  db: Queryable,
  key: ApplicationKey,
  application: NewApplication,
  nowMs: number,
): Promise<void> {
  const { isManaged, classification, clientId, secret, settings } = application;
  const credentials = [clientId, secret?.hash ?? null, secret?.sealed ?? null];
  await db.run(insert, [...ids(key), isManaged, classification, ...credentials, ...members(settings), nowMs]);
}

/** Reads one application and keeps it as it is until the transaction ends. */
export async function holdApplication(db: Queryable, key: ApplicationKey): Promise<Application | undefined> {
  const [row] = await db.run(holdOne, ids(key));
  return row && toApplication(row as unknown as ApplicationRow);
}

/** Stores changed settings and counts the change. */
export async function updateApplicationSettings(
  db: Queryable,
  key: ApplicationKey,
  settings: ApplicationSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), ...members(settings), nowMs]);
}

/**
 * Replaces the client's secret. The old one is dead when this is committed, or at the second `previousValidUntil` of tenant time; one
 * before that is dead at once.
 */
export async function updateApplicationSecret(
  db: Queryable,
  key: ApplicationKey,
  secret: StoredSecret & { readonly previousValidUntil?: number | undefined },
  nowMs: number,
): Promise<void> {
  await db.run(updateSecret, [
    ...ids(key),
    secret.hash,
    secret.sealed ?? null,
    secret.previousValidUntil ?? null,
    nowMs,
  ]);
}

/** Makes an application a tombstone: it and its tokens are dead at once (settled 25). */
export async function deleteApplication(db: Queryable, key: ApplicationKey, nowMs: number): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

function ids(key: ApplicationKey): readonly string[] {
  return [key.tenantId, key.realmId, key.applicationId];
}

function members(settings: ApplicationSettings): readonly unknown[] {
  const { display_name, resource_server_id, authenticator_config_id, target_realm } = settings;
  const links = [resource_server_id ?? null, authenticator_config_id ?? null, target_realm];
  return [display_name, ...links, settings.may_be_exchanged_by, settings.protocol_config];
}

interface LiveRow {
  readonly stamp: string | null;
  readonly clock_offset_seconds: number;
  readonly client_secret_hash: Buffer | null;
  readonly previous_secret_hash: Buffer | null;
  readonly previous_secret_valid_until: number | null;
  readonly tokens_valid_after: number;
}

function toLiveClient(untyped: Row): LiveClient | undefined {
  const row = untyped as unknown as LiveRow;
  if (row.stamp === null) return undefined;
  const { previous_secret_hash: hash, previous_secret_valid_until: validUntil } = row;
  return {
    stamp: row.stamp,
    clockOffsetSeconds: row.clock_offset_seconds,
    secretHash: row.client_secret_hash ?? undefined,
    previousSecret: hash === null || validUntil === null ? undefined : { hash, validUntil },
    tokensValidAfter: row.tokens_valid_after,
  };
}
