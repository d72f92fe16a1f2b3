import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LIFETIME_SECONDS_MAX } from "../../src/protocol/lifetime.ts";
import { call, postForm } from "../support/http.ts";
import { addIntrospector } from "../support/introspector.ts";
import { assertRefused } from "../support/refusals.ts";
import { changeTokens, type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testTenant } from "../support/test-tenant.ts";

const CREDENTIALS = { grant_type: "client_credentials" };
const REFERENTIAL = { config: { token_format: "referential" as const } };
const INACTIVE = { active: false };

async function nowOf(client: TestClient): Promise<number> {
  const { access } = tokensOf(await client.tenant.token(client.application, CREDENTIALS));
  return Number((await client.tenant.introspect(client.application, access)).iat);
}

describe("a token that is bounded by uses (rule 17)", () => {
  test("dies with its last use at an API; its client looks as often as it likes", async () => {
    const client = await testClient(REFERENTIAL);
    const { tenant, application } = client;
    const api = await addIntrospector(client);
    const answer = await tenant.token(application, { ...CREDENTIALS, max_uses: "2" });
    assert.equal(answer.json?.max_uses, 2);
    const { access } = tokensOf(answer);
    assert.equal((await tenant.introspect(application, access)).uses_left, 2);
    const used = await tenant.introspect(api.application, access);
    assert.deepEqual([used.active, used.uses_left], [true, undefined]);
    assert.equal((await tenant.introspect(application, access)).uses_left, 1);
    assert.equal((await tenant.introspect(api.application, access)).active, true);
    assert.deepEqual(await tenant.introspect(api.application, access), INACTIVE);
    assert.deepEqual(await tenant.introspect(application, access), INACTIVE);
    const unbounded = tokensOf(await tenant.token(application, CREDENTIALS));
    assert.ok(!("uses_left" in (await tenant.introspect(application, unbounded.access))));
  });

  test("of many uses at once there is nothing left, and not less than nothing", async () => {
    const client = await testClient(REFERENTIAL);
    const { tenant, application } = client;
    const api = await addIntrospector(client);
    const { access } = tokensOf(await tenant.token(application, { ...CREDENTIALS, max_uses: "2" }));
    const { jti } = await tenant.introspect(application, access);
    await Promise.all(Array.from({ length: 40 }, () => tenant.introspect(api.application, access)));
    const shown = await tenant.manage("GET", `/applications/${application.key.applicationId}/tokens/${jti}`);
    assert.equal(shown.json?.uses_left, 0, shown.text);
  });

  test("a bearer of tokens:introspect sees what is left, and how the lifetime came about, and takes nothing", async () => {
    const { tenant, application } = await testClient(REFERENTIAL);
    const { access } = tokensOf(
      await tenant.token(application, { ...CREDENTIALS, max_uses: "1", expiration_time: "900" }),
    );
    const bearer = `Bearer ${await tenant.managementToken("tokens:introspect")}`;
    for (let n = 0; n < 3; n += 1) {
      const { json } = await postForm(`${application.issuer}/introspect`, { token: access }, { authorization: bearer });
      assert.equal(json?.uses_left, 1);
      const lifetime = json.lifetime as { requested: number; ledger: { ceilings: object[] } };
      assert.equal(lifetime.requested, 900);
      assert.deepEqual(lifetime.ledger.ceilings, [{ name: "application", seconds: 86_400, won: true }]);
    }
  });

  test("userinfo is a use", async () => {
    const flow = await testCodeFlow(REFERENTIAL);
    const { access } = await flow.logIn({}, { max_uses: "1" });
    const ask = () => call(`${flow.application.issuer}/userinfo`, { headers: { authorization: `Bearer ${access}` } });
    assert.equal((await ask()).status, 200);
    assertRefused(await ask(), 401, "invalid_token");
  });

  test("a management route is a use; asking at another tenant's is none", async () => {
    const tenant = await testTenant();
    const { management } = tenant;
    await changeTokens({ tenant, application: management }, {});
    await tenant.changeApplication(management, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, token_format: "referential" },
    }));
    const { access } = tokensOf(
      await tenant.token(management, { ...CREDENTIALS, scope: "realms:read", max_uses: "1" }),
    );
    const read = (tenantId: string) =>
      call(`${tenant.server.url}/v1/tenants/${tenantId}/realms`, { headers: { authorization: `Bearer ${access}` } });
    const other = await testTenant();
    assert.equal((await read(other.tenantId)).status, 401);
    assert.equal((await read(tenant.tenantId)).status, 200);
    assert.equal((await read(tenant.tenantId)).status, 401);
  });

  test("is refused where nobody could count, or misspelt, or in the query string", async () => {
    const jwt = await testClient();
    assertRefused(await jwt.tenant.token(jwt.application, { ...CREDENTIALS, max_uses: "1" }), 400, "invalid_request");
    const { tenant, application } = await testClient({ ...REFERENTIAL, tenant: jwt.tenant });
    for (const wrong of ["0", "-1", "01", "1.0", "1e3", "1000001", "99999999999", " 1"]) {
      const refused = await tenant.token(application, { ...CREDENTIALS, max_uses: wrong });
      assertRefused(refused, 400, "invalid_request");
      assert.match(String(refused.json?.error_description), /max_uses must be a whole number from 1 to 1000000/);
    }
    assert.ok(!("max_uses" in ((await tenant.token(application, { ...CREDENTIALS, max_uses: "" })).json ?? {})));
    for (const name of ["max_uses", "not_before"]) {
      const { authorization, issuer } = application;
      const asked = await postForm(`${issuer}/token?${name}=5`, CREDENTIALS, { authorization });
      assertRefused(asked, 400, "invalid_request");
    }
  });

  test("a refresh does not remember it", async () => {
    const flow = await testCodeFlow(REFERENTIAL);
    const { refresh } = await flow.logIn({}, { max_uses: "1" });
    const next = tokensOf(await flow.refresh(refresh));
    assert.ok(!("uses_left" in (await flow.tenant.introspect(flow.application, next.access))));
  });
});

