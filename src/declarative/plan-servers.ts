import type { Queryable } from "../database/database.ts";
import {
  type AuthenticatorConfig,
  deleteAuthenticatorConfig,
  insertAuthenticatorConfig,
  updateAuthenticatorConfigSettings,
} from "../resources/authenticator-config/queries.ts";
import { createAuthenticatorConfig, updateAuthenticatorConfig } from "../resources/authenticator-config/rules.ts";
import {
  deleteResourceServer,
  insertResourceServer,
  type ResourceServer,
  updateResourceServerSettings,
} from "../resources/resource-server/queries.ts";
import { createResourceServer, updateResourceServer } from "../resources/resource-server/rules.ts";
import type { DeclaredAuthenticatorConfig, DeclaredResourceServer } from "./file-schema.ts";
import { findUnnamed, type Matched } from "./matching.ts";
import { planDeletions, planObject, refuse, refuseOther } from "./planning.ts";
import type { PlannedServer, RealmPlan } from "./realm-plan.ts";

/**
 * Plans a realm's resource servers without their roles.
 *
 * @returns every resource server of the realm as it will be
 */
export function planResourceServers(realm: RealmPlan): Map<string, PlannedServer> {
  const { planning, state, matches, declared } = realm;
  const unnamed = findUnnamed(state.servers, matches.servers);
  const isPruned = planning.isPruned && declared.resource_servers !== undefined;
  const removed = isPruned ? unnamed.filter((server) => !server.isManaged) : [];
  const kept = unnamed.filter((server) => !removed.includes(server));
  const planned = new Map<string, PlannedServer>(kept.map((server) => [server.key.resourceServerId, server]));
  for (const match of matches.servers) {
    const settings = planResourceServer(realm, match);
    if (settings !== undefined) planned.set(match.id, settings);
  }
  const deletions = removed.map((server) => ({
    about: { kind: "resource_server", id: server.key.resourceServerId, realmId: server.key.realmId } as const,
    what: `resource server ${JSON.stringify(server.settings.identifier)}`,
    write: (db: Queryable) => deleteResourceServer(db, server.key, planning.nowMs),
  }));
  planDeletions(planning, [...realm.path, "resource_servers"], deletions);
  return planned;
}

function planResourceServer(
  realm: RealmPlan,
  { path, declared, stored, id }: Matched<DeclaredResourceServer, ResourceServer>,
): PlannedServer | undefined {
  const { planning, tenant, matches } = realm;
  const key = { ...realm.key, resourceServerId: id };
  const { id: _, roles: __, introspectors, ...written } = declared;
  const body = {
    ...written,
    ...(introspectors
      ? { introspectors: matches.directories.applications.resolveAll([...path, "introspectors"], introspectors) }
      : {}),
  };
  if (stored !== undefined) refuseOther(planning, [...path, "identifier"], body.identifier, stored.settings.identifier);
  const { publicUrl } = planning.deps.config;
  const isClientId = tenant.clientIds.has(body.identifier ?? "");
  const settings = planObject(planning, {
    path,
    about: { kind: "resource_server", id, realmId: key.realmId },
    what: `resource server ${JSON.stringify(stored?.settings.identifier ?? body.identifier)} (${id})`,
    current: stored?.settings,
    isManaged: stored?.isManaged ?? false,
    checked:
      stored === undefined
        ? createResourceServer(body, { isClientId, publicUrl })
        : updateResourceServer(stored.settings, body),
    insert: (db, created) => insertResourceServer(db, key, { isManaged: false, settings: created }, planning.nowMs),
    // Who has a scope that it loses, loses it by a step of his own.
    update: (db, changed) => updateResourceServerSettings(db, key, changed, planning.nowMs),
  });
  return settings && { settings, isManaged: stored?.isManaged ?? false };
}

/**
 * Plans a realm's authenticator configs.
 *
 * @returns the ids of those that there will be
 */
export function planAuthenticatorConfigs(realm: RealmPlan): ReadonlySet<string> {
  const { planning, state, matches, declared, path } = realm;
  for (const match of matches.configs) planAuthenticatorConfig(realm, match);
  const unnamed = findUnnamed(state.configs, matches.configs);
  const isPruned = planning.isPruned && declared.authenticator_configs !== undefined;
  const deletions = (isPruned ? unnamed : []).map(({ key, settings }) => ({
    about: { kind: "authenticator_config", id: key.authenticatorConfigId, realmId: key.realmId } as const,
    what: `authenticator config ${JSON.stringify(settings.display_name ?? "")} (${key.authenticatorConfigId})`,
    write: (db: Queryable) => deleteAuthenticatorConfig(db, key, planning.nowMs),
  }));
  planDeletions(planning, [...path, "authenticator_configs"], deletions);
  const kept = isPruned ? [] : unnamed.map((config) => config.key.authenticatorConfigId);
  return new Set([...kept, ...matches.configs.map((match) => match.id)]);
}

function planAuthenticatorConfig(
  realm: RealmPlan,
  match: Matched<DeclaredAuthenticatorConfig, AuthenticatorConfig>,
): void {
  const { planning } = realm;
  const { path, declared, stored, id } = match;
  const key = { ...realm.key, authenticatorConfigId: id };
  const { id: _, ...body } = declared;
  checkRoaming(realm, match);
  if (stored !== undefined) {
    refuseOther(planning, [...path, "config", "type"], body.config?.type, stored.settings.config.type);
  }
  planObject(planning, {
    path,
    about: { kind: "authenticator_config", id, realmId: key.realmId },
    what: `authenticator config ${JSON.stringify(body.display_name ?? stored?.settings.display_name ?? "")} (${id})`,
    current: stored?.settings,
    checked:
      stored === undefined ? createAuthenticatorConfig(body, realm) : updateAuthenticatorConfig(stored.settings, body),
    insert: (db, settings) => insertAuthenticatorConfig(db, key, settings, planning.nowMs),
    update: (db, settings) => updateAuthenticatorConfigSettings(db, key, settings, planning.nowMs),
  });
}

// Named by their ids, which the same file may give them. Those that were named before may be gone since.
function checkRoaming(
  { planning, matches: { directories } }: RealmPlan,
  { path, declared, stored }: Matched<DeclaredAuthenticatorConfig, AuthenticatorConfig>,
): void {
  const lists = [
    { name: "allowed_user_group_ids", directory: directories.groups, kind: "group" },
    { name: "allowed_user_ids", directory: directories.identities, kind: "identity" },
  ] as const;
  for (const { name, directory, kind } of lists) {
    const named = new Set(stored?.settings.config.roaming_auth_config?.[name]);
    for (const [position, id] of (declared.config?.roaming_auth_config?.[name] ?? []).entries()) {
      if (named.has(id) || directory.has(id)) continue;
      refuse(planning, [...path, "config", "roaming_auth_config", name, position], `${id} is no ${kind} of this realm`);
    }
  }
}
