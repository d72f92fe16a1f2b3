import type { RealmKey } from "../protocol/client-metadata.ts";
import { ACCESS_GROUP } from "../resources/policy/rules.ts";
import { insertRealm, type Realm, updateRealmSettings } from "../resources/realm/queries.ts";
import { createRealm, updateRealm } from "../resources/realm/rules.ts";
import type { DeclaredRealm } from "./file-schema.ts";
import {
  insertManagementServer,
  MANAGEMENT_ROLE,
  MANAGEMENT_SERVER,
  newManagementServerKey,
} from "./management-server.ts";
import type { Matched } from "./matching.ts";
import { planApplications } from "./plan-applications.ts";
import { planGroups, planIdentities } from "./plan-people.ts";
import { planRoles } from "./plan-roles.ts";
import { planAuthenticatorConfigs, planResourceServers } from "./plan-servers.ts";
import { type Planning, planObject, refuseOther } from "./planning.ts";
import { matchRealmObjects } from "./realm-matches.ts";
import type { RealmPlan, TenantSurroundings } from "./realm-plan.ts";
import { type RealmState, readRealmState } from "./realm-state.ts";

export type MatchedRealm = Matched<DeclaredRealm, Realm>;

/** Plans one realm and all that is in it. */
export async function planRealm(
  planning: Planning,
  tenant: TenantSurroundings,
  { tenantId, match }: { readonly tenantId: string; readonly match: MatchedRealm },
): Promise<void> {
  const { path, declared, stored } = match;
  const key: RealmKey = { tenantId, realmId: match.id };
  const isAdmin = stored?.isAdmin ?? declared.is_admin === true;
  planRealmSettings(planning, key, match);
  const state = stored === undefined ? newRealmState(planning, key, match) : await readStored(planning, key, declared);
  const matches = matchRealmObjects(planning, path, declared, state);
  const realm: RealmPlan = { planning, tenant, key, path, declared, isAdmin, state, matches };
  const servers = planResourceServers(realm);
  const configIds = planAuthenticatorConfigs(realm);
  planIdentities(realm, clientIdsOf(realm));
  await planGroups(realm);
  planApplications(realm, { servers, configIds });
  await planRoles(realm, servers);
}

function planRealmSettings(planning: Planning, key: RealmKey, { path, declared, stored }: MatchedRealm): void {
  const { id, is_admin, resource_servers, authenticator_configs, groups, identities, applications, ...body } = declared;
  const standing = { isAdmin: stored?.isAdmin ?? is_admin === true };
  if (stored !== undefined) {
    refuseOther(planning, [...path, "classification"], body.classification, stored.settings.classification);
  }
  planObject(planning, {
    path,
    about: { kind: "realm", id, realmId: id },
    what: `realm ${JSON.stringify(body.display_name ?? stored?.settings.display_name ?? "")} (${id})`,
    current: stored?.settings,
    checked: stored === undefined ? createRealm(body, standing) : updateRealm(stored.settings, body, standing),
    insert: (db, settings) => insertRealm(db, key, { ...standing, settings }, planning.nowMs),
    update: (db, settings) => updateRealmSettings(db, key, settings, planning.nowMs),
  });
}

// A new admin realm brings the built-in resource server and its role; to all else they look as if they were stored.
function newRealmState(planning: Planning, realm: RealmKey, { path, declared }: MatchedRealm): RealmState {
  const empty = { servers: [], configs: [], groups: [], applications: [], roles: [], identities: [] };
  if (declared.is_admin !== true) return empty;
  const key = newManagementServerKey(planning.deps.random, realm);
  const { resourceServerId } = key;
  planning.steps.push({
    path,
    about: { kind: "resource_server", id: resourceServerId, realmId: realm.realmId },
    change: {
      action: "create",
      what: `resource server "${MANAGEMENT_SERVER.identifier}" (${resourceServerId})`,
      details: [],
    },
    write: (db) => insertManagementServer(db, key, planning.nowMs),
  });
  const row = { key, version: 1, createdAtMs: planning.nowMs, updatedAtMs: planning.nowMs };
  return {
    ...empty,
    servers: [{ ...row, isManaged: true, settings: MANAGEMENT_SERVER }],
    roles: [{ ...row, resourceServerId, settings: MANAGEMENT_ROLE }],
    groups: [{ ...row, key: { ...realm, groupId: key.accessGroupId }, settings: ACCESS_GROUP }],
  };
}

function readStored(planning: Planning, key: RealmKey, declared: DeclaredRealm): Promise<RealmState> {
  // To delete the unnamed ones, all of them have to be read.
  const withAllIdentities = planning.isPruned && declared.identities !== undefined;
  return readRealmState(planning.db, key, declared, { withAllIdentities });
}

function clientIdsOf({ state, matches }: RealmPlan): string[] {
  const declared = matches.applications.flatMap(
    ({ declared: { protocol_config } }) => protocol_config?.client_id ?? [],
  );
  return [...state.applications.map((application) => application.clientId), ...declared];
}