describe("not_before (rule 28)", () => {
  for (const token_format of ["referential", "self_contained"] as const) {
    test(`the lifetime counts from it; until then the token is inactive (${token_format})`, async () => {
      const client = await testClient({ config: { token_format } });
      const { tenant, application } = client;
      const start = (await nowOf(client)) + 100;
      const form = { ...CREDENTIALS, not_before: String(start), expiration_time: "60" };
      const answer = await tenant.token(application, form);
      assert.deepEqual([answer.json?.expires_in, answer.json?.not_before], [160, start], answer.text);
      assert.equal((answer.json?.lifetime as { granted?: number } | undefined)?.granted, 60);
      const { access } = tokensOf(answer);
      await tenant.advance(99);
      assert.deepEqual(await tenant.introspect(application, access), INACTIVE);
      await tenant.advance(1);
      const live = await tenant.introspect(application, access);
      assert.deepEqual([live.nbf, live.exp, live.iat], [start, start + 60, start - 100]);
      await tenant.advance(59);
      assert.equal((await tenant.introspect(application, access)).active, true);
      await tenant.advance(1);
      assert.deepEqual(await tenant.introspect(application, access), INACTIVE);
    });
  }

  test("a token that begins later is shown, shortened and revoked before", async () => {
    const client = await testClient(REFERENTIAL);
    const { tenant, application } = client;
    const now = await nowOf(await testClient({ tenant }));
    const later = { ...CREDENTIALS, not_before: String(now + 1_000), expiration_time: "1000" };
    const { access } = tokensOf(await tenant.token(application, later));
    const path = `/applications/${application.key.applicationId}/tokens`;
    const listed = await tenant.manage("GET", path);
    const tokens = listed.json?.tokens as readonly { readonly id: string }[] | undefined;
    const id = tokens?.[0]?.id;
    const shown = await tenant.manage("GET", `${path}/${id}`);
    assert.deepEqual([shown.json?.not_before, shown.json?.expires], [now + 1_000, now + 2_000], shown.text);
    const { issuer, authorization } = application;
    const form = { token: access, expiration_time: "1500" };
    const shortened = await postForm(`${issuer}/shorten`, form, { authorization });
    assert.deepEqual(shortened.json, { exp: now + 1_500, expires_in: 1_500 }, shortened.text);
    const byId = await tenant.manage("POST", `${path}/${id}:shorten`, { expiration_time: 1_200 });
    assert.equal(byId.json?.expires, now + 1_200, byId.text);
    assert.deepEqual(await tenant.introspect(application, access), INACTIVE);
    await tenant.advance(1_100);
    assert.equal((await tenant.introspect(application, access)).exp, now + 1_200);
  });

  test("none begins so late that its end is further than any end may be: it could not be revoked", async () => {
    const client = await testClient({ ...REFERENTIAL, tokens: { expires_after: LIFETIME_SECONDS_MAX } });
    const { tenant, application } = client;
    const start = (await nowOf(client)) + LIFETIME_SECONDS_MAX - 1_000;
    const ask = (seconds: number) =>
      tenant.token(application, { ...CREDENTIALS, not_before: String(start), expiration_time: String(seconds) });
    const late = await ask(1_001);
    assertRefused(late, 400, "invalid_request");
    assert.match(String(late.json?.error_description), /not_before \d+ is too late for a token of 1001 seconds/);
    const { access: token } = tokensOf(await ask(1_000));
    const { issuer, authorization } = application;
    await postForm(`${issuer}/revoke`, { token }, { authorization });
    const listed = await tenant.manage("GET", `/applications/${application.key.applicationId}/tokens`);
    assert.equal(listed.json?.total_size, 1);
  });

  test("is bounded by what the application may, and by the refresh token", async () => {
    const flow = await testCodeFlow();
    const now = await nowOf(await testClient({ tenant: flow.tenant }));
    const { refresh } = await flow.logIn();
    const ask = (not_before: number | string, form = {}) =>
      flow.refresh(refresh, { not_before: String(not_before), ...form });
    for (const wrong of [now - 1, now + 86_401, "soon", "1.5", "-1"]) {
      assertRefused(await ask(wrong), 400, "invalid_request");
    }
    const late = await ask(now + 3_600);
    assertRefused(late, 400, "invalid_request");
    assert.match(String(late.json?.error_description), /not before the end of the refresh token/);
    assertRefused(await ask(now + 3_000, { expiration_time: "601" }), 400, "invalid_request");
    const answer = await ask(now + 3_000, { expiration_time: "600" });
    assert.equal(answer.json?.expires_in, 3_600, answer.text);
  });
});
