import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, call } from "../support/http.ts";
import { violatedFields } from "../support/refusals.ts";
import { stoppedServer } from "../support/stopped-server.ts";
import { testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const YEAR = 31_536_000;

async function move(tenant: TestTenant, body: unknown, scope?: string): Promise<Answer> {
  const authorization = `Bearer ${await tenant.managementToken(scope)}`;
  const headers = { authorization, "content-type": "application/json" };
  const url = `${tenant.server.url}/v1/tenants/${tenant.tenantId}/clock:advance`;
  return call(url, { method: "POST", headers, body: JSON.stringify(body) });
}

async function newTenant(kind: "production" | "test" = "test"): Promise<TestTenant> {
  return testTenant({ server: await stoppedServer(), kind });
}

describe("the tenant clock (rule 26)", () => {
  test("answers the tenant's time and moves by what was said", async () => {
    const tenant = await newTenant();
    const now = tenant.server.deps.clock.nowSeconds();
    assert.deepEqual((await move(tenant, { seconds: 90 })).json, { now: now + 90 });
    assert.deepEqual((await move(tenant, { seconds: 10 })).json, { now: now + 100 });
  });

  test("of a production tenant cannot be moved", async () => {
    const tenant = await newTenant("production");
    const answer = await move(tenant, { seconds: 1 });
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json?.code, "conflict");
  });

  for (const seconds of [0, -1, 1.5, YEAR + 1, "60", null, true, Number.MAX_SAFE_INTEGER]) {
    test(`does not move by ${JSON.stringify(seconds)}`, async () => {
      const answer = await move(await newTenant(), { seconds });
      assert.deepEqual(violatedFields(answer), ["seconds"]);
    });
  }

  test("takes no other member, and no body without seconds", async () => {
    const tenant = await newTenant();
    for (const body of [{}, { seconds: 1, back: true }, [], "x"]) assert.equal((await move(tenant, body)).status, 400);
  });

  test("moves a year at a time and ten years in all", async () => {
    const tenant = await newTenant();
    for (let year = 0; year < 10; year += 1)
      assert.equal((await move(tenant, { seconds: YEAR }, "tenants:update")).status, 200);
    assert.equal((await move(tenant, { seconds: 1 }, "tenants:update")).status, 409);
  });

  test("needs tenants:update", async () => {
    const answer = await move(await newTenant(), { seconds: 1 }, "tenants:read");
    assert.equal(answer.status, 403, answer.text);
  });

  test("moves that tenant only", async () => {
    const [one, other] = [await testClient(), await testClient()];
    const [mine, theirs] = await Promise.all(
      [one, other].map(
        async ({ tenant, application }) =>
          tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access,
      ),
    );
    await one.tenant.advance(86_400);
    assert.equal((await one.tenant.introspect(one.application, mine ?? "")).active, false);
    assert.equal((await other.tenant.introspect(other.application, theirs ?? "")).active, true);
  });

  test("holds when the call returns: a token asked for next is issued at the new time", async () => {
    const { tenant, application } = await testClient();
    const issue = async () => tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
    const before = await tenant.introspect(application, await issue());
    await tenant.advance(12_345);
    const after = await tenant.introspect(application, await issue());
    assert.equal(Number(after.iat) - Number(before.iat), 12_345);
  });

  test("kills management tokens as it kills all others", async () => {
    const tenant = await newTenant();
    const token = await tenant.managementToken("tenants:update");
    await move(tenant, { seconds: 7_776_000 });
    const url = `${tenant.server.url}/v1/tenants/${tenant.tenantId}/clock:advance`;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    assert.equal((await call(url, { method: "POST", headers, body: '{"seconds":1}' })).status, 401);
  });
});
