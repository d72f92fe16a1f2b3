import assert from "node:assert/strict";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** The policy of a realm, and that of the admin realm, where administrators log in. */
export const usePolicies: Use = async ({ tenant, api }) => {
  const policy = { rules: [], default_action: "ALLOW" as const };
  await succeed(api("CreatePolicy", { body: { policy } }));
  await succeed(api("GetPolicy", {}));
  await succeed(api("ListPolicyVersions", {}));
  await succeed(api("GetPolicyVersion", { policy_version: "1" }));
  const identity_id = await tenant.addIdentity("policed@example.com");
  await succeed(api("EvaluatePolicy", { body: { transaction: { type: "authentication", identity_id } } }));
  const { realmId: realm } = tenant.adminRealm;
  const { resource_servers } = await succeed(api("ListResourceServers", { realm }));
  const server = { realm, resource_server: resource_servers[0]?.id ?? "" };
  const [role] = (await succeed(api("ListRoles", server))).roles;
  const traits = { type: "traits_v0" as const, username: "root" };
  const { id: root } = await succeed(
    api("CreateIdentity", { realm, body: { identity: { display_name: "Root", traits } } }),
  );
  const { id: group } = await succeed(api("CreateGroup", { realm, body: { group: { display_name: "Roots" } } }));
  await succeed(api("AddGroupMembers", { realm, group, body: { identity_ids: [root] } }));
  await succeed(api("AddRoleMembers", { ...server, role: role?.id ?? "", body: { identity_ids: [root] } }));
  await succeed(api("CreatePolicy", { realm, body: { policy } }));
  return { policy_version: "1" };
};

/** The console config of a realm. */
export const useConsoleConfigs: Use = async ({ api }) => {
  const before = await succeed(api("GetConsoleConfig", {}));
  assert.equal(before.page_size, 20);
  await succeed(api("UpdateConsoleConfig", { body: { console_config: { page_size: 50 } } }));
  return {};
};
