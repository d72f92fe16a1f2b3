import assert from "node:assert/strict";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Applications: one is changed and given another secret, one is deleted. */
export const useApplications: Use = async ({ api, ids: { resource_server = "" } }) => {
  const application = {
    display_name: "Watering",
    resource_server_id: resource_server,
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      allowed_scopes: ["flowers:read"],
      token_configuration: { expires_after: 60 },
    },
  };
  const made = await succeed(api("CreateApplication", { body: { application } }));
  const { client_id } = made.protocol_config;
  const path = { application: made.id };
  await succeed(api("GetApplication", path));
  await succeed(api("ListApplications", { query: { filter: `protocol_config.client_id eq "${client_id}"` } }));
  await succeed(api("UpdateApplication", { ...path, body: { application: { display_name: "Sprinkling" } } }));
  await succeed(api("RotateApplicationSecret", { ...path, body: { overlap_seconds: 60 } }));
  assert.equal((await api("DeleteResourceServer", { resource_server })).status, 409);
  const { id: spare } = await succeed(api("CreateApplication", { body: { application } }));
  await succeed(api("DeleteApplication", { application: spare }));
  return path;
};
