import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { Authority } from "../../protocol/authority.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { MANAGEMENT_IDENTIFIER } from "../../protocol/management-scopes.ts";
import type { ApplicationSurroundings } from "../application/rules.ts";
import type { TenantSettings } from "../tenant/schema.ts";
import { alive } from "../tombstone.ts";

// SQL: the applications on the built-in resource server whose tokens others may exchange: those get what such a token may do.
function selectExchangeable(): string {
  return `(SELECT json_agg(json_build_object('by', x.may_be_exchanged_by, 'scopes', x.protocol_config -> 'allowed_scopes',
       'reach', x.target_realm))
     FROM resource_servers m JOIN applications x ON x.tenant_id = $1 AND x.realm_id = $2
       AND x.resource_server_id = m.resource_server_id AND x.may_be_exchanged_by <> '{}' AND x.deleted_at_ms IS NULL
     WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.is_managed AND m.deleted_at_ms IS NULL)`;
}

const readPlace = statement(
  "application_place.read",
  `SELECT t.settings, t.clock_offset_seconds, r.is_admin,
     (SELECT json_agg(json_build_object('id', s.resource_server_id, 'scopes', s.scopes, 'isManaged', s.is_managed))
      FROM resource_servers s WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.resource_server_id = ANY ($3) AND ${alive("s")}) AS servers,
     ARRAY(SELECT c.authenticator_config_id FROM authenticator_configs c WHERE c.tenant_id = $1 AND c.realm_id = $2
       AND c.authenticator_config_id = ANY ($4) AND ${alive("c")}) AS config_ids,
     ARRAY(SELECT o.realm_id FROM realms o WHERE o.tenant_id = $1 AND o.realm_id = ANY ($5) AND ${alive("o")}) AS realm_ids,
     ARRAY(SELECT a.application_id FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = ANY ($6)
       AND ${alive("a")}) AS application_ids,
     ${selectExchangeable()} AS exchangeable
   FROM tenants t JOIN realms r ON r.tenant_id = $1 AND r.realm_id = $2 AND ${alive("r")}
   WHERE t.tenant_id = $1 AND ${alive("t")}`,
);

const readSecretRules = statement(
  "application_place.read_secret_rules",
  `SELECT t.settings,
     (SELECT s.resource_server_id FROM resource_servers s WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.identifier = $3
       AND s.is_managed AND s.deleted_at_ms IS NULL LIMIT 1) AS managed_id,
     ${selectExchangeable()} AS exchangeable
   FROM tenants t WHERE t.tenant_id = $1 AND ${alive("t")}`,
);

const findConfidential = statement(
  "application_place.find_confidential",
  `SELECT a.application_id FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = ANY ($3)
     AND a.protocol_config ->> 'confidentiality' = 'confidential' AND ${alive("a")}`,
);

/** Which of these are confidential applications of the realm: those can introspect (rule 9 b). */
export async function findConfidentialApplications(
  db: Queryable,
  realm: RealmKey,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.run(findConfidential, [realm.tenantId, realm.realmId, ids]);
  return new Set(rows.map((row) => String(row.application_id)));
}

/** What an application's settings may name. */
export interface NamedByApplication {
  readonly resourceServerIds: readonly string[];
  readonly authenticatorConfigIds: readonly string[];
  readonly realmIds: readonly string[];
  readonly applicationIds: readonly string[];
}

/** An application of power whose tokens others may exchange for their own. */
export interface Exchangeable {
  /** the ids of those others */
  readonly by: readonly string[];
  readonly authority: Authority;
}

/** What the tenant and realm around an application say of it. */
export interface ApplicationPlace extends ApplicationSurroundings {
  readonly clockOffsetSeconds: number;
  /** whether its secret is shown by nothing but what makes it */
  readonly showsSecretsOnce: boolean;
  readonly exchangeable: readonly Exchangeable[];
}

/** Reads what surrounds an application, as far as it names it, in one statement. Throws where tenant or realm are gone. */
export async function readApplicationPlace(
  db: Queryable,
  realm: RealmKey,
  { resourceServerIds, authenticatorConfigIds, realmIds, applicationIds }: NamedByApplication,
): Promise<ApplicationPlace> {
  const values = [realm.tenantId, realm.realmId, resourceServerIds, authenticatorConfigIds, realmIds, applicationIds];
  const [row] = (await db.run(readPlace, values)) as unknown as readonly (PlaceRow | undefined)[];
  if (row === undefined) throw new Error(`realm ${realm.realmId} is held and not there`);
  return {
    realm: { realmId: realm.realmId, isAdmin: row.is_admin },
    allowPlainPkce: row.settings.allow_plain_pkce === true,
    showsSecretsOnce: row.settings.show_secrets_once === true,
    clockOffsetSeconds: row.clock_offset_seconds,
    findResourceServer: (id) => (row.servers ?? []).find((server) => server.id === id),
    hasAuthenticatorConfig: (id) => row.config_ids.includes(id),
    hasRealm: (id) => row.realm_ids.includes(id),
    hasApplication: (id) => row.application_ids.includes(id),
    exchangeable: toExchangeable(row.exchangeable),
  };
}

interface PlaceRow {
  readonly settings: Partial<TenantSettings["settings"]>;
  readonly clock_offset_seconds: number;
  readonly is_admin: boolean;
  readonly servers: readonly { readonly id: string; readonly scopes: string[]; readonly isManaged: boolean }[] | null;
  readonly config_ids: readonly string[];
  readonly realm_ids: readonly string[];
  readonly application_ids: readonly string[];
  readonly exchangeable: readonly ExchangeableRow[] | null;
}

interface ExchangeableRow {
  readonly by: string[];
  readonly scopes: string[];
  readonly reach: string;
}

function toExchangeable(rows: readonly ExchangeableRow[] | null): Exchangeable[] {
  return (rows ?? []).map(({ by, scopes, reach }) => ({ by, authority: { scopes: new Set(scopes), reach } }));
}

/** What decides who sees the secrets of a realm's applications. */
export interface SecretRules {
  readonly showsSecretsOnce: boolean;
  /** the built-in resource server, where the realm has it */
  readonly managedServerId: string | undefined;
  readonly exchangeable: readonly Exchangeable[];
}

/** Reads what decides who sees the secrets of a realm's applications. */
export async function readSecretRulesOf(db: Queryable, realm: RealmKey): Promise<SecretRules> {
  const [row] = await db.run(readSecretRules, [realm.tenantId, realm.realmId, MANAGEMENT_IDENTIFIER]);
  const settings = (row?.settings ?? {}) as Partial<TenantSettings["settings"]>;
  return {
    showsSecretsOnce: settings.show_secrets_once === true,
    managedServerId: (row?.managed_id as string | null | undefined) ?? undefined,
    exchangeable: toExchangeable((row?.exchangeable ?? null) as readonly ExchangeableRow[] | null),
  };
}
