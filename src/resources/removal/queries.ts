import type { OwnerSession } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { IN_APPLICATION_ORDER } from "../application-order.ts";

// What a deleted tenant, realm, application or identity leaves behind (settled 25), removed in batches by a job that sees all tenants.
// Everything read here is a tombstone or belongs to one: it is dead for every other statement already.

const ROWS_AT_ONCE = 1_000;

/** A deleted object. `realmId` and `id` are empty where there is none. */
export interface Tombstone {
  readonly tenantId: string;
  readonly realmId: string;
  readonly id: string;
  /** milliseconds of real time */
  readonly deletedAtMs: number;
}

/** The nouns whose tombstones are looked for one by one. */
export type RemovedNoun = "application" | "authenticator_config" | "group" | "role";

const TABLES: Readonly<Record<RemovedNoun, { readonly table: string; readonly id: string }>> = {
  application: { table: "applications", id: "application_id" },
  authenticator_config: { table: "authenticator_configs", id: "authenticator_config_id" },
  group: { table: "groups", id: "group_id" },
  role: { table: "roles", id: "role_id" },
};

/** Where a listing of tombstones goes on. */
export interface TombstonePage {
  readonly after: Pick<Tombstone, "tenantId" | "realmId" | "id"> | undefined;
  readonly limit: number;
}

/** The tombstones of a noun, over all tenants, in the order of their keys. */
export async function listTombstones(
  session: OwnerSession,
  noun: RemovedNoun,
  { after, limit }: TombstonePage,
): Promise<Tombstone[]> {
  const { table, id } = TABLES[noun];
  const rows = await session.query(
    `SELECT tenant_id, realm_id, ${id} AS id, deleted_at_ms FROM ${table}
     WHERE deleted_at_ms IS NOT NULL AND (tenant_id, realm_id, ${id}) > ($1, $2, $3)
     ORDER BY tenant_id, realm_id, ${id} LIMIT $4`,
    [after?.tenantId ?? "", after?.realmId ?? "", after?.id ?? "", limit],
  );
  return rows.map((row) => ({
    tenantId: String(row.tenant_id),
    realmId: String(row.realm_id),
    id: String(row.id),
    deletedAtMs: row.deleted_at_ms as number,
  }));
}

/** The realms that are dead, by themselves or with their tenant, in the order of their keys. `id` is empty. */
export async function listDeadRealms(session: OwnerSession, { after, limit }: TombstonePage): Promise<Tombstone[]> {
  const rows = await session.query(
    `SELECT r.tenant_id, r.realm_id, LEAST(r.deleted_at_ms, t.deleted_at_ms) AS deleted_at_ms
     FROM realms r JOIN tenants t ON t.tenant_id = r.tenant_id
     WHERE (r.deleted_at_ms IS NOT NULL OR t.deleted_at_ms IS NOT NULL) AND (r.tenant_id, r.realm_id) > ($1, $2)
     ORDER BY r.tenant_id, r.realm_id LIMIT $3`,
    [after?.tenantId ?? "", after?.realmId ?? "", limit],
  );
  return rows.map((row) => ({
    tenantId: String(row.tenant_id),
    realmId: String(row.realm_id),
    id: "",
    deletedAtMs: row.deleted_at_ms as number,
  }));
}

/** Rows to be removed: those of a table with these values, `tenant_id` first. */
export interface Doomed {
  readonly table: string;
  readonly where: Readonly<Record<string, string>>;
}

/** Deletes at most 1,000 rows. Returns how many are gone. */
export function deleteDoomed(session: OwnerSession, { table, where }: Doomed): Promise<number> {
  const conditions = Object.keys(where).map((column, index) => `${column} = $${index + 1}`);
  return deleteSome(session, table, conditions.join(" AND "), Object.values(where));
}

/** Whether any row has these values. */
export async function hasRows(session: OwnerSession, { table, where }: Doomed): Promise<boolean> {
  const conditions = Object.keys(where).map((column, index) => `${column} = $${index + 1}`);
  if ("application_id" in where) conditions.push(IN_APPLICATION_ORDER);
  const rows = await session.query(
    `SELECT 1 FROM ${table} WHERE ${conditions.join(" AND ")} LIMIT 1`,
    Object.values(where),
  );
  return rows.length > 0;
}

