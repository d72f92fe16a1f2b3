import assert from "node:assert/strict";
import { test } from "node:test";
import { listAllEvents } from "../support/events.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { setQuotas } from "../support/operator-client.ts";
import { testTenant } from "../support/test-tenant.ts";

test("a tenant is shown and changed by its administrators, and its id, kind and times are not", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const shown = await api("GetTenant", {});
  assert.equal(shown.status, 200, shown.text);
  assert.deepEqual(
    [shown.value.id, shown.value.display_name, shown.value.kind],
    [tenant.tenantId, "Test tenant", "test"],
  );
  const body = { tenant: { ...shown.value, display_name: "Shoes", settings: { show_secrets_once: true } } };
  const changed = await api("UpdateTenant", { body, headers: { "if-match": String(shown.headers.get("etag")) } });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(
    [changed.value.display_name, changed.value.settings.show_secrets_once, changed.value.settings.allow_plain_pkce],
    ["Shoes", true, false],
  );
  assert.deepEqual((await api("GetTenant", {})).value, changed.value);
  const late = await api("UpdateTenant", { body, headers: { "if-match": String(shown.headers.get("etag")) } });
  assert.equal(late.status, 412, late.text);
  const [event] = await listAllEvents(tenant, { filter: 'type eq "V1TenantChange"' }, tenant.adminRealm);
  assert.deepEqual(event?.payload, { changed: ["display_name", "settings"] });
});

test("a name that reference 2.3 bans, a member that nobody knows and a lifetime of nothing are refused", async () => {
  const api = managementClient(await testTenant());
  const refused = async (tenant: object) => violationsOf(await api("UpdateTenant", { body: { tenant } }));
  assert.deepEqual(await refused({ display_name: "" }), ["tenant.display_name: empty string"]);
  assert.equal((await refused({ display_name: "a{b}" })).length, 1);
  assert.match(String(await refused({ colour: "red" })), /tenant\.colour/);
  assert.match(
    String(await refused({ token_policy: { max_expires_after: 0 } })),
    /tenant\.token_policy\.max_expires_after/,
  );
  assert.match(String(await refused({ quotas: { max_identities: 1 } })), /tenant\.quotas/);
});

test("another tenant is 403, and so is one realm's administrator", async () => {
  const tenant = await testTenant();
  const stranger = await testTenant();
  const api = managementClient(tenant);
  assert.equal((await api("GetTenant", { token: await stranger.managementToken() })).status, 403);
  assert.equal((await api("GetTenant", { token: await tenant.managementToken("realms:read") })).status, 403);
  assert.equal(
    (await api("UpdateTenant", { body: { tenant: {} }, token: await tenant.managementToken("tenants:read") })).status,
    403,
  );
});

test("a tenant's own limit of live tokens is at most its operator's quota", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  await succeed(api("UpdateTenant", { body: { tenant: { token_policy: { max_live_tokens: 5_000 } } } }));
  await setQuotas(tenant.server, tenant.tenantId, { max_live_tokens: 1_000 });
  const limit = async () => (await succeed(api("GetTenant", {}))).token_policy.max_live_tokens;
  assert.equal(await limit(), 1_000);
  const above = await api("UpdateTenant", { body: { tenant: { token_policy: { max_live_tokens: 1_001 } } } });
  assert.match(String(violationsOf(above)), /tenant\.token_policy\.max_live_tokens: is above/);
  await succeed(api("UpdateTenant", { body: { tenant: { token_policy: { max_live_tokens: null } } } }));
  assert.equal(await limit(), 1_000, "nobody gets rid of a quota by saying nothing");
  await setQuotas(tenant.server, tenant.tenantId, { max_live_tokens: 2_000 });
  assert.equal(await limit(), 2_000);
  await succeed(api("UpdateTenant", { body: { tenant: { token_policy: { max_live_tokens: 10 } } } }));
  await setQuotas(tenant.server, tenant.tenantId, { max_live_tokens: 500 });
  assert.equal(await limit(), 10);
});

test("a request is named as its client names it, or by its trace id", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  for (const name of ["x-correlation-id", "x-correlation_id"]) {
    const named = await api("UpdateTenant", { body: { tenant: {} }, headers: { [name]: "job-17" } });
    assert.equal(named.headers.get("x-correlation-id"), "job-17", name);
  }
  const unnamed = await api("GetTenant", {});
  assert.equal(unnamed.headers.get("x-correlation-id"), unnamed.headers.get("x-trace-id"));
  const long = await api("GetTenant", { headers: { "x-correlation-id": "s".repeat(43) } });
  assert.equal(long.headers.get("x-correlation-id"), long.headers.get("x-trace-id"), "it may be a secret");
  const refused = await api("GetTenant", { token: "nonsense", headers: { "x-correlation-id": "job-18" } });
  assert.deepEqual([refused.status, refused.headers.get("x-correlation-id")], [401, "job-18"]);
  const events = await listAllEvents(tenant, { filter: 'correlation_id eq "job-17"' }, tenant.adminRealm);
  assert.equal(events.length, 2);
});
