import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf } from "../support/change-events.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

test("a realm without a theme has the built-in one, under the realm's name", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const place = { tenant_id: tenant.tenantId, realm_id: tenant.realm.realmId };
  assert.deepEqual(await succeed(api("GetActiveTheme", {})), {
    ...place,
    email_realm_name: "Customers",
    button_color: "#0B6658",
    button_text_color: "#FFFFFF",
  });
  await succeed(api("UpdateRealm", { body: { realm: { display_name: "Guests" } } }));
  assert.equal((await succeed(api("GetActiveTheme", {}))).email_realm_name, "Guests");
});

test("a theme is made, is the active one, is shown and changed", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const logo = "https://cdn.example/logo.svg";
  const made = await api("CreateTheme", { body: { theme: { logo_url_light: logo, button_color: "#4673d3" } } });
  assert.deepEqual([made.status, made.headers.get("etag")], [200, '"1"'], made.text);
  const { id: theme } = made.value;
  assert.equal(made.value.email_realm_name, "Customers");
  assert.equal(made.value.button_text_color, "#FFFFFF");
  assert.deepEqual(await succeed(api("GetActiveTheme", {})), made.value);
  assert.deepEqual(await succeed(api("GetTheme", { theme })), made.value);
  const body = { theme: { email_realm_name: "Shop", logo_url_light: null, button_color: null } };
  const stale = await api("UpdateTheme", { theme, body, headers: { "if-match": '"7"' } });
  assert.equal(stale.status, 412);
  const changed = await succeed(api("UpdateTheme", { theme, body, headers: { "if-match": '"1"' } }));
  assert.equal(changed.email_realm_name, "Shop");
  assert.equal("logo_url_light" in changed, false);
  assert.equal(changed.button_color, "#0B6658");
  assert.deepEqual(await succeed(api("GetActiveTheme", {})), changed);
  assert.deepEqual(await changesOf(tenant, theme), [
    "BrandingThemeConfigurationChange CREATE",
    "BrandingThemeConfigurationChange UPDATE",
  ]);
});

test("a realm has one theme, even when two make one at once, and another realm has its own", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const body = { theme: {} };
  const both = await Promise.all([api("CreateTheme", { body }), api("CreateTheme", { body })]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409]);
  const refused = await api("CreateTheme", { body });
  assert.deepEqual([refused.status, refused.json?.message], [409, "theme already exists for this realm"]);
  const { id } = await succeed(api("CreateTheme", { body, realm: tenant.adminRealm.realmId }));
  const elsewhere = await api("GetTheme", { theme: id });
  assert.deepEqual([elsewhere.status, elsewhere.json?.message], [404, "theme not found"]);
  assert.equal((await api("UpdateTheme", { theme: id, body })).status, 404);
  assert.equal((await api("GetTheme", { theme: "inactive" })).status, 404);
});

test("URLs that a browser must not follow, and colours that are none, are refused by name (rule 22)", async () => {
  const api = managementClient(await testTenant());
  const urls = [
    "javascript:alert(1)",
    "data:text/html,x",
    "http://shop.example",
    "https://a@shop.example",
    "https://shop.example/#x",
    "com.example.app:/x",
    "shop.example",
  ];
  for (const member of ["logo_url_light", "logo_url_dark", "support_url"] as const) {
    for (const url of urls) {
      const refused = await api("CreateTheme", { body: { theme: { [member]: url } } });
      assert.equal(refused.status, 400, `${member} ${url}`);
      assert.match(violationsOf(refused)[0] ?? "", new RegExp(`^theme\\.${member}: `));
    }
  }
  for (const colour of ["#12345", "#1234567", "123456", "red", "#12345G", "#123456;"]) {
    const refused = await api("CreateTheme", { body: { theme: { button_color: colour } } });
    assert.match(violationsOf(refused)[0] ?? "", /^theme\.button_color: /, colour);
  }
  assert.equal((await api("CreateTheme", { body: { theme: { email_realm_name: "<b>" } } })).status, 400);
  const fine = { support_url: "http://localhost:3000/help", logo_url_dark: "https://cdn.example/dark.png?v=2" };
  await succeed(api("CreateTheme", { body: { theme: fine } }));
});
