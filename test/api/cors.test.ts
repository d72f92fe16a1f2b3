import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../src/platform/random.ts";
import type { RealmKey } from "../../src/protocol/client-metadata.ts";
import {
  insertAuthenticatorConfig,
  updateAuthenticatorConfigSettings,
} from "../../src/resources/authenticator-config/queries.ts";
import { createAuthenticatorConfig } from "../../src/resources/authenticator-config/rules.ts";
import { type Answer, call } from "../support/http.ts";
import { testClient } from "../support/test-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

const ORIGIN = "https://shop.example.com";

async function trust({ server: { deps } }: TestTenant, realm: RealmKey, origins: readonly string[]) {
  const key = { ...realm, authenticatorConfigId: uuid(deps.random) };
  const change = async (trusted: readonly string[], isNew: boolean) => {
    const config = { type: "hosted_web" as const, trusted_origins: [...trusted] };
    const checked = createAuthenticatorConfig({ config }, { isAdmin: false });
    assert.ok(checked.ok);
    const store = isNew ? insertAuthenticatorConfig : updateAuthenticatorConfigSettings;
    await store(deps.database.tenants([realm.tenantId]), key, checked.value, deps.clock.nowMs());
  };
  await change(origins, true);
  return (trusted: readonly string[]) => change(trusted, false);
}

const preflight = (url: string, { origin = ORIGIN, method = "POST" } = {}): Promise<Answer> =>
  call(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,content-type",
    },
  });
const sharedWith = ({ headers }: Answer) => headers.get("access-control-allow-origin");

test("pages of a trusted origin may call the routes of the realm, and others may not", async () => {
  const tenant = await testTenant();
  const application = (await testClient({ tenant })).application;
  await trust(tenant, tenant.realm, [ORIGIN]);
  const groups = `${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/${tenant.realm.realmId}/groups`;
  for (const url of [`${application.issuer}/token`, `${application.issuer}/userinfo`, groups]) {
    const allowed = await preflight(url);
    assert.deepEqual([allowed.status, sharedWith(allowed), allowed.text], [204, ORIGIN, ""], url);
    assert.match(String(allowed.headers.get("access-control-allow-methods")), /POST/);
    assert.match(String(allowed.headers.get("access-control-allow-headers")), /authorization.*if-match/);
    assert.match(String(allowed.headers.get("vary")), /origin/);
    assert.equal(allowed.headers.get("access-control-allow-credentials"), null);
    for (const origin of ["https://evil.example.com", "http://shop.example.com", `${ORIGIN}.evil.com`, "null"]) {
      const refused = await preflight(url, { origin });
      assert.deepEqual([refused.status, sharedWith(refused)], [405, null], origin);
      assert.ok(refused.headers.get("allow"));
    }
  }
  const authorization = `Bearer ${await tenant.managementToken()}`;
  const read = await call(groups, { headers: { origin: ORIGIN, authorization } });
  assert.deepEqual([read.status, sharedWith(read), read.headers.get("vary")], [200, ORIGIN, "origin"]);
  const exposed = String(read.headers.get("access-control-expose-headers"));
  for (const name of ["etag", "ratelimit-remaining", "x-trace-id", "x-correlation-id", "x-next-page-token"])
    assert.ok(exposed.includes(name));
  const failed = await call(`${application.issuer}/token`, { method: "POST", headers: { origin: ORIGIN } });
  assert.deepEqual([failed.status, sharedWith(failed)], [415, ORIGIN], "a page reads why it was refused");
  const stranger = await call(groups, { headers: { origin: "https://evil.example.com", authorization } });
  assert.deepEqual([stranger.status, sharedWith(stranger)], [200, null]);
});

test("a realm's origins call that realm alone; the admin realm's call the whole tenant's management", async () => {
  const tenant = await testTenant();
  const [console, shop] = ["https://console.example.com", ORIGIN];
  await trust(tenant, tenant.realm, [shop]);
  await trust(tenant, tenant.adminRealm, [console]);
  const place = `${tenant.server.url}/v1/tenants/${tenant.tenantId}`;
  const groups = `${place}/realms/${tenant.realm.realmId}/groups`;
  assert.equal(sharedWith(await preflight(groups, { origin: console })), console);
  assert.equal(sharedWith(await preflight(place, { origin: console, method: "PATCH" })), console);
  assert.equal(sharedWith(await preflight(place, { origin: shop, method: "PATCH" })), null);
  const application = (await testClient({ tenant })).application;
  assert.equal(sharedWith(await preflight(`${application.issuer}/token`, { origin: console })), null);
  const other = await testTenant();
  const elsewhere = `${other.server.url}/v1/tenants/${other.tenantId}/realms/${other.realm.realmId}/groups`;
  assert.equal(sharedWith(await preflight(elsewhere, { origin: console })), null);
});

test("an origin that is trusted no more may not call any more", async () => {
  const tenant = await testTenant();
  const change = await trust(tenant, tenant.realm, [ORIGIN]);
  const url = `${(await testClient({ tenant })).application.issuer}/token`;
  assert.equal((await preflight(url)).status, 204);
  await change([]);
  const isRefused = async () => (await preflight(url)).status === 405;
  await waitUntil(isRefused, "it may call on and on", { everyMs: 5, msMax: 20_000 });
});

test("public documents are everybody's; pages of ours and the operator's routes are nobody's", async () => {
  const tenant = await testTenant();
  const application = (await testClient({ tenant })).application;
  for (const path of ["/.well-known/openid-configuration", "/.well-known/jwks.json"]) {
    const answer = await call(`${application.issuer}${path}`, { headers: { origin: ORIGIN } });
    assert.deepEqual([answer.status, sharedWith(answer)], [200, "*"], path);
    const asked = await preflight(`${application.issuer}${path}`, { method: "GET" });
    assert.deepEqual([asked.status, sharedWith(asked)], [204, "*"]);
  }
  await trust(tenant, tenant.realm, [ORIGIN]);
  await trust(tenant, tenant.adminRealm, [ORIGIN]);
  for (const url of [`${application.issuer}/authorize`, `${tenant.server.url}/v1/tenants/${tenant.tenantId}/quotas`]) {
    const asked = await preflight(url, { method: "GET" });
    assert.deepEqual([asked.status, sharedWith(asked)], [405, null], url);
  }
  const plain = await call(`${application.issuer}/token`, { method: "OPTIONS" });
  assert.deepEqual(
    [plain.status, plain.headers.get("allow")],
    [405, "POST"],
    "OPTIONS without a page is a method like others",
  );
});
