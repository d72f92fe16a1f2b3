import assert from "node:assert/strict";
import { updateResourceServerSettings } from "../../src/resources/resource-server/queries.ts";
import { postForm } from "./http.ts";
import { type TestClient, testClient } from "./test-client.ts";
import { tokensOf } from "./test-code-flow.ts";
import type { TestApplication, TestResourceServer, TestTenant } from "./test-tenant.ts";

/** Whose tokens are meant, and who may hear of them. */
export interface Audience {
  readonly tenant: TestTenant;
  readonly resourceServer: TestResourceServer;
}

type Client = Pick<TestClient, "tenant" | "application">;

/** Lets these applications, and no others, hear of an audience. */
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

/** An API that may hear of its audience. */
export async function makeApi(audience: Audience): Promise<TestApplication> {
  const { application } = await testClient({ tenant: audience.tenant, server: audience.resourceServer });
  await setIntrospectors(audience, [application]);
  return application;
}

/** A token of a client that acts for itself. */
export async function issueTo({ tenant, application }: Client): Promise<string> {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
}

/** Lets a client revoke its token. */
export async function revokeFor({ application }: Client, token: string): Promise<void> {
  const { authorization } = application;
  assert.equal((await postForm(`${application.issuer}/revoke`, { token }, { authorization })).status, 200);
}
