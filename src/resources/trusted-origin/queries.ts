import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { alive } from "../tombstone.ts";

const list = statement(
  "trusted_origin.list",
  `SELECT DISTINCT origin FROM authenticator_configs c
   CROSS JOIN jsonb_array_elements_text(COALESCE(c.config -> 'trusted_origins', '[]')) AS origin
   WHERE c.tenant_id = $1 AND c.realm_id = $2 AND ${alive("c")}`,
);

/** The origins whose pages may call the routes of a realm: those that its authenticator configs trust (reference 2.1). */
export async function listTrustedOrigins(db: Queryable, realm: RealmKey): Promise<ReadonlySet<string>> {
  const rows = await db.run(list, [realm.tenantId, realm.realmId]);
  return new Set(rows.map(({ origin }) => String(origin)));
}
