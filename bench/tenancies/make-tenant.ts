import { randomBytes } from "node:crypto";
import { sendForObject } from "../http-request.ts";
import { createApiClient, type RunningMayfly } from "../mayfly-server.ts";

/** Makes a tenant with a realm and an application in it, all through the API, as an operator and then the tenant's own client. */
export async function makeTenant({ operate, port }: RunningMayfly): Promise<void> {
  const display_name = `Tenant ${randomBytes(4).toString("hex")}`;
  const made = await operate("POST", "/v1/tenants", { tenant: { display_name } });
  const tenant = `/v1/tenants/${made.tenant_id}`;
  const client = { clientId: String(made.client_id), clientSecret: String(made.client_secret) };
  const { pathname } = new URL(String(made.token_endpoint));
  const token = await sendForObject({ path: pathname, client, form: { grant_type: "client_credentials" } }, port);
  const manage = createApiClient(port, String(token.access_token));
  const { id: realmId } = await manage("POST", `${tenant}/realms`, { realm: { display_name: "Customers" } });
  const protocol_config = {
    type: "oauth2",
    grant_type: ["client_credentials"],
    token_configuration: { expires_after: 3600 },
  };
  const application = { display_name: "Job", protocol_config };
  await manage("POST", `${tenant}/realms/${realmId}/applications`, { application });
}
