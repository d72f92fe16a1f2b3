import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { fieldViolations, notFound } from "../../http/management-error.ts";
import { expandManagementScopes } from "../../protocol/management-scopes.ts";
import { demandPowerOver } from "../demand-power.ts";
import type { EventKind } from "../event-draft.ts";
import { holdGroups } from "../group/queries.ts";
import { holdIdentities } from "../identity/queries.ts";
import { lists } from "../list-operation.ts";
import { type WriteCall, writes } from "../operations.ts";
import type { ResourceServer } from "../resource-server/queries.ts";
import { Scope } from "../schema-parts.ts";
import { getHeldRole, getRole, ROLE, storedRole } from "./found-role.ts";
import {
  deleteRoleMembers,
  insertRoleMembers,
  type Role,
  type RoleKey,
  type RoleMembers,
  updateRoleSettings,
} from "./queries.ts";
import { RoleAnswer, RoleMembersBody, RoleScopesBody } from "./schema.ts";

const MEMBERSHIP = { type: "RoleMembershipOperation", resource: "Role" } as const satisfies Partial<EventKind>;
const SCOPES = { type: "RoleScopesOperation", resource: "Role" } as const satisfies Partial<EventKind>;

/** The operations on what roles hold and who holds them (reference 2.2). */
export const ROLE_CONTENT_OPERATIONS = [
  writes(
    {
      name: "AddRoleMembers",
      method: "POST",
      path: `${ROLE}:addMembers`,
      tag: "Roles",
      summary: "Gives a role to groups and identities, all or none; those that hold it already keep it.",
      scopes: ["roles:update", "groups:read", "identities:read"],
      body: RoleMembersBody,
      answer: RoleAnswer,
      isVersioned: true,
      event: { ...MEMBERSHIP, action: "CREATE" },
    },
    async (call) => {
      const { role } = await getHeldRole(call);
      const members = readMembers(call.body);
      await holdMembers(call, role.key, members);
      await demandMembersPower(call, role, members);
      return storedRole(await changed(call, role, members, insertRoleMembers), call.body);
    },
  ),
  writes(
    {
      name: "DeleteRoleMembers",
      method: "POST",
      path: `${ROLE}:deleteMembers`,
      tag: "Roles",
      summary: "Takes a role from groups and identities; those that do not hold it are ignored.",
      scopes: ["roles:update", "identities:read", "groups:read"],
      body: RoleMembersBody,
      answer: RoleAnswer,
      isVersioned: true,
      event: { ...MEMBERSHIP, action: "DELETE" },
    },
    async (call) => {
      const { role } = await getHeldRole(call);
      const members = readMembers(call.body);
      await demandMembersPower(call, role, members);
      return storedRole(await changed(call, role, members, deleteRoleMembers), call.body);
    },
  ),
  writes(
    {
      name: "AddRoleScopes",
      method: "POST",
      path: `${ROLE}:addScopes`,
      tag: "Roles",
      summary: "Adds scopes of its resource server to a role; those that it has already stay.",
      scopes: ["roles:update", "resource-servers:read"],
      body: RoleScopesBody,
      answer: RoleAnswer,
      isVersioned: true,
      event: { ...SCOPES, action: "CREATE" },
    },
    async (call) => {
      const { role, server } = await getHeldRole(call);
      const known = new Set(server.settings.scopes);
      const added = scopesOf(call.body, server);
      const unknown = added.filter((scope) => !known.has(scope));
      if (unknown.length > 0) throw refuseScopes(unknown);
      const scopes = [...new Set([...role.settings.scopes, ...added])];
      await demandPowerOver(call, role.key, {
        roleIds: [role.key.roleId],
        scopesAfter: server.isManaged ? scopes : [],
      });
      return storeScopes(call, role, { scopes, named: added });
    },
  ),
  writes(
    {
      name: "DeleteRoleScopes",
      method: "POST",
      path: `${ROLE}:deleteScopes`,
      tag: "Roles",
      summary: "Takes scopes from a role; those that it does not have are ignored.",
      scopes: ["roles:update", "resource-servers:read"],
      body: RoleScopesBody,
      answer: RoleAnswer,
      isVersioned: true,
      event: { ...SCOPES, action: "DELETE" },
    },
    async (call) => {
      const { role, server } = await getHeldRole(call);
      const named = scopesOf(call.body, server);
      await demandPowerOver(call, role.key, { roleIds: [role.key.roleId] });
      return storeScopes(call, role, { scopes: role.settings.scopes.filter((scope) => !named.includes(scope)), named });
    },
  ),
  lists(
    {
      name: "ListRoleScopes",
      path: `${ROLE}:listScopes`,
      tag: "Roles",
      summary: "Lists the scopes of a role.",
      scopes: ["roles:read", "resource-servers:read"],
      plural: "scopes",
      item: Scope,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
    },
    (call) => {
      const role = getRole(call);
      const all = async () => (await role).settings.scopes.toSorted();
      return {
        page: async ({ after, limit, skip = 0 }) =>
          (await all()).filter((scope) => scope > after).slice(skip, skip + limit),
        count: async () => (await all()).length,
        idOf: (scope) => scope,
        show: (scope) => scope,
      };
    },
  ),
] as const;

