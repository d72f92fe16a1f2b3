import type { Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { alive } from "../tombstone.ts";
import type { ThemeSettings } from "./schema.ts";

/** Names a theme. */
export interface ThemeKey extends RealmKey {
  readonly themeId: string;
}

/** A theme as it is stored. */
export interface Theme {
  readonly key: ThemeKey;
  readonly settings: ThemeSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** How a realm looks. */
export interface RealmLook {
  readonly realmName: string;
  /** undefined for the built-in one */
  readonly theme: Theme | undefined;
}

const readLook = statement(
  "theme.read_look",
  `SELECT r.display_name AS realm_name, h.* FROM realms r
   LEFT JOIN themes h ON h.tenant_id = r.tenant_id AND h.realm_id = r.realm_id
   WHERE r.tenant_id = $1 AND r.realm_id = $2 AND ${alive("r")}`,
);

const hold = statement(
  "theme.hold",
  "SELECT * FROM themes WHERE tenant_id = $1 AND realm_id = $2 AND theme_id = $3 FOR UPDATE",
);

const insert = statement(
  "theme.insert",
  `INSERT INTO themes (tenant_id, realm_id, theme_id, settings, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $5)`,
);

const update = statement(
  "theme.update",
  `UPDATE themes SET settings = $4, updated_at_ms = $5, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND theme_id = $3`,
);

/** Reads a realm's name and its theme. Undefined when there is no such realm. */
export async function findRealmLook(db: Queryable, realm: RealmKey): Promise<RealmLook | undefined> {
  const [row] = await db.run(readLook, [realm.tenantId, realm.realmId]);
  if (row === undefined) return undefined;
  return { realmName: String(row.realm_name), theme: row.theme_id === null ? undefined : toTheme(row) };
}

/** Reads a theme and keeps it as it is until the transaction ends. */
export async function holdTheme(db: Queryable, key: ThemeKey): Promise<Theme | undefined> {
  const [row] = await db.run(hold, ids(key));
  return row && toTheme(row);
}

/** Stores a new theme. A second one in a realm is a conflict on `themes_one_in_a_realm`. */
export async function insertTheme(db: Queryable, key: ThemeKey, settings: ThemeSettings, nowMs: number): Promise<void> {
  await db.run(insert, [...ids(key), settings, nowMs]);
}

/** Stores changed settings and counts the change. */
export async function updateThemeSettings(
  db: Queryable,
  key: ThemeKey,
  settings: ThemeSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), settings, nowMs]);
}

function ids(key: ThemeKey): readonly string[] {
  return [key.tenantId, key.realmId, key.themeId];
}

interface ThemeRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly theme_id: string;
  readonly settings: ThemeSettings;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toTheme(untyped: Row): Theme {
  const row = untyped as unknown as ThemeRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, themeId: row.theme_id },
    settings: row.settings,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
