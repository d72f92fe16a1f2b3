import assert from "node:assert/strict";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Resource servers: one is left for the roles and applications, one is deleted. */
export const useResourceServers: Use = async ({ tenant, api }) => {
  const shop = {
    display_name: "Flowers",
    identifier: "urn:flowers",
    scopes: ["flowers:read", "flowers:write", "flowers:cut"],
  };
  const made = await succeed(api("CreateResourceServer", { body: { resource_server: shop } }));
  const { id: resource_server } = made;
  await succeed(api("GetResourceServer", { resource_server }));
  await succeed(api("ListResourceServers", { query: { filter: 'identifier eq "urn:flowers"' } }));
  const fewer = { resource_server: { scopes: ["flowers:read", "flowers:write"] } };
  await succeed(api("UpdateResourceServer", { resource_server, body: fewer }));
  const again = await api("CreateResourceServer", { body: { resource_server: shop } });
  assert.equal(again.status, 409);
  const job = { type: "oauth2" as const, grant_type: ["client_credentials" as const] };
  const { key } = await tenant.addApplication({
    protocol_config: { ...job, token_configuration: { expires_after: 60 } },
  });
  const introspected = { resource_server: { introspectors: [key.applicationId] } };
  await succeed(api("UpdateResourceServer", { resource_server, body: introspected }));
  const other = { ...shop, identifier: "urn:weeds" };
  const { id: spare } = await succeed(api("CreateResourceServer", { body: { resource_server: other } }));
  await succeed(api("DeleteResourceServer", { resource_server: spare }));
  return { resource_server };
};
