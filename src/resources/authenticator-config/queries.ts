import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListDeclaration, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, declareHold, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { alive } from "../tombstone.ts";
import type { AuthenticatorConfigSettings, AuthenticatorSettings } from "./schema.ts";

/** Names an authenticator config. */
export interface AuthenticatorConfigKey extends RealmKey {
  readonly authenticatorConfigId: string;
}

/** An authenticator config as it is stored. */
export interface AuthenticatorConfig {
  readonly key: AuthenticatorConfigKey;
  readonly settings: AuthenticatorConfigSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Authenticator configs of a realm whose methods are gathered. */
const LOGINS_MAX = 200;

const ROW = {
  name: "authenticator_config",
  from: "authenticator_configs",
  owner: ["tenant_id", "realm_id"],
  id: "authenticator_config_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const LIST = {
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "authenticator_config_id" },
    display_name: { type: "text", sql: "display_name" },
    "config.type": { type: "text", sql: "config ->> 'type'" },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
} as const satisfies ListDeclaration;

const list = declareList(LIST);

// Reference 6 #54: clients cannot read the consoles' configs, which are none of theirs outside the admin realm.
const listShown = declareList({
  ...LIST,
  name: "authenticator_config_shown",
  counted: "each time",
  where: `${alive()} AND (config ->> 'type' <> 'console' OR EXISTS (SELECT FROM realms r
    WHERE r.tenant_id = authenticator_configs.tenant_id AND r.realm_id = authenticator_configs.realm_id AND r.is_admin))`,
});

const holdOne = declareHold(ROW);

const isUsed = statement(
  "authenticator_config.is_used",
  `SELECT EXISTS (SELECT FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.authenticator_config_id = $3
     AND a.deleted_at_ms IS NULL LIMIT 1) AS found`,
);

const listLogins = statement(
  "authenticator_config.list_logins",
  `SELECT c.config FROM authenticator_configs c
   WHERE c.tenant_id = $1 AND c.realm_id = $2 AND ${alive("c")} AND c.config ->> 'type' <> 'embedded'
     AND EXISTS (SELECT FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2
       AND a.authenticator_config_id = c.authenticator_config_id AND ${alive("a")}
       AND a.protocol_config -> 'grant_type' @> '["authorization_code"]')
   ORDER BY c.authenticator_config_id LIMIT ${LOGINS_MAX}`,
);

const insert = statement(
  "authenticator_config.insert",
  `INSERT INTO authenticator_configs (tenant_id, realm_id, authenticator_config_id, display_name, config,
     created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $6)`,
);

const update = statement(
  "authenticator_config.update",
  `UPDATE authenticator_configs SET display_name = $4, config = $5, updated_at_ms = $6, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3 AND ${alive()}`,
);

const remove = declareDelete(ROW);

/** Reads one authenticator config; undefined when there is none or it was deleted. */
export async function findAuthenticatorConfig(
  db: Queryable,
  key: AuthenticatorConfigKey,
): Promise<AuthenticatorConfig | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toAuthenticatorConfig(row);
}

/** Reads a page of the authenticator configs of a realm, in the order of their ids. */
export async function listAuthenticatorConfigs(
  db: Queryable,
  realm: RealmKey,
  page: ListPage,
): Promise<AuthenticatorConfig[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toAuthenticatorConfig);
}

/** How people log in, as authenticator configs say it. */
export type LoginMethods = NonNullable<AuthenticatorSettings["authentication_methods"]>;

/** The methods by which people log in to the applications of a realm on our pages, all of them together. */
export async function listLoginMethods(db: Queryable, realm: RealmKey): Promise<LoginMethods> {
  const rows = await db.run(listLogins, [realm.tenantId, realm.realmId]);
  return rows.flatMap(({ config }) => (config as AuthenticatorSettings).authentication_methods ?? []);
}

/** Counts the authenticator configs of a realm, or those of them that pass the filter. */
export async function countAuthenticatorConfigs(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads a page of the authenticator configs that the API lists: those of consoles in the admin realm only. */
export async function listShownAuthenticatorConfigs(
  db: Queryable,
  realm: RealmKey,
  page: ListPage,
): Promise<AuthenticatorConfig[]> {
  const rows = await listShown.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toAuthenticatorConfig);
}

/** Counts the authenticator configs that the API lists, or those of them that pass the filter. */
export async function countShownAuthenticatorConfigs(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return listShown.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads one authenticator config and keeps it as it is until the transaction ends. */
export async function holdAuthenticatorConfig(
  db: Queryable,
  key: AuthenticatorConfigKey,
): Promise<AuthenticatorConfig | undefined> {
  const [row] = await db.run(holdOne, ids(key));
  return row && toAuthenticatorConfig(row);
}

/** Whether applications refer to an authenticator config, which forbids that it is deleted (reference 6 #61). */
export async function isAuthenticatorConfigUsed(db: Queryable, key: AuthenticatorConfigKey): Promise<boolean> {
  const [row] = await db.run(isUsed, ids(key));
  return row?.found === true;
}

/** Stores a new authenticator config. */
export async function insertAuthenticatorConfig(
  db: Queryable,
  key: AuthenticatorConfigKey,
  settings: AuthenticatorConfigSettings,
  nowMs: number,
): Promise<void> {
  await db.run(insert, [...ids(key), settings.display_name ?? null, settings.config, nowMs]);
}

/** Stores changed settings and counts the change. */
export async function updateAuthenticatorConfigSettings(
  db: Queryable,
  key: AuthenticatorConfigKey,
  settings: AuthenticatorConfigSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), settings.display_name ?? null, settings.config, nowMs]);
}

/** Makes an authenticator config a tombstone. */
export async function deleteAuthenticatorConfig(
  db: Queryable,
  key: AuthenticatorConfigKey,
  nowMs: number,
): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

function ids(key: AuthenticatorConfigKey): readonly string[] {
  return [key.tenantId, key.realmId, key.authenticatorConfigId];
}

interface AuthenticatorConfigRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly authenticator_config_id: string;
  readonly display_name: string | null;
  readonly config: AuthenticatorConfigSettings["config"];
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toAuthenticatorConfig(untyped: Row): AuthenticatorConfig {
  const row = untyped as unknown as AuthenticatorConfigRow;
  return {
    key: {
      tenantId: row.tenant_id,
      realmId: row.realm_id,
      authenticatorConfigId: row.authenticator_config_id,
    },
    settings: { ...(row.display_name === null ? {} : { display_name: row.display_name }), config: row.config },
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
