import { findUsedClientIds } from "../resources/application/queries.ts";
import { sealNewRefreshKey } from "../resources/credentials.ts";
import { deleteRealm, listRealms, type Realm } from "../resources/realm/queries.ts";
import { findUsedIdentifiers } from "../resources/resource-server/queries.ts";
import { findTenant, insertTenant, type Tenant, updateTenantSettings } from "../resources/tenant/queries.ts";
import { createTenant, updateTenant } from "../resources/tenant/rules.ts";
import type { Path } from "./file.ts";
import type { DeclaredRealm, DeclaredTenant } from "./file-schema.ts";
import { createDirectory, findUnnamed, matchObjects } from "./matching.ts";
import { type MatchedRealm, planRealm } from "./plan-realm.ts";
import { type Planning, planDeletions, planObject, refuse, refuseOther } from "./planning.ts";
import type { TenantSurroundings } from "./realm-plan.ts";
import { readAll } from "./realm-state.ts";

/** Plans all that the file says of one tenant; the steps and problems are left in `planning`. */
export async function planTenant(planning: Planning, path: Path, declared: DeclaredTenant): Promise<void> {
  const { id, test, prune, realms, ...body } = declared;
  const stored = await findTenant(planning.db, id);
  const kind = test === true ? "test" : "production";
  // Rule 26: the kind is said once.
  if (stored !== undefined && test !== undefined && stored.kind !== kind) {
    refuse(planning, [...path, "test"], `cannot be changed; this is a ${stored.kind} tenant`);
  }
  const settings = planObject(planning, {
    path,
    about: { kind: "tenant", id, realmId: "" },
    what: `tenant ${id}`,
    current: stored?.settings,
    checked: stored === undefined ? createTenant(body) : updateTenant(stored.settings, body, stored.quotas),
    insert: (session, created) => {
      const refreshKeySealed = sealNewRefreshKey(planning.deps, id);
      return insertTenant(session, id, { kind, refreshKeySealed, settings: created }, planning.nowMs);
    },
    update: (session, changed) => updateTenantSettings(session, id, changed, planning.nowMs),
  });
  if (settings === undefined || realms === undefined) return;
  await planRealms(planning, [...path, "realms"], { ...declared, realms }, settings);
}

async function planRealms(
  planning: Planning,
  path: Path,
  tenant: DeclaredTenant & { readonly realms: readonly DeclaredRealm[] },
  settings: Tenant["settings"],
): Promise<void> {
  const { db } = planning;
  const stored = await readAll(
    (page) => listRealms(db, tenant.id, page),
    (realm) => realm.key.realmId,
  );
  const matched = matchObjects(
    planning,
    { path, declared: tenant.realms, stored },
    {
      idOf: (realm) => realm.key.realmId,
      keyOf: () => undefined,
      declaredKeyOf: () => undefined,
      newId: () => "",
    },
  );
  const unnamed = findUnnamed(stored, matched);
  checkAdminRealms(planning, matched, unnamed);
  const surroundings = await readSurroundings(planning, { tenant, settings, matched, unnamed });
  for (const match of matched) await planRealm(planning, surroundings, { tenantId: tenant.id, match });
  const deletions = unnamed
    .filter((realm) => !realm.isAdmin)
    .map(({ key, settings: { display_name } }) => ({
      about: { kind: "realm", id: key.realmId, realmId: key.realmId } as const,
      what: `realm ${JSON.stringify(display_name)} (${key.realmId})`,
      write: (session: Planning["db"]) => deleteRealm(session, key, planning.nowMs),
    }));
  planDeletions(planning, path, deletions);
}

function checkAdminRealms(planning: Planning, matched: readonly MatchedRealm[], unnamed: readonly Realm[]): void {
  let hasAdmin = unnamed.some((realm) => realm.isAdmin);
  for (const { path, declared, stored } of matched) {
    const place = [...path, "is_admin"];
    if (stored !== undefined) refuseOther(planning, place, declared.is_admin, stored.isAdmin);
    const isAdmin = stored?.isAdmin ?? declared.is_admin === true;
    if (isAdmin && hasAdmin) refuse(planning, place, "the tenant has an admin realm already");
    hasAdmin ||= isAdmin;
  }
}

interface TenantParts {
  readonly tenant: DeclaredTenant;
  readonly settings: Tenant["settings"];
  readonly matched: readonly MatchedRealm[];
  readonly unnamed: readonly Realm[];
}

async function readSurroundings(
  planning: Planning,
  { tenant, settings, matched, unnamed }: TenantParts,
): Promise<TenantSurroundings> {
  const realms = tenant.realms ?? [];
  const declaredClientIds = realms.flatMap((realm) =>
    (realm.applications ?? []).flatMap(({ protocol_config }) => protocol_config?.client_id ?? []),
  );
  const declaredIdentifiers = realms.flatMap((realm) =>
    (realm.resource_servers ?? []).flatMap(({ identifier }) => identifier ?? []),
  );
  const clientIds = await findUsedClientIds(planning.db, { tenantId: tenant.id }, declaredIdentifiers);
  const identifiers = await findUsedIdentifiers(planning.db, tenant.id, declaredClientIds);
  const entries = [
    ...matched.map(({ id, declared, stored }) => ({
      id,
      names: [declared.display_name ?? stored?.settings.display_name],
    })),
    ...unnamed.map((realm) => ({ id: realm.key.realmId, names: [realm.settings.display_name] })),
  ];
  return {
    settings,
    realms: createDirectory(planning, "realm of this tenant", entries),
    clientIds: new Set([...clientIds, ...declaredClientIds]),
    identifiers: new Set([...identifiers, ...declaredIdentifiers]),
  };
}
