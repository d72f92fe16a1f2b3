import type { Database, OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import { TENANT_DEFAULTS } from "./rules.ts";
import type { TenantQuotas, TenantSettings } from "./schema.ts";

/** A tenant as it is stored. */
export interface Tenant {
  readonly tenantId: string;
  readonly kind: "production" | "test";
  readonly clockOffsetSeconds: number;
  /** keys the checksum of refresh tokens, sealed under the master key */
  readonly refreshKeySealed: Buffer;
  readonly settings: TenantSettings;
  /** the operator's; the tenant cannot change them */
  readonly quotas: TenantQuotas;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface NewTenant {
  readonly kind: Tenant["kind"];
  readonly refreshKeySealed: Uint8Array;
  readonly settings: TenantSettings;
  readonly quotas?: TenantQuotas;
}

const find = statement("tenant.find", "SELECT * FROM tenants WHERE tenant_id = $1 AND deleted_at_ms IS NULL");

const hold = statement("tenant.hold", `${find.text} FOR UPDATE`);

const insert = statement(
  "tenant.insert",
  `INSERT INTO tenants (tenant_id, display_name, kind, token_policy, settings, refresh_key_sealed, quotas, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
);

const update = statement(
  "tenant.update",
  `UPDATE tenants SET display_name = $2, token_policy = $3, settings = $4, updated_at_ms = $5, version = version + 1
   WHERE tenant_id = $1 AND deleted_at_ms IS NULL`,
);

/** Reads one tenant; undefined when there is none or it was deleted. */
export async function findTenant(db: Queryable, tenantId: string): Promise<Tenant | undefined> {
  const [row] = await db.run(find, [tenantId]);
  return row && toTenant(row);
}

const updateQuotas = statement(
  "tenant.update_quotas",
  `UPDATE tenants SET quotas = $2, token_policy = $3, updated_at_ms = $4, version = version + 1
   WHERE tenant_id = $1 AND deleted_at_ms IS NULL`,
);

const remove = statement(
  "tenant.delete",
  `UPDATE tenants SET deleted_at_ms = $2, updated_at_ms = $2, version = version + 1
   WHERE tenant_id = $1 AND deleted_at_ms IS NULL`,
);

/** The same, and keeps it as it is until the transaction ends. */
export async function holdTenant(db: Queryable, tenantId: string): Promise<Tenant | undefined> {
  const [row] = await db.run(hold, [tenantId]);
  return row && toTenant(row);
}

/** Stores a new tenant. */
export async function insertTenant(db: Queryable, tenantId: string, tenant: NewTenant, nowMs: number): Promise<void> {
  const { display_name, token_policy, settings } = tenant.settings;
  const values = [tenantId, display_name, tenant.kind, token_policy, settings, tenant.refreshKeySealed];
  await db.run(insert, [...values, tenant.quotas ?? {}, nowMs]);
}

/** Stores changed settings and counts the change. */
export async function updateTenantSettings(
  db: Queryable,
  tenantId: string,
  settings: TenantSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [tenantId, settings.display_name, settings.token_policy, settings.settings, nowMs]);
}

/** Stores changed quotas, and the settings under them, and counts the change. */
export async function updateTenantQuotas(
  db: Queryable,
  tenantId: string,
  { quotas, settings }: Pick<Tenant, "quotas" | "settings">,
  nowMs: number,
): Promise<void> {
  await db.run(updateQuotas, [tenantId, quotas, settings.token_policy, nowMs]);
}

/** Makes a tenant a tombstone: dead at once with all that it holds, removed later (settled 25). */
export async function deleteTenant(db: Queryable, tenantId: string, nowMs: number): Promise<void> {
  await db.run(remove, [tenantId, nowMs]);
}

interface TenantRow {
  readonly tenant_id: string;
  readonly display_name: string;
  readonly kind: Tenant["kind"];
  readonly clock_offset_seconds: number;
  readonly token_policy: TenantSettings["token_policy"];
  readonly settings: Partial<TenantSettings["settings"]>;
  readonly refresh_key_sealed: Buffer;
  readonly quotas: TenantQuotas;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toTenant(untyped: Row): Tenant {
  const row = untyped as unknown as TenantRow;
  return {
    tenantId: row.tenant_id,
    kind: row.kind,
    clockOffsetSeconds: row.clock_offset_seconds,
    refreshKeySealed: row.refresh_key_sealed,
    settings: {
      display_name: row.display_name,
      token_policy: row.token_policy,
      settings: { ...TENANT_DEFAULTS.settings, ...row.settings },
    },
    quotas: row.quotas,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

const advanceClock = statement(
  "tenant.advance_clock",
  `WITH moved AS (
     UPDATE tenants SET clock_offset_seconds = clock_offset_seconds + $2, updated_at_ms = $4, version = version + 1
     WHERE tenant_id = $1 AND kind = 'test' AND deleted_at_ms IS NULL AND clock_offset_seconds + $2 <= $3
     RETURNING clock_offset_seconds
   )
   SELECT t.kind, m.clock_offset_seconds FROM tenants t LEFT JOIN moved m ON true WHERE t.tenant_id = $1 AND t.deleted_at_ms IS NULL`,
);

/**
 * Moves a test tenant's clock forward, in one statement.
 *
 * @returns the new offset in seconds, or why it was not moved; undefined when there is no such tenant
 */
export async function advanceTenantClock(
  db: Queryable,
  tenantId: string,
  change: { readonly seconds: number; readonly offsetMax: number },
  nowMs: number,
): Promise<number | "production" | "too_far" | undefined> {
  const [row] = await db.run(advanceClock, [tenantId, change.seconds, change.offsetMax, nowMs]);
  if (row === undefined) return undefined;
  if (row.clock_offset_seconds !== null) return row.clock_offset_seconds as number;
  return row.kind === "production" ? "production" : "too_far";
}

/** Whether any tenant was ever made in this database. Row-level security hides them all from the server's own role. */
export function hasTenants(database: Database): Promise<boolean> {
  return database.maintain(async (session) => {
    const rows = await session.query("SELECT 1 FROM tenants LIMIT 1");
    return rows.length > 0;
  });
}

/** Reads a page of all tenants in the order of their ids, for the operator, whom row-level security would show none. */
export async function listTenants(
  session: OwnerSession,
  page: { readonly after: string; readonly limit: number },
): Promise<Tenant[]> {
  const rows = await session.query(
    "SELECT * FROM tenants WHERE tenant_id > $1 AND deleted_at_ms IS NULL ORDER BY tenant_id LIMIT $2",
    [page.after, page.limit],
  );
  return rows.map(toTenant);
}

/** Counts all tenants. */
export async function countTenants(session: OwnerSession): Promise<number> {
  const [row] = await session.query("SELECT count(*) AS size FROM tenants WHERE deleted_at_ms IS NULL");
  return Number(row?.size);
}
