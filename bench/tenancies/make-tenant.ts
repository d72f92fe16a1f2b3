import { randomBytes } from "node:crypto";
import { sendForObject } from "../http-request.ts";
import type { RunningMayfly } from "../mayfly-server.ts";

/** Makes a tenant with a realm and an application in it, all through the API, as an operator and then the tenant's own client. */
export async function makeTenant({ operate, port }: RunningMayfly): Promise<void> {
  const display_name = `Tenant ${randomBytes(4).toString("hex")}`;
  const made = await operate("POST", "/v1/tenants", { tenant: { display_name } });
  const tenant = `/v1/tenants/${made.tenant_id}`;
  const client = { clientId: String(made.client_id), clientSecret: String(made.client_secret) };
  const { pathname } = new URL(String(made.token_endpoint));
  const token = await sendForObject({ path: pathname, client, form: { grant_type: "client_credentials" } }, port);
  const send = async (path: string, body: object): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token.access_token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return String(JSON.parse(text).id);
  };
  const realmId = await send(`${tenant}/realms`, { realm: { display_name: "Customers" } });
  const protocol_config = {
    type: "oauth2",
    grant_type: ["client_credentials"],
    token_configuration: { expires_after: 3600 },
  };
  await send(`${tenant}/realms/${realmId}/applications`, { application: { display_name: "Job", protocol_config } });
}
