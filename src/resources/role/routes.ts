import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { hexId } from "../../platform/random.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandPowerOver } from "../demand-power.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, writes } from "../operations.ts";
import { getPathServer } from "../resource-server-path.ts";
import { ROLE_CONTENT_OPERATIONS } from "./content-routes.ts";
import { getHeldRole, getRole, ROLE, ROLES, storedRole } from "./found-role.ts";
import { LIST_ROLE_MEMBERS } from "./list-members.ts";
import {
  countRolesOfServer,
  deleteRole,
  hasRoleMembers,
  insertRole,
  listRolesOfServer,
  updateRoleSettings,
} from "./queries.ts";
import { createRole, roleAnswerOf, updateRole } from "./rules.ts";
import { RoleAnswer, RoleNamesBody } from "./schema.ts";

const BODY = wrapped("role", RoleNamesBody, [...READ_ONLY, "resource_server_id"]);
const EVENT = { type: "RoleOperation", resource: "Role" } as const satisfies Partial<EventKind>;
const conflicts = { roles_display_name: "role already exists" };

/** The operations of roles (reference 2.2). */
export const ROLE_OPERATIONS = [
  creates(
    {
      name: "CreateRole",
      method: "POST",
      path: ROLES,
      tag: "Roles",
      summary: "Makes a role of a resource server, without scopes and members.",
      scopes: ["roles:create"],
      body: BODY,
      answer: RoleAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, nowMs, body } = call;
      const server = await getPathServer(call);
      const settings = demandValid(createRole(body.role, server.settings));
      const key = { ...realmOf(call), roleId: hexId(call.deps.random) };
      const { resourceServerId } = server.key;
      await insertRole(db, key, { resourceServerId, settings }, nowMs);
      return storedRole({ key, resourceServerId, settings, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs });
    },
    { parameter: "role", show: showRole },
  ),
  reads(
    {
      name: "GetRole",
      method: "GET",
      path: ROLE,
      tag: "Roles",
      summary: "Shows a role, without its scopes and members.",
      scopes: ["roles:read"],
      answer: RoleAnswer,
      isVersioned: true,
    },
    showRole,
  ),
  lists(
    {
      name: "ListRoles",
      path: ROLES,
      tag: "Roles",
      summary: "Lists the roles of a resource server.",
      scopes: ["roles:read"],
      plural: "roles",
      item: RoleAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => {
      const server = getPathServer(call);
      return {
        page: async (page) => listRolesOfServer(call.db, (await server).key, page),
        count: async (filter) => countRolesOfServer(call.db, (await server).key, filter),
        idOf: ({ key }) => key.roleId,
        show: roleAnswerOf,
      };
    },
  ),
  writes(
    {
      name: "UpdateRole",
      method: "PATCH",
      path: ROLE,
      tag: "Roles",
      summary: "Changes a role's name and description.",
      scopes: ["roles:update"],
      body: BODY,
      answer: RoleAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      conflicts,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs, body } = call;
      const { role } = await getHeldRole(call);
      await demandPowerOver(call, role.key, { roleIds: [role.key.roleId] });
      const settings = demandValid(updateRole(role.settings, body.role, role.settings));
      await updateRoleSettings(db, role.key, settings, nowMs);
      const changed = { ...role, settings, version: role.version + 1, updatedAtMs: nowMs };
      return storedRole(changed, { changed: listChanged(role.settings, settings) });
    },
  ),
  writes(
    {
      name: "DeleteRole",
      method: "DELETE",
      path: ROLE,
      tag: "Roles",
      summary: "Deletes a role that has no scopes and no members.",
      scopes: ["roles:delete"],
      refusals: ["conflict"],
      isVersioned: true,
      event: { ...EVENT, action: "DELETE" },
    },
    async (call) => {
      const { key, settings } = (await getHeldRole(call)).role;
      if (settings.scopes.length > 0 || (await hasRoleMembers(call.db, key))) {
        throw new ManagementError("conflict", "role has children");
      }
      await deleteRole(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.roleId } };
    },
  ),
  ...ROLE_CONTENT_OPERATIONS,
  LIST_ROLE_MEMBERS,
] as const;

async function showRole(call: Call<unknown, unknown>): Promise<Outcome<RoleAnswer>> {
  const role = await getRole(call);
  return { value: roleAnswerOf(role), version: role.version };
}
