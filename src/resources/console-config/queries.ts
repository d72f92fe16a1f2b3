import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { CONSOLE_CONFIG_DEFAULTS } from "./rules.ts";
import type { ConsoleConfigSettings } from "./schema.ts";

/** The console config of a realm. */
export interface ConsoleConfig {
  readonly settings: ConsoleConfigSettings;
  /** 0: nobody has changed it yet */
  readonly version: number;
}

const find = statement(
  "console_config.find",
  "SELECT config, version FROM console_configs WHERE tenant_id = $1 AND realm_id = $2",
);

const store = statement(
  "console_config.store",
  `INSERT INTO console_configs AS c (tenant_id, realm_id, config, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $4)
   ON CONFLICT (tenant_id, realm_id) DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms,
     version = c.version + 1`,
);

/** Reads the console config of a realm. */
export async function findConsoleConfig(db: Queryable, realm: RealmKey): Promise<ConsoleConfig> {
  const [row] = await db.run(find, [realm.tenantId, realm.realmId]);
  if (row === undefined) return { settings: CONSOLE_CONFIG_DEFAULTS, version: 0 };
  return { settings: row.config as ConsoleConfigSettings, version: row.version as number };
}

/** Stores the changed console config of a realm, which has to be held alone, and counts the change. */
export async function storeConsoleConfig(
  db: Queryable,
  realm: RealmKey,
  settings: ConsoleConfigSettings,
  nowMs: number,
): Promise<void> {
  await db.run(store, [realm.tenantId, realm.realmId, settings, nowMs]);
}
