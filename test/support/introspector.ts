import { updateResourceServerSettings } from "../../src/resources/resource-server/queries.ts";
import { type TestClient, testClient } from "./test-client.ts";
import type { TestApplication, TestResourceServer, TestTenant } from "./test-tenant.ts";

/** Whose tokens are meant, and who may ask about them or hear of them. */
export interface Audience {
  readonly tenant: TestTenant;
  readonly resourceServer: TestResourceServer;
}

/** An API that may introspect the tokens that are meant for it (rule 9 b), beside the client that gets them. */
export async function addIntrospector(audience: Audience): Promise<TestClient> {
  const api = await testClient({ tenant: audience.tenant, server: audience.resourceServer });
  await setIntrospectors(audience, [api.application]);
  return api;
}

/** Makes these applications, and no others, introspectors of an audience. */
export async function setIntrospectors(
  { tenant, resourceServer }: Audience,
  applications: readonly TestApplication[],
): Promise<void> {
  const { database, clock } = tenant.server.deps;
  const introspectors = applications.map(({ key }) => key.applicationId);
  await updateResourceServerSettings(
    database.tenants([tenant.tenantId]),
    { ...tenant.realm, resourceServerId: resourceServer.resourceServerId },
    { ...resourceServer.settings, introspectors },
    clock.nowMs(),
  );
}
