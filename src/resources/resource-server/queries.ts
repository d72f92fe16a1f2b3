import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { alive, aliveWithKey, NO_TOMBSTONE } from "../tombstone.ts";
import type { ResourceServerSettings } from "./schema.ts";

/** Names a resource server. */
export interface ResourceServerKey extends RealmKey {
  readonly resourceServerId: string;
}

/** A resource server as it is stored. */
export interface ResourceServer {
  readonly key: ResourceServerKey;
  readonly isManaged: boolean;
  readonly settings: ResourceServerSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface NewResourceServer {
  readonly isManaged: boolean;
  readonly settings: ResourceServerSettings;
}

const ROW = {
  name: "resource_server",
  from: "resource_servers",
  owner: ["tenant_id", "realm_id"],
  id: "resource_server_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const findByIdentifier = statement(
  "resource_server.find_by_identifier",
  `SELECT * FROM resource_servers WHERE tenant_id = $1 AND realm_id = $2 AND ${aliveWithKey("identifier", "$3")}`,
);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "resource_server_id" },
    display_name: { type: "text", sql: "display_name" },
    identifier: { type: "exact text", sql: "identifier", index: NO_TOMBSTONE },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

// Rule 34: no audience of a tenant is a client_id of it.
const findIdentifiers = statement(
  "resource_server.find_identifiers",
  `SELECT DISTINCT identifier FROM resource_servers
   WHERE tenant_id = $1 AND identifier = ANY ($2) AND deleted_at_ms IS NULL`,
);

const insert = statement(
  "resource_server.insert",
  `INSERT INTO resource_servers (tenant_id, realm_id, resource_server_id, display_name, is_managed, identifier, scopes,
     token_policy, scope_policies, introspectors, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
);

const update = statement(
  "resource_server.update",
  `UPDATE resource_servers SET display_name = $4, scopes = $5, token_policy = $6, scope_policies = $7,
     introspectors = $8, updated_at_ms = $9, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3 AND ${alive()}`,
);

const remove = declareDelete(ROW);

// deleted_at_ms IS NULL: what both tables have a partial index for.
const isUsed = statement(
  "resource_server.is_used",
  `SELECT EXISTS (SELECT FROM roles ro WHERE ro.tenant_id = $1 AND ro.realm_id = $2 AND ro.resource_server_id = $3
       AND ro.deleted_at_ms IS NULL LIMIT 1)
     OR EXISTS (SELECT FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.resource_server_id = $3
       AND a.deleted_at_ms IS NULL LIMIT 1) AS found`,
);

/** Reads one resource server; undefined when there is none or it was deleted. */
export async function findResourceServer(db: Queryable, key: ResourceServerKey): Promise<ResourceServer | undefined> {
  const [row] = await db.run(find, [key.tenantId, key.realmId, key.resourceServerId]);
  return row && toResourceServer(row);
}

/** Reads the resource server of a realm that has this identifier. */
export async function findResourceServerByIdentifier(
  db: Queryable,
  realm: RealmKey,
  identifier: string,
): Promise<ResourceServer | undefined> {
  const [row] = await db.run(findByIdentifier, [realm.tenantId, realm.realmId, identifier]);
  return row && toResourceServer(row);
}

/** Reads a page of the resource servers of a realm, in the order of their ids. */
export async function listResourceServers(db: Queryable, realm: RealmKey, page: ListPage): Promise<ResourceServer[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toResourceServer);
}

/** Counts the resource servers of a realm, or those of them that pass the filter. */
export async function countResourceServers(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Which of these texts are the identifier of a resource server of the tenant (rule 34). */
export async function findUsedIdentifiers(
  db: Queryable,
  tenantId: string,
  texts: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.run(findIdentifiers, [tenantId, texts]);
  return new Set(rows.map((row) => String(row.identifier)));
}

/** Stores a new resource server. */
export async function insertResourceServer(
  db: Queryable,
  key: ResourceServerKey,
  resourceServer: NewResourceServer,
  nowMs: number,
): Promise<void> {
  const { isManaged, settings } = resourceServer;
  const names = [settings.display_name, isManaged, settings.identifier];
  await db.run(insert, [...ids(key), ...names, ...policies(settings), nowMs]);
}

/** Stores changed settings and counts the change; the identifier stays. */
export async function updateResourceServerSettings(
  db: Queryable,
  key: ResourceServerKey,
  settings: ResourceServerSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), settings.display_name, ...policies(settings), nowMs]);
}

/** Whether roles or applications refer to a resource server, which forbids that it is deleted (reference 6 #61). */
export async function isResourceServerUsed(db: Queryable, key: ResourceServerKey): Promise<boolean> {
  const [row] = await db.run(isUsed, ids(key));
  return row?.found === true;
}

/** Makes a resource server a tombstone. */
export async function deleteResourceServer(db: Queryable, key: ResourceServerKey, nowMs: number): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

function ids(key: ResourceServerKey): readonly string[] {
  return [key.tenantId, key.realmId, key.resourceServerId];
}

// The driver writes an array as a PostgreSQL array, so a JSON array goes as text.
function policies({ scopes, token_policy, scope_policies, introspectors }: ResourceServerSettings): readonly unknown[] {
  return [scopes, token_policy, JSON.stringify(scope_policies), introspectors];
}

interface ResourceServerRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly resource_server_id: string;
  readonly display_name: string;
  readonly is_managed: boolean;
  readonly identifier: string;
  readonly scopes: string[];
  readonly token_policy: ResourceServerSettings["token_policy"];
  readonly scope_policies: ResourceServerSettings["scope_policies"];
  readonly introspectors: string[];
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toResourceServer(untyped: Row): ResourceServer {
  const row = untyped as unknown as ResourceServerRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, resourceServerId: row.resource_server_id },
    isManaged: row.is_managed,
    settings: {
      display_name: row.display_name,
      identifier: row.identifier,
      scopes: row.scopes,
      token_policy: row.token_policy,
      scope_policies: row.scope_policies,
      introspectors: row.introspectors,
    },
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
