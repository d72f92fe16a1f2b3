import assert from "node:assert/strict";
import { test } from "node:test";
import { basic, call, postForm } from "../support/http.ts";
import { scrape } from "../support/scrape.ts";
import { testClient } from "../support/test-client.ts";
import { sharedServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

const SECONDS = "mayfly_http_request_duration_seconds_count";

test("metrics are on the operators' listener and nowhere else (rule 27)", async () => {
  const server = await sharedServer();
  assert.equal((await call(`${server.url}/metrics`)).status, 404);
  const { text } = await scrape(server);
  assert.match(text, /^# TYPE mayfly_http_request_duration_seconds histogram$/m);
});

for (const kind of ["test", "production"] as const) {
  test(`requests of a ${kind} tenant are counted by route and class of status, refusals by their code`, async () => {
    const { tenant, application } = await testClient({ tenant: await testTenant({ kind }) });
    const { server } = tenant;
    const before = await scrape(server);
    assert.equal((await tenant.token(application, { grant_type: "client_credentials" })).status, 200);
    const wrong = { authorization: basic(application.clientId, "wrong") };
    assert.equal((await postForm(`${application.issuer}/token`, {}, wrong)).status, 401);
    const after = await scrape(server);
    const more = (name: string, labels: Record<string, string>) => after.sum(name, labels) - before.sum(name, labels);
    assert.equal(more(SECONDS, { route: "token", status: "2xx", tenant: kind }), 1);
    assert.equal(more(SECONDS, { route: "token", status: "4xx", tenant: kind }), 1);
    assert.equal(more("mayfly_refusals_total", { route: "token", error: "invalid_client" }), 1);
  });
}

test("what names no tenant, path or method of ours is counted under fixed names", async () => {
  const server = await sharedServer();
  const before = await scrape(server);
  const stranger = "/v1/tenants/0000000000000000/realms/0000000000000000/applications/x/token";
  await postForm(`${server.url}${stranger}`, {});
  await call(`${server.url}/no-such-${"path".repeat(9)}`);
  await call(`${server.url}/health/live`, { method: "PUT" });
  const after = await scrape(server);
  const more = (labels: Record<string, string>) => after.sum(SECONDS, labels) - before.sum(SECONDS, labels);
  assert.equal(more({ route: "token", status: "4xx", tenant: "none" }), 1);
  assert.equal(more({ route: "none", status: "4xx", tenant: "none" }), 1);
  assert.equal(more({ route: "live", status: "4xx" }), 1);
});

test("no series names a tenant, an application or anything that was sent", async () => {
  const { tenant, application } = await testClient({ tenant: await testTenant() });
  await tenant.token(application, { grant_type: "client_credentials" });
  await tenant.token(application, { grant_type: "sent-by-a-client" });
  const { text } = await scrape(tenant.server);
  const secrets = [tenant.tenantId, tenant.realm.realmId, application.clientId, application.key.applicationId];
  for (const value of [...secrets, "sent-by-a-client"]) assert.equal(text.includes(value), false, value);
});
