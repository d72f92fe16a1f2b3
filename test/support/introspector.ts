import { updateResourceServerSettings } from "../../src/resources/resource-server/queries.ts";
import { type TestClient, testClient } from "./test-client.ts";

/** An API that may introspect the tokens that are meant for it (rule 9 b), beside the client that gets them. */
export async function addIntrospector({
  tenant,
  resourceServer,
}: Omit<TestClient, "application">): Promise<TestClient> {
  const api = await testClient({ tenant, server: resourceServer });
  const { deps } = tenant.server;
  const settings = { ...resourceServer.settings, introspectors: [api.application.key.applicationId] };
  const key = { ...tenant.realm, resourceServerId: resourceServer.resourceServerId };
  const db = deps.database.tenants([tenant.tenantId]);
  await updateResourceServerSettings(db, key, settings, deps.clock.nowMs());
  return api;
}