function readMembers({ group_ids = [], identity_ids = [] }: RoleMembersBody): RoleMembers[] {
  if (group_ids.length + identity_ids.length === 0) {
    throw fieldViolations([{ field: "identity_ids", description: "at least one id in total" }]);
  }
  const members = [
    { kind: "group" as const, ids: [...new Set(group_ids)] },
    { kind: "identity" as const, ids: [...new Set(identity_ids)] },
  ];
  return members.filter(({ ids }) => ids.length > 0);
}

async function holdMembers(
  { db }: WriteCall<unknown, unknown>,
  key: RoleKey,
  members: readonly RoleMembers[],
): Promise<void> {
  for (const { kind, ids } of members) {
    const held = new Set(kind === "group" ? await holdGroups(db, key, ids) : await holdIdentities(db, key, ids));
    const unknown = ids.find((id) => !held.has(id));
    if (unknown !== undefined) throw notFound(kind === "group" ? "Group" : "Identity", unknown);
  }
}

async function changed(
  { db, nowMs }: WriteCall<unknown, unknown>,
  role: Role,
  members: readonly RoleMembers[],
  change: typeof insertRoleMembers,
): Promise<Role> {
  let after = role;
  for (const some of members) {
    const version = await change(db, role.key, some, nowMs);
    if (version !== undefined) after = { ...after, version, updatedAtMs: nowMs };
  }
  return after;
}

function demandMembersPower(
  call: WriteCall<unknown, unknown>,
  role: Role,
  members: readonly RoleMembers[],
): Promise<void> {
  const idsOf = (kind: RoleMembers["kind"]) => members.find((some) => some.kind === kind)?.ids ?? [];
  const holders = { groupIds: idsOf("group"), identityIds: idsOf("identity"), roleIds: [role.key.roleId] };
  return demandPowerOver(call, role.key, holders);
}

function refuseScopes(unknown: readonly string[]) {
  const description = (scope: string) => `${scope} is not a scope of the resource server`;
  return fieldViolations(unknown.map((scope) => ({ field: "scopes", description: description(scope) })));
}

function scopesOf(
  { scopes }: { readonly scopes: readonly string[] },
  { isManaged }: ResourceServer,
): readonly string[] {
  return isManaged ? expandManagementScopes(scopes) : scopes;
}

async function storeScopes(
  call: WriteCall<unknown, unknown>,
  role: Role,
  { scopes, named }: { readonly scopes: readonly string[]; readonly named: readonly string[] },
) {
  const settings = { ...role.settings, scopes: [...scopes] };
  await updateRoleSettings(call.db, role.key, settings, call.nowMs);
  const changed = { ...role, settings, version: role.version + 1, updatedAtMs: call.nowMs };
  return storedRole(changed, { scopes: named });
}
