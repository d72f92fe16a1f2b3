// What the operations on a role begin and end with.

import { notFound } from "../../http/management-error.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandVersion } from "../etag.ts";
import type { WriteCall, WriteOutcome } from "../operations.ts";
import type { ResourceServer } from "../resource-server/queries.ts";
import { getPathServer, serverKeyOf } from "../resource-server-path.ts";
import { findRole, holdRole, type Role, type RoleKey } from "./queries.ts";
import { roleAnswerOf } from "./rules.ts";
import type { RoleAnswer } from "./schema.ts";

/** The path of a resource server's roles, and of one. */
export const ROLES = "/v1/tenants/{tenant}/realms/{realm}/resource-servers/{resource_server}/roles";
export const ROLE = `${ROLES}/{role}` as const;

/** The role that a call's path names. Throws 404, also for one of another resource server. */
export async function getRole(call: Call<unknown, unknown>): Promise<Role> {
  return checkPlace(call, await findRole(call.db, roleKeyOf(call)));
}

/** The role that a call's path names, as it is until the transaction ends, and its resource server. Throws 404 and 412. */
export async function getHeldRole(
  call: WriteCall<unknown, unknown>,
): Promise<{ readonly role: Role; readonly server: ResourceServer }> {
  const server = await getPathServer(call);
  const role = checkPlace(call, await holdRole(call.db, roleKeyOf(call)));
  demandVersion(call.request, role.version);
  return { role, server };
}

/** What an operation answers that leaves a role stored so. */
export function storedRole(role: Role, facts?: Readonly<Record<string, unknown>>): WriteOutcome<RoleAnswer> {
  return { value: roleAnswerOf(role), version: role.version, about: { id: role.key.roleId, facts } };
}

function roleKeyOf(call: Call<unknown, unknown>): RoleKey {
  return { ...realmOf(call), roleId: readPathId(call.request, { parameter: "role", shape: "hex", kind: "Role" }) };
}

function checkPlace(call: Call<unknown, unknown>, role: Role | undefined): Role {
  const { resourceServerId } = serverKeyOf(call);
  if (role === undefined || role.resourceServerId !== resourceServerId) {
    throw notFound("Role", roleKeyOf(call).roleId);
  }
  return role;
}
