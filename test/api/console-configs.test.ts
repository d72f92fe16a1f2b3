import assert from "node:assert/strict";
import { test } from "node:test";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

test("a realm's console config has defaults, and is changed member by member", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const before = await api("GetConsoleConfig", {});
  const { tenantId: tenant_id, realmId: realm_id } = tenant.realm;
  assert.deepEqual(before.value, { tenant_id, realm_id, color_scheme: "system", page_size: 20 });
  const body = { console_config: { ...before.value, title: "Shoes", support_url: "https://help.example.com" } };
  const changed = await api("UpdateConsoleConfig", { body, headers: { "if-match": '"0"' } });
  assert.deepEqual([changed.status, changed.headers.get("etag")], [200, '"1"'], changed.text);
  assert.deepEqual(await succeed(api("GetConsoleConfig", {})), changed.value);
  assert.equal((await api("UpdateConsoleConfig", { body, headers: { "if-match": '"0"' } })).status, 412);
  const cleared = await succeed(api("UpdateConsoleConfig", { body: { console_config: { title: null } } }));
  assert.deepEqual([cleared.title, cleared.support_url], [undefined, "https://help.example.com"]);
  const { realmId: realm } = tenant.adminRealm;
  assert.equal((await succeed(api("GetConsoleConfig", { realm }))).title, undefined, "each realm has its own");
});

test("what is wrong with a console config is said by name", async () => {
  const api = managementClient(await testTenant());
  const refused = async (console_config: object) =>
    String(violationsOf(await api("UpdateConsoleConfig", { body: { console_config } })));
  assert.match(await refused({ page_size: 0 }), /console_config\.page_size/);
  assert.match(await refused({ support_url: "javascript:alert(1)" }), /console_config\.support_url/);
  assert.match(await refused({ color_scheme: null }), /console_config\.color_scheme/);
  assert.match(await refused({ colour: "red" }), /console_config\.colour/);
});
