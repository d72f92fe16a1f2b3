import assert from "node:assert/strict";
import { test } from "node:test";
import { listAllEvents } from "../support/events.ts";
import { call } from "../support/http.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

interface Key {
  readonly id: string;
  readonly algorithm: string;
  readonly state: string;
  readonly signs_from: number;
  readonly latest_expiry: number;
}

async function keysOf(tenant: TestTenant, method = "GET", path = "/keys", body?: unknown): Promise<readonly Key[]> {
  const answer = await tenant.manage(method, path, body);
  assert.equal(answer.status, 200, answer.text);
  const { keys, total_size } = answer.json as { keys: Key[]; total_size: number };
  assert.equal(keys.length, total_size);
  assert.ok(!/"d"|private|sealed/.test(answer.text), answer.text);
  return keys;
}

async function publishedIds(issuer: string): Promise<unknown[]> {
  const { text } = await call(`${issuer}/.well-known/jwks.json`);
  const { keys } = JSON.parse(text) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

test("a realm's keys are listed, rotated before their time, and the next one is published before it signs", async () => {
  const tenant = await testTenant();
  const application = await tenant.addApplication(
    {
      protocol_config: {
        type: "oauth2",
        grant_type: ["client_credentials"],
        token_configuration: { expires_after: 60 },
      },
    },
    await tenant.addResourceServer(),
  );
  assert.deepEqual(await keysOf(tenant), []);
  const [first] = await publishedIds(application.issuer);
  const [made] = await keysOf(tenant);
  assert.deepEqual([made?.id, made?.algorithm, made?.state, made?.latest_expiry], [first, "RS256", "signing", 0]);
  const [next] = await keysOf(tenant, "POST", "/keys:rotate");
  assert.deepEqual([next?.algorithm, next?.state], ["RS256", "next"]);
  assert.equal((next?.signs_from ?? 0) - (made?.signs_from ?? 0) >= 360, true);
  assert.deepEqual(await keysOf(tenant, "POST", "/keys:rotate"), [next], "asked twice it makes one");
  const changes = (await listAllEvents(tenant)).filter(({ type }) => type === "V1RealmChange");
  assert.deepEqual(
    changes.map(({ payload }) => payload),
    [{ changed: ["keys"], made: [`RS256 ${next?.id}`] }],
  );
  assert.deepEqual((await publishedIds(application.issuer)).sort(), [first, next?.id].sort());
  await tenant.advance(360);
  assert.deepEqual(
    (await keysOf(tenant)).map(({ id, state }) => [id, state]),
    [
      [first, "published"],
      [next?.id, "signing"],
    ],
  );
});

test("one algorithm alone may be rotated, and only one that there is", async () => {
  const tenant = await testTenant();
  const [key] = await keysOf(tenant, "POST", "/keys:rotate", { algorithm: "ES256" });
  assert.equal(key?.algorithm, "ES256");
  const refused = await tenant.manage("POST", "/keys:rotate", { algorithm: "HS256" });
  assert.deepEqual([refused.status, refused.json?.code], [400, "bad_request"]);
});

test("keys are read with realms:read and rotated with realms:update, in a realm that there is", async () => {
  const tenant = await testTenant();
  const { server, tenantId } = tenant;
  const send = async (scope: string, method: string, path: string) => {
    const authorization = `Bearer ${await tenant.managementToken(scope)}`;
    return (await call(`${server.url}/v1/tenants/${tenantId}/realms/${path}`, { method, headers: { authorization } }))
      .status;
  };
  const { realmId } = tenant.realm;
  assert.equal(await send("realms:read", "GET", `${realmId}/keys`), 200);
  assert.equal(await send("realms:read", "POST", `${realmId}/keys:rotate`), 403);
  assert.equal(await send("realms:update", "POST", `${realmId}/keys:rotate`), 200);
  assert.equal(await send("realms:update", "GET", `${realmId}/keys`), 403);
  assert.equal(await send("realms:read", "GET", "00000000000000ff/keys"), 404);
});
