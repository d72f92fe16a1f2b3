import assert from "node:assert/strict";
import { consoleOf } from "../admin-world.ts";
import { succeed } from "../management-client.ts";
import type { Use, UseParts } from "./index.ts";

/** Authenticator configs: one is left, one is deleted. */
export const useAuthenticatorConfigs: Use = async ({ tenant, api }) => {
  const config = { type: "hosted_web" as const, trusted_origins: ["https://shop.example.com"] };
  const body = { authenticator_config: { display_name: "Hosted", config } };
  const { id: authenticator_config } = await succeed(api("CreateAuthenticatorConfig", { body }));
  await succeed(api("GetAuthenticatorConfig", { authenticator_config }));
  await succeed(api("ListAuthenticatorConfigs", { query: { filter: 'config.type eq "hosted_web"' } }));
  const renamed = { authenticator_config: { display_name: "Ours" } };
  await succeed(api("UpdateAuthenticatorConfig", { authenticator_config, body: renamed }));
  await useInAdminRealm({ tenant, api });
  const { id: spare } = await succeed(api("CreateAuthenticatorConfig", { body }));
  await succeed(api("DeleteAuthenticatorConfig", { authenticator_config: spare }));
  return { authenticator_config };
};

/** By what administrators log in to: only there, a config is worth anybody's power. */
async function useInAdminRealm({ tenant, api }: Pick<UseParts, "tenant" | "api">): Promise<void> {
  const { realmId: realm } = tenant.adminRealm;
  const body = { authenticator_config: { config: { type: "hosted_web" as const } } };
  const { id: authenticator_config } = await succeed(api("CreateAuthenticatorConfig", { realm, body }));
  const { resource_servers } = await succeed(api("ListResourceServers", { realm }));
  const resource_server = resource_servers[0]?.id ?? "";
  const application = consoleOf(resource_server, authenticator_config);
  await succeed(api("CreateApplication", { realm, body: { application } }));
  // Somebody of power, whose invitation leads there.
  const traits = { type: "traits_v0" as const, username: "invited administrator" };
  const person = { identity: { display_name: "Invited", traits } };
  const { id: identity } = await succeed(api("CreateIdentity", { realm, body: person }));
  const { roles } = await succeed(api("ListRoles", { realm, resource_server }));
  const member = { realm, resource_server, role: roles[0]?.id ?? "" };
  await succeed(api("AddRoleMembers", { ...member, body: { identity_ids: [identity] } }));
  const job = { delivery_method: "RETURN" as const, authenticator_config_id: authenticator_config };
  await succeed(api("CreateCredentialBindingJob", { realm, identity, body: { job } }));
  await succeed(api("UpdateAuthenticatorConfig", { realm, authenticator_config, body }));
  assert.equal((await api("DeleteAuthenticatorConfig", { realm, authenticator_config })).status, 409);
}
