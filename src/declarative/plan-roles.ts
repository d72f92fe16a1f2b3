import type { Queryable } from "../database/database.ts";
import { hexId } from "../platform/random.ts";
import { expandManagementScopes } from "../protocol/management-scopes.ts";
import { subjectKey } from "../protocol/subject.ts";
import {
  deleteRole,
  deleteRoleMembers,
  insertRole,
  insertRoleMembers,
  listRoleMembers,
  type Role,
  type RoleKey,
  type RoleMemberKind,
  updateRoleSettings,
} from "../resources/role/queries.ts";
import { createRole, updateRole } from "../resources/role/rules.ts";
import type { Path } from "./file.ts";
import type { DeclaredRole } from "./file-schema.ts";
import { findUnnamed, type Matched, matchObjects } from "./matching.ts";
import { planDeletions, planMembers, planObject, planUpdate, type Told, withoutLost } from "./planning.ts";
import type { PlannedServer, RealmPlan } from "./realm-plan.ts";
import { readAll } from "./realm-state.ts";

/** Plans the roles of a realm's declared resource servers, and who holds them. */
export async function planRoles(realm: RealmPlan, servers: ReadonlyMap<string, PlannedServer>): Promise<void> {
  for (const { path, declared, id } of realm.matches.servers) {
    const server = servers.get(id);
    if (server === undefined) continue;
    const stored = realm.state.roles.filter((role) => role.resourceServerId === id);
    const place = { id, server, path: [...path, "roles"], stored };
    if (declared.roles === undefined) planLosses(realm, place, stored);
    else await planRolesOf(realm, { ...place, declared: declared.roles });
  }
}

interface ServerRoles {
  readonly id: string;
  readonly server: PlannedServer;
  readonly path: Path;
  readonly stored: readonly Role[];
}

async function planRolesOf(
  realm: RealmPlan,
  { declared, ...place }: ServerRoles & { readonly declared: readonly DeclaredRole[] },
): Promise<void> {
  const { planning } = realm;
  const { id, server, path, stored } = place;
  const matched = matchObjects(
    planning,
    { path, declared, stored },
    {
      idOf: (role) => role.key.roleId,
      keyOf: (role) => subjectKey(role.settings.display_name),
      declaredKeyOf: (role) => (typeof role.display_name === "string" ? subjectKey(role.display_name) : undefined),
      newId: () => hexId(planning.deps.random),
    },
  );
  for (const match of matched) await planRole(realm, { id, server, match });
  if (server.isManaged) return; // its own role stays, whatever the file names
  const others = findUnnamed(stored, matched);
  if (!planning.isPruned) planLosses(realm, place, others);
  const unnamed = others.map((role) => ({
    about: { kind: "role", id: role.key.roleId, realmId: role.key.realmId } as const,
    what: `role ${JSON.stringify(role.settings.display_name)} (${role.key.roleId})`,
    write: (db: Queryable) => deleteRole(db, role.key, planning.nowMs),
  }));
  planDeletions(planning, path, unnamed);
}

// A role that the file does not name loses what its resource server does.
function planLosses({ planning }: RealmPlan, { server, path }: ServerRoles, unnamed: readonly Role[]): void {
  for (const { key, settings } of unnamed) {
    const kept = withoutLost(settings.scopes, server);
    if (kept.length === settings.scopes.length) continue;
    planUpdate(planning, {
      path,
      about: { kind: "role", id: key.roleId, realmId: key.realmId },
      what: whatOf(settings.display_name, key),
      current: settings,
      settings: { ...settings, scopes: kept },
      told: tellScopes(settings.scopes, kept),
      update: (db, changed) => updateRoleSettings(db, key, changed, planning.nowMs),
    });
  }
}

function whatOf(displayName: string, { roleId }: RoleKey): string {
  return `role ${JSON.stringify(displayName)} (${roleId})`;
}

function tellScopes(before: readonly string[], after: readonly string[]): readonly Told[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    { kind: "role_scopes", action: "create", lists: { scopes: [...now.difference(old)] } },
    { kind: "role_scopes", action: "delete", lists: { scopes: [...old.difference(now)] } },
  ];
}

interface OneRole {
  readonly id: string;
  readonly server: PlannedServer;
  readonly match: Matched<DeclaredRole, Role>;
}

async function planRole(realm: RealmPlan, { id: resourceServerId, server, match }: OneRole): Promise<void> {
  const { planning } = realm;
  const { path, stored } = match;
  const key = { ...realm.key, roleId: match.id };
  const { id: _, groups, identities, ...written } = match.declared;
  const named = server.isManaged ? written.scopes : undefined;
  const body = named ? { ...written, scopes: [...expandManagementScopes(named)] } : written;
  const what = whatOf(body.display_name ?? stored?.settings.display_name ?? "", key);
  const kept = stored && { ...stored.settings, scopes: withoutLost(stored.settings.scopes, server) };
  planObject(planning, {
    path,
    about: { kind: "role", id: key.roleId, realmId: key.realmId },
    what,
    current: stored?.settings,
    checked: kept === undefined ? createRole(body, server.settings) : updateRole(kept, body, server.settings),
    tell: (before, after) => tellScopes(before?.scopes ?? [], after.scopes),
    insert: (db, settings) => insertRole(db, key, { resourceServerId, settings }, planning.nowMs),
    update: (db, settings) => updateRoleSettings(db, key, settings, planning.nowMs),
  });
  const { directories } = realm.matches;
  const { identities: people } = directories;
  const lists = [
    { kind: "group", member: "groups", list: "group_ids", declared: groups, directory: directories.groups },
    { kind: "identity", member: "identities", list: "identity_ids", declared: identities, directory: people },
  ] as const;
  for (const { kind, member, list, declared, directory } of lists) {
    if (declared === undefined) continue;
    planMembers(planning, {
      path: [...path, member],
      about: { kind: "role_members", id: key.roleId, realmId: key.realmId },
      what,
      kind: member,
      list,
      current: stored === undefined ? [] : await readRoleMembers(planning.db, key, kind),
      wanted: directory.resolveAll([...path, member], declared),
      add: (db, ids) => insertRoleMembers(db, key, { kind, ids }, planning.nowMs),
      remove: (db, ids) => deleteRoleMembers(db, key, { kind, ids }, planning.nowMs),
    });
  }
}

function readRoleMembers(db: Queryable, key: RoleKey, kind: RoleMemberKind): Promise<string[]> {
  return readAll(
    (page) => listRoleMembers(db, key, kind, page),
    (id) => id,
  );
}