/** Takes a removed application off every list that names it: the others change, so their versions do. */
export async function forgetApplication(session: OwnerSession, application: Tombstone): Promise<void> {
  const { tenantId, realmId, id } = application;
  for (const [table, column] of [
    ["applications", "may_be_exchanged_by"],
    ["resource_servers", "introspectors"],
  ]) {
    await session.query(
      `UPDATE ${table} SET ${column} = array_remove(${column}, $3), version = version + 1
       WHERE tenant_id = $1 AND realm_id = $2 AND $3 = ANY (${column})`,
      [tenantId, realmId, id],
    );
  }
}

/**
 * Empties at most 1,000 tombstones of identities of what was known of the person, and takes them out of groups and roles; credentials, invitations and consents go. The rows
 * stay as long as their realm: an identity's id is a subject, which is never given to another (rule 2). Returns how many.
 */
export async function emptyIdentities(session: OwnerSession): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       UPDATE identities SET display_name = '', traits = '{}', username_key = '', email_key = NULL, email_verified = false
       WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM identities WHERE deleted_at_ms IS NOT NULL AND traits <> '{}' LIMIT ${ROWS_AT_ONCE}))
       RETURNING tenant_id, realm_id, identity_id
     ), left_groups AS (
       DELETE FROM group_members m USING gone g
       WHERE m.tenant_id = g.tenant_id AND m.realm_id = g.realm_id AND m.identity_id = g.identity_id
     ), left_roles AS (
       DELETE FROM role_members m USING gone g
       WHERE m.tenant_id = g.tenant_id AND m.realm_id = g.realm_id AND m.member_kind = 'identity' AND m.member_id = g.identity_id
     ), left_results AS (
       DELETE FROM batch_credential_binding_results r USING gone g
       WHERE r.tenant_id = g.tenant_id AND r.realm_id = g.realm_id AND r.identity_id = g.identity_id AND r.identity_id <> ''
     ), left_consents AS (
       DELETE FROM consents c USING gone g
       WHERE c.tenant_id = g.tenant_id AND c.realm_id = g.realm_id AND c.identity_id = g.identity_id
     ), left_jobs AS (
       DELETE FROM credential_binding_jobs j USING gone g
       WHERE j.tenant_id = g.tenant_id AND j.realm_id = g.realm_id AND j.identity_id = g.identity_id AND j.identity_id <> ''
     ), left_mails AS (
       DELETE FROM outgoing_mails m USING gone g
       WHERE m.tenant_id = g.tenant_id AND m.realm_id = g.realm_id AND m.identity_id = g.identity_id AND m.identity_id <> ''
     ), left_credentials AS (
       DELETE FROM credentials c USING gone g
       WHERE c.tenant_id = g.tenant_id AND c.realm_id = g.realm_id AND c.identity_id = g.identity_id AND c.identity_id <> ''
     )
     SELECT count(*) AS count FROM gone`,
  );
  return Number(rows[0]?.count);
}

/** Deletes the tombstones of tenants that have no realm and no event any more. Returns how many are gone. */
export async function deleteEmptyTenants(session: OwnerSession): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM tenants t WHERE t.deleted_at_ms IS NOT NULL AND NOT EXISTS (SELECT FROM realms r WHERE r.tenant_id = t.tenant_id)
         AND NOT EXISTS (SELECT FROM events e WHERE e.tenant_id = t.tenant_id)
       RETURNING tenant_id
     ), counts AS (
       DELETE FROM live_counts c USING gone g WHERE c.tenant_id = g.tenant_id
     ), row_counts_gone AS (
       DELETE FROM row_counts c USING gone g WHERE c.tenant_id = g.tenant_id
     ), keys AS (
       DELETE FROM idempotency_keys k USING gone g WHERE k.tenant_id = g.tenant_id
     ), recounts AS (
       DELETE FROM live_recounts c USING gone g WHERE c.tenant_id = g.tenant_id
     )
     SELECT count(*) AS count FROM gone`,
  );
  return Number(rows[0]?.count);
}
