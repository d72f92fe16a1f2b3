import assert from "node:assert/strict";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Roles: one with scopes and members is left, one is deleted. */
export const useRoles: Use = async ({ api, tenant, ids: { resource_server = "" } }) => {
  const body = { role: { display_name: "Florists" } };
  const { id: role } = await succeed(api("CreateRole", { resource_server, body }));
  const path = { resource_server, role };
  await succeed(api("GetRole", path));
  await succeed(api("ListRoles", { resource_server, query: { filter: 'display_name eq "florists"' } }));
  await succeed(api("UpdateRole", { ...path, body: { role: { description: "With scissors" } } }));
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Florists" } } }));
  const members = { group_ids: [group], identity_ids: [await tenant.addIdentity("florist@example.com")] };
  await succeed(api("AddRoleMembers", { ...path, body: members }));
  await succeed(api("DeleteRoleMembers", { ...path, body: members }));
  await succeed(api("AddRoleMembers", { ...path, body: members }));
  const query = { resource_server_id: resource_server };
  await succeed(api("ListIdentityRoles", { identity: members.identity_ids[0] ?? "", query }));
  await succeed(api("ListGroupRoles", { group, query }));
  await succeed(api("ListRoleMembers", path));
  assert.equal((await api("DeleteRole", path)).status, 409);
  await succeed(api("AddRoleScopes", { ...path, body: { scopes: ["flowers:read", "flowers:write"] } }));
  await succeed(api("DeleteRoleScopes", { ...path, body: { scopes: ["flowers:write"] } }));
  await succeed(api("ListRoleScopes", path));
  const { id: spare } = await succeed(
    api("CreateRole", { resource_server, body: { role: { display_name: "Nobody" } } }),
  );
  await succeed(api("DeleteRole", { resource_server, role: spare }));
  return { role };
};
