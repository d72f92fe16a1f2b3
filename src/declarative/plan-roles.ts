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
import { planDeletions, planMembers, planObject } from "./planning.ts";
import type { PlannedServer, RealmPlan } from "./realm-plan.ts";
import { readAll } from "./realm-state.ts";

/** Plans the roles of a realm's declared resource servers, and who holds them. */
export async function planRoles(realm: RealmPlan, servers: ReadonlyMap<string, PlannedServer>): Promise<void> {
  for (const { path, declared, id } of realm.matches.servers) {
    const server = servers.get(id);
    if (server === undefined || declared.roles === undefined) continue;
    await planRolesOf(realm, { id, server, path: [...path, "roles"], declared: declared.roles });
  }
}

interface ServerRoles {
  readonly id: string;
  readonly server: PlannedServer;
  readonly path: Path;
  readonly declared: readonly DeclaredRole[];
}

async function planRolesOf(realm: RealmPlan, { id, server, path, declared }: ServerRoles): Promise<void> {
  const { planning, state } = realm;
  const stored = state.roles.filter((role) => role.resourceServerId === id);
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
  const unnamed = findUnnamed(stored, matched).map((role) => ({
    about: { kind: "role", id: role.key.roleId, realmId: role.key.realmId } as const,
    what: `role ${JSON.stringify(role.settings.display_name)} (${role.key.roleId})`,
    write: (db: Queryable) => deleteRole(db, role.key, planning.nowMs),
  }));
  planDeletions(planning, path, unnamed);
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
  const what = `role ${JSON.stringify(body.display_name ?? stored?.settings.display_name ?? "")} (${match.id})`;
  planObject(planning, {
    path,
    about: { kind: "role", id: key.roleId, realmId: key.realmId },
    what,
    current: stored?.settings,
    checked:
      stored === undefined ? createRole(body, server.settings) : updateRole(stored.settings, body, server.settings),
    insert: (db, settings) => insertRole(db, key, { resourceServerId, settings }, planning.nowMs),
    update: (db, settings) => updateRoleSettings(db, key, settings, planning.nowMs),
  });
  const { directories } = realm.matches;
  const lists = [
    { kind: "group", member: "groups", declared: groups, directory: directories.groups },
    { kind: "identity", member: "identities", declared: identities, directory: directories.identities },
  ] as const;
  for (const { kind, member, declared, directory } of lists) {
    if (declared === undefined) continue;
    planMembers(planning, {
      path: [...path, member],
      about: { kind: "role_members", id: key.roleId, realmId: key.realmId },
      what,
      kind: member,
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
