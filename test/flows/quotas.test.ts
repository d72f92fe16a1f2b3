import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLiveCountRecorder } from "../../src/resources/live-count/recorder.ts";
import { findTenant, updateTenantSettings } from "../../src/resources/tenant/queries.ts";
import type { Answer } from "../support/http.ts";
import { assertRefused } from "../support/refusals.ts";
import { stoppedServer } from "../support/stopped-server.ts";
import { changeTokens, type TestClient, TOKENS, testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";
import { addExchanger, exchange } from "../support/token-exchange.ts";

// Rule 37: live-token quotas, per application and per tenant.

function ask({ tenant, application }: TestClient, form: Record<string, string> = {}): Promise<Answer> {
  return tenant.token(application, { grant_type: "client_credentials", ...form });
}

async function issue(client: TestClient, count: number, form: Record<string, string> = {}): Promise<string[]> {
  const tokens: string[] = [];
  for (let n = 0; n < count; n += 1) tokens.push(tokensOf(await ask(client, form)).access);
  return tokens;
}

async function setTenantQuota(tenant: TestTenant, max_live_tokens: number): Promise<void> {
  const { deps } = tenant.server;
  const db = deps.database.tenants([tenant.tenantId]);
  const stored = await findTenant(db, tenant.tenantId);
  assert.ok(stored);
  const settings = { ...stored.settings, token_policy: { max_live_tokens } };
  await updateTenantSettings(db, tenant.tenantId, settings, deps.clock.nowMs());
}

/** A tenant that holds one token, the one that manages it. */
async function tenantWithQuota(max_live_tokens: number): Promise<TestTenant> {
  const tenant = await testTenant({ server: await stoppedServer() });
  await tenant.managementToken();
  await setTenantQuota(tenant, max_live_tokens);
  return tenant;
}

/** The refusal, with what its decision says. */
async function assertFull(tenant: TestTenant, answer: Answer, facts: Readonly<Record<string, unknown>>): Promise<void> {
  assertRefused(answer, 429, "temporarily_unavailable");
  const seconds = Number(answer.headers.get("retry-after"));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After is ${seconds}`);
  const found = await tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
  const [decision] = (found.json?.decisions ?? []) as { outcome: string; facts: Record<string, unknown> }[];
  assert.equal(decision?.outcome, "temporarily_unavailable");
  const { quota, max_live_tokens, live_tokens } = decision?.facts ?? {};
  assert.deepEqual({ quota, max_live_tokens, live_tokens }, facts, found.text);
}

describe("an application's quota", () => {
  test("is reached: 429 with Retry-After, and the decision names it", async () => {
    const client = await testClient({ tokens: { max_live_tokens: 3 } });
    await issue(client, 3);
    await assertFull(client.tenant, await ask(client), { quota: "application", max_live_tokens: 3, live_tokens: 3 });
  });

  test("an exchanged token counts for the application that exchanged it, and for nobody else", async () => {
    const client = await testClient({ tokens: { max_live_tokens: 1 } });
    const exchanger = await addExchanger(client, { token_configuration: { ...TOKENS, max_live_tokens: 2 } });
    const [subject = ""] = await issue(client, 1);
    for (let n = 0; n < 2; n += 1) tokensOf(await exchange(client.tenant, exchanger, subject));
    const facts = { quota: "application", max_live_tokens: 2, live_tokens: 2 };
    await assertFull(client.tenant, await exchange(client.tenant, exchanger, subject), facts);
    assertRefused(await exchange(client.tenant, client.application, subject), 429, "temporarily_unavailable");
  });

  test("is half of the tenant's unless it has one", async () => {
    const tenant = await tenantWithQuota(10);
    const client = await testClient({ tenant });
    await issue(client, 5);
    await assertFull(tenant, await ask(client), { quota: "application", max_live_tokens: 5, live_tokens: 5 });
  });

  test("has room again when tokens expire, by the tenant's clock, and when one is revoked", async () => {
    const client = await testClient({ tokens: { max_live_tokens: 3 } });
    const { tenant, application } = client;
    const [token = ""] = await issue(client, 1, { expiration_time: "3600" });
    await issue(client, 2, { expiration_time: "60" });
    assert.equal((await ask(client)).status, 429);
    await tenant.advance(60);
    await issue(client, 2);
    assert.equal((await ask(client)).status, 429);
    const { jti } = await tenant.introspect(application, token);
    for (let twice = 0; twice < 2; twice += 1) {
      const path = `/applications/${application.key.applicationId}/tokens/${jti}`;
      assert.equal((await tenant.manage("DELETE", path)).status, 200);
    }
    await issue(client, 1);
    assert.equal((await ask(client)).status, 429, "a token that was revoked twice gave room twice");
  });

  test("is another at once when it is changed", async () => {
    const client = await testClient({ tokens: { max_live_tokens: 2 } });
    await issue(client, 2);
    assert.equal((await ask(client)).status, 429);
    await changeTokens(client, { max_live_tokens: 3 });
    await issue(client, 1);
    await changeTokens(client, { max_live_tokens: 1 });
    await assertFull(client.tenant, await ask(client), { quota: "application", max_live_tokens: 1, live_tokens: 3 });
  });

  test("counts what was issued before a restart", async () => {
    const client = await testClient({ tokens: { max_live_tokens: 3 } });
    await issue(client, 2);
    await client.tenant.server.app.settled();
    const restarted = createLiveCountRecorder(client.tenant.server.deps, "token");
    const { key } = client.application;
    const wanted = { quotas: { tenant: 9, application: 2 }, mayUseReserve: false, clockOffsetSeconds: 0 };
    await restarted.findRefusal(key, wanted);
    await restarted.settled();
    assert.equal((await restarted.findRefusal(key, wanted))?.live, 2);
  });
});

describe("a tenant's quota", () => {
  test("is for all its applications together", async () => {
    const tenant = await tenantWithQuota(10);
    const [one, other] = [await testClient({ tenant }), await testClient({ tenant })];
    await issue(one, 5);
    await issue(other, 4);
    await assertFull(tenant, await ask(other), { quota: "tenant", max_live_tokens: 10, live_tokens: 10 });
  });

  test("leaves other tenants alone", async () => {
    const [full, free] = [await tenantWithQuota(2), await tenantWithQuota(4)];
    const client = await testClient({ tenant: full });
    await issue(client, 1);
    assert.equal((await ask(client)).status, 429);
    await issue(await testClient({ tenant: free }), 1);
  });

  test("can be managed all the same: management tokens have a reserve of 5 %", async () => {
    const tenant = await tenantWithQuota(20);
    const client = await testClient({ tenant, tokens: { max_live_tokens: 20 } });
    await issue(client, 19);
    assert.equal((await ask(client)).status, 429);
    tokensOf(await ask({ ...client, application: tenant.management }));
    assertRefused(await ask({ ...client, application: tenant.management }), 429, "temporarily_unavailable");
  });
});

describe("what a quota refuses", () => {
  test("consumes no code, which still works when there is room", async () => {
    const flow = await flowWithQuota(2);
    const [first, second] = [await flow.grant(), await flow.grant()];
    tokensOf(await flow.exchange(first)); // an access token and a family
    await assertFull(flow.tenant, await flow.exchange(second), {
      quota: "application",
      max_live_tokens: 2,
      live_tokens: 2,
    });
    await changeTokens(flow, { max_live_tokens: 4 });
    const { access } = tokensOf(await flow.exchange(second));
    assert.equal((await flow.tenant.introspect(flow.application, access)).active, true);
  });

  test("consumes no refresh token; refreshes go on in the reserve, and refused ones still work", async () => {
    const flow = await flowWithQuota(20);
    const { refresh } = await flow.logIn();
    let last = refresh;
    for (let n = 2; n < 21; n += 1) last = tokensOf(await flow.refresh(last)).refresh;
    const refused = await flow.refresh(last);
    await assertFull(flow.tenant, refused, { quota: "application", max_live_tokens: 20, live_tokens: 21 });
    assert.equal((await flow.exchange(await flow.grant())).status, 429);
    await changeTokens(flow, { max_live_tokens: 40 });
    tokensOf(await flow.refresh(last));
  });

  test("gives the room of its family back when that is revoked", async () => {
    const flow = await flowWithQuota(4);
    const { refresh } = await flow.logIn();
    await flow.logIn();
    assert.equal((await flow.exchange(await flow.grant())).status, 429);
    const { issuer, authorization } = flow.application;
    const form = new URLSearchParams({ token: refresh });
    assert.equal(
      (await fetch(`${issuer}/revoke`, { method: "POST", body: form, headers: { authorization } })).status,
      200,
    );
    tokensOf(await flow.exchange(await flow.grant()));
  });
});

function flowWithQuota(max_live_tokens: number): Promise<CodeFlow> {
  return testCodeFlow({ tokens: { max_live_tokens } });
}
