import assert from "node:assert/strict";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Groups: one with a member is left, one is deleted. */
export const useGroups: Use = async ({ tenant, api }) => {
  const body = { group: { display_name: "Gardeners" } };
  const { id: group } = await succeed(api("CreateGroup", { body, headers: { "idempotency-key": "gardeners" } }));
  await succeed(api("CreateGroup", { body, headers: { "idempotency-key": "gardeners" } }));
  await succeed(api("GetGroup", { group }));
  await succeed(api("ListGroups", { query: { filter: 'display_name sw "g"' } }));
  await succeed(api("UpdateGroup", { group, body: { group: { description: "Green" } } }));
  const members = { identity_ids: [await tenant.addIdentity("gardener@example.com")] };
  await succeed(api("AddGroupMembers", { group, body: members }));
  await succeed(api("DeleteGroupMembers", { group, body: members }));
  await succeed(api("AddGroupMembers", { group, body: members }));
  await succeed(api("ListGroupMembers", { group }));
  await succeed(api("ListIdentityGroups", { identity: members.identity_ids[0] ?? "" }));
  assert.equal((await api("DeleteGroup", { group })).status, 409);
  assert.equal((await api("DeleteRealm", {})).status, 409);
  const { id: spare } = await succeed(api("CreateGroup", { body: { group: { display_name: "Nobody" } } }));
  await succeed(api("DeleteGroup", { group: spare }));
  const { realmId: realm } = tenant.adminRealm; // where groups may give power
  const { id: admins } = await succeed(api("CreateGroup", { realm, body: { group: { display_name: "Admins" } } }));
  await succeed(api("DeleteGroup", { realm, group: admins }));
  return { group };
};
