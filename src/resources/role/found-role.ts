// What the operations on a role begin and end with.

import type { Queryable } from "../../database/database.ts";
import type { Caller } from "../../http/caller.ts";
import { notFound } from "../../http/management-error.ts";
import { type PowerHolders, readPowerOf } from "../authority/queries.ts";
import { demandCover } from "../authority/rules.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandVersion } from "../etag.ts";
import type { WriteCall, WriteOutcome } from "../operations.ts";
import { findResourceServer, type ResourceServer, type ResourceServerKey } from "../resource-server/queries.ts";
import { findRole, holdRole, type Role, type RoleKey } from "./queries.ts";
import { roleAnswerOf } from "./rules.ts";
import type { RoleAnswer } from "./schema.ts";

/** The path of a resource server's roles, and of one. */
export const ROLES = "/v1/tenants/{tenant}/realms/{realm}/resource-servers/{resource_server}/roles";
export const ROLE = `${ROLES}/{role}` as const;

/** The resource server that a call's path names. Throws 404. */
export async function getRoleServer(call: Call<unknown, unknown>): Promise<ResourceServer> {
  const key = serverKeyOf(call);
  const server = await findResourceServer(call.db, key);
  if (server === undefined) throw notFound("ResourceServer", key.resourceServerId);
  return server;
}

/** The role that a call's path names. Throws 404, also for one of another resource server. */
export async function getRole(call: Call<unknown, unknown>): Promise<Role> {
  return checkPlace(call, await findRole(call.db, roleKeyOf(call)));
}

/** The role that a call's path names, as it is until the transaction ends, and its resource server. Throws 404 and 412. */
export async function getHeldRole(
  call: WriteCall<unknown, unknown>,
): Promise<{ readonly role: Role; readonly server: ResourceServer }> {
  const server = await getRoleServer(call);
  const role = checkPlace(call, await holdRole(call.db, roleKeyOf(call)));
  demandVersion(call.request, role.version);
  return { role, server };
}

/** What a call changes through a role. */
interface RoleChange extends PowerHolders {
  /** the scopes of a role of the built-in resource server after the change */
  readonly scopesAfter?: readonly string[] | undefined;
}

/** Rule 1: what the role gives before and after, and what those hold already whom it is given to or taken from. Throws 403. */
export async function demandPower(
  call: { readonly caller: Caller; readonly db: Queryable } & Pick<Call<unknown, unknown>, "request">,
  { scopesAfter = [], ...holders }: RoleChange,
): Promise<void> {
  const power = await readPowerOf(call.db, realmOf(call), holders);
  if (power === undefined) return;
  demandCover(call.caller, [power, { scopes: new Set(scopesAfter), reach: power.reach }]);
}

/** What an operation answers that leaves a role stored so. */
export function storedRole(role: Role, facts?: Readonly<Record<string, unknown>>): WriteOutcome<RoleAnswer> {
  const about = { id: role.key.roleId, ...(facts === undefined ? {} : { facts }) };
  return { value: roleAnswerOf(role), version: role.version, about };
}

function serverKeyOf(call: Call<unknown, unknown>): ResourceServerKey {
  const path = { parameter: "resource_server", shape: "uuid", kind: "ResourceServer" } as const;
  return { ...realmOf(call), resourceServerId: readPathId(call.request, path) };
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
