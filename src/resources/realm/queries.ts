import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { subjectKey } from "../../protocol/subject.ts";
import { THEME_DEFAULTS } from "../theme/rules.ts";
import type { ThemeSettings } from "../theme/schema.ts";
import { alive } from "../tombstone.ts";
import { REALM_DEFAULTS } from "./rules.ts";
import { REALM_CLASSIFICATIONS, type RealmSettings } from "./schema.ts";

/** A realm as it is stored. */
export interface Realm {
  readonly key: RealmKey;
  readonly isAdmin: boolean;
  readonly settings: RealmSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface NewRealm {
  readonly isAdmin: boolean;
  readonly settings: RealmSettings;
}

const ROW = {
  name: "realm",
  from: "realms",
  owner: ["tenant_id"],
  id: "realm_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "realm_id" },
    display_name: { type: "text", sql: "display_name" },
    classification: { type: "enum", sql: "classification", values: REALM_CLASSIFICATIONS },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

const insert = statement(
  "realm.insert",
  `INSERT INTO realms (tenant_id, realm_id, display_name, display_name_key, classification, is_admin, auto_provision,
     token_policy, session_policy, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
);

const update = statement(
  "realm.update",
  `UPDATE realms SET display_name = $3, display_name_key = $4, auto_provision = $5, token_policy = $6, session_policy = $7,
     updated_at_ms = $8, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND ${alive()}`,
);

const remove = declareDelete(ROW);

/** Reads one realm; undefined when there is none or it was deleted. */
export async function findRealm(db: Queryable, key: RealmKey): Promise<Realm | undefined> {
  const [row] = await db.run(find, [key.tenantId, key.realmId]);
  return row && toRealm(row);
}

/** Reads a page of the realms of a tenant, in the order of their ids. */
export async function listRealms(db: Queryable, tenantId: string, page: ListPage): Promise<Realm[]> {
  const rows = await list.page(db, [tenantId], page);
  return rows.map(toRealm);
}

/** Counts the realms of a tenant, or those of them that pass the filter. */
export async function countRealms(db: Queryable, tenantId: string, filter?: Filter): Promise<number> {
  return list.count(db, [tenantId], filter);
}

/** Stores a new realm. A taken name is a conflict on `realms_display_name`. */
export async function insertRealm(db: Queryable, key: RealmKey, realm: NewRealm, nowMs: number): Promise<void> {
  const { display_name, classification, auto_provision, token_policy, session_policy } = realm.settings;
  const names = [display_name, subjectKey(display_name)];
  const settings = [...names, classification, realm.isAdmin, auto_provision, token_policy, session_policy];
  await db.run(insert, [key.tenantId, key.realmId, ...settings, nowMs]);
}

/** Stores changed settings and counts the change. A taken name is a conflict on `realms_display_name`. */
export async function updateRealmSettings(
  db: Queryable,
  key: RealmKey,
  settings: RealmSettings,
  nowMs: number,
): Promise<void> {
  const { display_name, auto_provision, token_policy, session_policy } = settings;
  const values = [display_name, subjectKey(display_name), auto_provision, token_policy, session_policy, nowMs];
  await db.run(update, [key.tenantId, key.realmId, ...values]);
}

/** Makes a realm a tombstone: dead at once with all that it holds, removed later (settled 25). */
export async function deleteRealm(db: Queryable, key: RealmKey, nowMs: number): Promise<void> {
  await db.run(remove, [key.tenantId, key.realmId, nowMs]);
}

interface RealmRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly display_name: string;
  readonly classification: RealmSettings["classification"];
  readonly is_admin: boolean;
  readonly auto_provision: boolean;
  readonly token_policy: RealmSettings["token_policy"];
  readonly session_policy: Partial<RealmSettings["session_policy"]>;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toRealm(untyped: Row): Realm {
  const row = untyped as unknown as RealmRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id },
    isAdmin: row.is_admin,
    settings: {
      display_name: row.display_name,
      classification: row.classification,
      auto_provision: row.auto_provision,
      token_policy: row.token_policy,
      session_policy: { ...REALM_DEFAULTS.session_policy, ...row.session_policy },
    },
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

const exists = statement(
  "realm.exists",
  `SELECT realm_id FROM realms WHERE tenant_id = $1 AND realm_id = $2 AND ${alive()}`,
);

// FOR SHARE waits for whoever changes or deletes the realm, and he waits for all who write into it.
const holdShared = statement("realm.hold_shared", `${exists.text} FOR SHARE`);

const hold = statement("realm.hold", `${exists.text} FOR UPDATE`);

const existed = statement("realm.existed", "SELECT realm_id FROM realms WHERE tenant_id = $1 AND realm_id = $2");

/** Whether a realm exists, or its tombstone does. */
export async function hadRealm(db: Queryable, key: RealmKey): Promise<boolean> {
  return (await db.run(existed, [key.tenantId, key.realmId])).length > 0;
}

// In the order of ids, in which all who hold several take them.
const holdAll = statement(
  "realm.hold_all",
  `SELECT realm_id FROM realms WHERE tenant_id = $1 AND ${alive()} ORDER BY realm_id FOR UPDATE`,
);

/** Whether a realm exists. */
export async function hasRealm(db: Queryable, key: RealmKey): Promise<boolean> {
  return (await db.run(exists, [key.tenantId, key.realmId])).length > 0;
}

/**
 * Keeps a realm as it is until the transaction ends: others may hold it, too, unless `alone`.
 *
 * @returns whether it exists
 */
export async function holdRealm(db: Queryable, key: RealmKey, alone: boolean): Promise<boolean> {
  return (await db.run(alone ? hold : holdShared, [key.tenantId, key.realmId])).length > 0;
}

/** Keeps all realms of a tenant as they are, and all that is in them, until the transaction ends: who writes into one waits. */
export async function holdRealms(db: Queryable, tenantId: string): Promise<void> {
  await db.run(holdAll, [tenantId]);
}

// deleted_at_ms IS NULL: one of these is found by whichever index, and LIMIT ends the search at the first.
const hasChildren = statement(
  "realm.has_children",
  `SELECT EXISTS (SELECT FROM identities c WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.deleted_at_ms IS NULL LIMIT 1)
     OR EXISTS (SELECT FROM groups c WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.deleted_at_ms IS NULL LIMIT 1)
     OR EXISTS (SELECT FROM roles c WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.deleted_at_ms IS NULL LIMIT 1) AS found`,
);

/** Whether a realm has identities, groups or roles, which forbid that it is deleted (reference 2.2). */
export async function hasRealmChildren(db: Queryable, key: RealmKey): Promise<boolean> {
  const [row] = await db.run(hasChildren, [key.tenantId, key.realmId]);
  return row?.found === true;
}

/** What the routes of a realm need before anything else: that it exists, and what its tenant gives it. */
export interface RealmFacts {
  readonly key: RealmKey;
  /** the key of the refresh tokens' checksum, sealed under the master key */
  readonly refreshKeySealed: Buffer;
  readonly tenantKind: "production" | "test";
  readonly clockOffsetSeconds: number;
  /** its own, or the built-in one */
  readonly theme: ThemeSettings;
}

const findFacts = statement(
  "realm.find_facts",
  `SELECT tn.refresh_key_sealed, tn.kind, tn.clock_offset_seconds,
     (SELECT h.settings FROM themes h WHERE h.tenant_id = $1 AND h.realm_id = $2) AS theme
   FROM realms r
   JOIN tenants tn ON tn.tenant_id = r.tenant_id AND ${alive("tn")}
   WHERE r.tenant_id = $1 AND r.realm_id = $2 AND ${alive("r")}`,
);

/** Reads the facts of a realm that exists. */
export async function findRealmFacts(db: Queryable, key: RealmKey): Promise<RealmFacts | undefined> {
  const [row] = await db.run(findFacts, [key.tenantId, key.realmId]);
  if (row === undefined) return undefined;
  return {
    key,
    refreshKeySealed: row.refresh_key_sealed as Buffer,
    tenantKind: row.kind as "production" | "test",
    clockOffsetSeconds: row.clock_offset_seconds as number,
    theme: { ...THEME_DEFAULTS, ...(row.theme as Partial<ThemeSettings> | null) },
  };
}

const findAdmin = statement(
  "realm.find_admin",
  `SELECT realm_id FROM realms WHERE tenant_id = $1 AND is_admin AND ${alive()} ORDER BY realm_id LIMIT 1`,
);

/** The id of a tenant's admin realm: management tokens are issued there only (rule 8). */
export async function findAdminRealmId(db: Queryable, tenantId: string): Promise<string | undefined> {
  const [row] = await db.run(findAdmin, [tenantId]);
  return row === undefined ? undefined : (row.realm_id as string);
}
