import { robotOf } from "./admin-world.ts";
import { basic } from "./http.ts";
import { managementClient, succeed } from "./management-client.ts";
import type { TestApplication, TestTenant } from "./test-tenant.ts";

/** An application of the admin realm with some power, and a way to have its tokens. */
export async function administratorOf(tenant: TestTenant, scopes: readonly string[]) {
  const api = managementClient(tenant);
  const { realmId } = tenant.adminRealm;
  const own = await succeed(
    api("GetApplication", { realm: realmId, application: tenant.management.key.applicationId }),
  );
  const application = robotOf(own.resource_server_id ?? "", scopes, "*");
  const made = await succeed(api("CreateApplication", { realm: realmId, body: { application } }));
  const { client_id: clientId = "", client_secret: clientSecret = "" } = made.protocol_config;
  const robot: TestApplication = {
    key: { ...tenant.adminRealm, applicationId: made.id },
    clientId,
    clientSecret,
    issuer: tenant.management.issuer.replace(tenant.management.key.applicationId, made.id),
    authorization: basic(clientId, clientSecret),
  };
  return {
    robot,
    place: ["--application", made.id],
    issue: async () => String((await tenant.token(robot, { grant_type: "client_credentials" })).json?.access_token),
    isActive: async (token: string) => (await tenant.introspect(robot, token)).active,
  };
}
