import assert from "node:assert/strict";
import { test } from "node:test";
import { basic, call, postForm } from "../support/http.ts";
import { eventually } from "../support/login-flow.ts";
import { sendRaw } from "../support/raw-http.ts";
import { type Scrape, scrape } from "../support/scrape.ts";
import { testClient } from "../support/test-client.ts";
import { sharedServer, type TestServer } from "../support/test-server.ts";
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
    const more = await difference(server, async () => {
      assert.equal((await tenant.token(application, { grant_type: "client_credentials" })).status, 200);
      const wrong = { authorization: basic(application.clientId, "wrong") };
      assert.equal((await postForm(`${application.issuer}/token`, {}, wrong)).status, 401);
    });
    assert.equal(more(SECONDS, { route: "token", status: "2xx", tenant: kind }), 1);
    assert.equal(more(SECONDS, { route: "token", status: "4xx", tenant: kind }), 1);
    const seconds = more("mayfly_http_request_duration_seconds_sum", { route: "token", tenant: kind });
    assert.ok(seconds > 0 && seconds < 60, `${seconds} s`);
    assert.equal(more("mayfly_refusals_total", { route: "token", error: "invalid_client" }), 1);
  });
}

test("what names no tenant, path or method of ours is counted under fixed names", async () => {
  const server = await sharedServer();
  const stranger = "/v1/tenants/0000000000000000/realms/0000000000000000/applications/x/token";
  const more = await difference(server, async () => {
    await postForm(`${server.url}${stranger}`, {});
    await call(`${server.url}/no-such-path`);
    await call(`${server.url}/health/live`, { method: "PUT" });
    assert.equal((await sendRaw(server.url, { method: "GET", target: "/", headers: ["no header"] })).status, 400);
  });
  assert.equal(more(SECONDS, { route: "token", status: "4xx", tenant: "none" }), 1);
  assert.equal(more(SECONDS, { route: "none", status: "4xx", tenant: "none" }), 1);
  assert.equal(more(SECONDS, { route: "live", status: "4xx" }), 1);
  assert.equal(more("mayfly_refusals_total", { route: "malformed", error: "bad_request" }), 1);
});

test("no series names a tenant, an application or anything that was sent", async () => {
  const { tenant, application } = await testClient({ tenant: await testTenant() });
  await tenant.token(application, { grant_type: "client_credentials" });
  await tenant.token(application, { grant_type: "sent-by-a-client" });
  const { text } = await scrape(tenant.server);
  const secrets = [tenant.tenantId, tenant.realm.realmId, application.clientId, application.key.applicationId];
  for (const value of [...secrets, "sent-by-a-client"]) assert.equal(text.includes(value), false, value);
});

test("tokens are counted by grant and format, with the lifetimes that were asked for and given", async () => {
  const { tenant, application } = await testClient({ tenant: await testTenant() });
  const [asked, given] = ["mayfly_token_requested_lifetime_seconds", "mayfly_token_granted_lifetime_seconds"];
  const more = await difference(tenant.server, async () => {
    await tenant.token(application, { grant_type: "client_credentials", expiration_time: "900" });
    await tenant.token(application, { grant_type: "client_credentials" });
    await tenant.token(application, { grant_type: "client_credentials", expiration_time: "86401" });
  });
  assert.equal(more("mayfly_tokens_issued_total", { grant: "client_credentials", format: "self_contained" }), 2);
  assert.equal(more(`${asked}_sum`), 900 + 86_401);
  assert.equal(more(`${asked}_bucket`, { le: "900" }), 1);
  assert.equal(more(`${given}_sum`, { basis: "requested" }), 900);
  assert.equal(more(`${given}_sum`, { basis: "default" }), 86_400);
});

test("what requests share shows: batches, statements, caches and connections", async () => {
  const { tenant, application } = await testClient({ tenant: await testTenant() });
  const send = () => tenant.token(application, { grant_type: "client_credentials" });
  await send();
  const more = await difference(tenant.server, () => Promise.all([send(), send(), send()]));
  const insert = { batch: "insert" };
  assert.equal(more("mayfly_batch_size_sum", insert), 3);
  assert.equal(more("mayfly_batch_wait_seconds_count", insert), 3);
  assert.equal(more("mayfly_batch_queue_length", insert), 0);
  assert.equal(more("mayfly_batches_in_flight", insert), 0);
  const batches = more("mayfly_batch_size_count", { batch: "insert" });
  assert.equal(more("mayfly_database_statement_duration_seconds_count", { statement: "token.insert" }), batches);
  assert.ok(more("mayfly_database_connection_wait_seconds_count") >= batches);
  assert.equal(more("mayfly_cache_lookups_total", { cache: "application" }), 3);
  // News of the application itself may still come in and clear what was kept.
  await eventually(async () => {
    const again = await difference(tenant.server, send);
    return again("mayfly_cache_lookups_total", { cache: "application", result: "hit" }) === 1 ? true : undefined;
  });
  const { sum } = await scrape(tenant.server);
  assert.ok(sum("mayfly_database_connections") >= 1);
  assert.ok(sum("mayfly_database_connections_max") >= sum("mayfly_database_connections"));
});

test("a revocation is timed until it is durable, by whatever way it comes", async () => {
  const { tenant, application } = await testClient({ tenant: await testTenant() });
  const token = await tenant.token(application, { grant_type: "client_credentials" });
  const other = await tenant.token(application, { grant_type: "client_credentials" });
  const { jti } = await tenant.introspect(application, String(other.json?.access_token));
  const more = await difference(tenant.server, async () => {
    const form = { token: String(token.json?.access_token) };
    await postForm(`${application.issuer}/revoke`, form, { authorization: application.authorization });
    const answer = await tenant.manage("DELETE", `/applications/${application.key.applicationId}/tokens/${jti}`);
    assert.equal(answer.status, 200, answer.text);
  });
  assert.equal(more("mayfly_revocation_delay_seconds_count"), 2);
  assert.ok(more("mayfly_revocation_delay_seconds_sum") < 10);
});

test("the process shows what it costs, and its version", async () => {
  const { sum } = await scrape(await sharedServer());
  for (const name of [
    "process_cpu_seconds_total",
    "mayfly_event_loop_active_seconds_total",
    "nodejs_heap_size_used_bytes",
  ])
    assert.ok(sum(name) > 0, name);
  assert.ok(Math.abs(sum("process_start_time_seconds") * 1_000 + performance.now() - Date.now()) < 60_000);
  assert.equal(sum("mayfly_build_info", { node: process.version }), 1);
  assert.ok(sum("mayfly_clock_age_seconds") < 60);
});

/** How much each series has grown while something was done. */
async function difference(server: TestServer, work: () => Promise<unknown>): Promise<Scrape["sum"]> {
  const before = await scrape(server);
  await work();
  const after = await scrape(server);
  return (name, labels) => after.sum(name, labels) - before.sum(name, labels);
}
