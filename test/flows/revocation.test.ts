import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, basic, call, postForm } from "../support/http.ts";
import { assertInvalidClient, assertInvalidGrant, assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";

async function isActive({ tenant, application }: TestClient | CodeFlow, token: string): Promise<boolean> {
  return (await tenant.introspect(application, token)).active === true;
}

function revoke(application: TestApplication, token: string, headers: Record<string, string> = {}): Promise<Answer> {
  return postForm(`${application.issuer}/revoke`, { token }, { authorization: application.authorization, ...headers });
}

function assertDone(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, "");
  assert.equal(answer.headers.get("cache-control"), "no-store");
}

async function issue({ tenant, application }: TestClient): Promise<string> {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
}

describe("revoking an access token (RFC 7009, rule 13)", () => {
  for (const token_format of ["self_contained", "referential"] as const) {
    test(`ends that token only; its family goes on (${token_format})`, async () => {
      const flow = await testCodeFlow({ config: { token_format } });
      const login = await flow.logIn();
      const next = tokensOf(await flow.refresh(login.refresh));
      assertDone(await revoke(flow.application, login.access));
      assert.equal(await isActive(flow, login.access), false);
      assert.equal(await isActive(flow, next.access), true);
      tokensOf(await flow.refresh(next.refresh));
    });
  }

  test("is answered alike the second time, after expiry, and for what is no token", async () => {
    const client = await testClient();
    const token = await issue(client);
    for (const text of [token, token, `${token}x`, "x", "mayfly_at_", "mayfly_rt_", "a.b.c", "x".repeat(20_000)]) {
      assertDone(await revoke(client.application, text));
    }
    const expired = await issue(client);
    await client.tenant.advance(86_400);
    assertDone(await revoke(client.application, expired));
  });

  test("ignores token_type_hint, right or wrong", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn();
    const form = { token: access, token_type_hint: "refresh_token" };
    const { issuer, authorization } = flow.application;
    assertDone(await postForm(`${issuer}/revoke`, form, { authorization }));
    assert.equal(await isActive(flow, access), false);
  });
});

describe("revoking a refresh token (rule 13)", () => {
  test("kills the family: every access token and every refresh token of it", async () => {
    const flow = await testCodeFlow();
    const [login, other] = [await flow.logIn(), await flow.logIn()];
    const next = tokensOf(await flow.refresh(login.refresh));
    assertDone(await revoke(flow.application, next.refresh));
    assert.equal(await isActive(flow, login.access), false);
    assert.equal(await isActive(flow, next.access), false);
    assertInvalidGrant(await flow.refresh(next.refresh));
    assert.equal(await isActive(flow, other.access), true);
  });

  test("does so with a spent one too", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    const next = tokensOf(await flow.refresh(login.refresh));
    assertDone(await revoke(flow.application, login.refresh));
    assert.equal(await isActive(flow, next.access), false);
    assertInvalidGrant(await flow.refresh(next.refresh));
  });
});

describe("whose tokens a caller may revoke", () => {
  test("a client only its own: another's are answered alike and live on", async () => {
    const flow = await testCodeFlow();
    const other = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
    const { access, refresh } = await flow.logIn();
    assertDone(await revoke(other.application, access));
    assertDone(await revoke(other.application, refresh));
    assert.equal(await isActive(flow, access), true);
    tokensOf(await flow.refresh(refresh));
  });

  test("a public client by its client_id alone", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const { access, refresh } = await flow.logIn();
    const form = { token: access, client_id: flow.application.clientId };
    assertDone(await postForm(`${flow.application.issuer}/revoke`, form));
    assertDone(await postForm(`${flow.application.issuer}/revoke`, { ...form, token: refresh }));
    assertInvalidGrant(await flow.refresh(refresh));
  });

  test("a bearer of tokens:delete those of every application of the realm, and of no other tenant", async () => {
    const client = await testClient();
    const token = await issue(client);
    const url = `${client.application.issuer}/revoke`;
    const stranger = await testTenant({ server: client.tenant.server });
    const foreign = { authorization: `Bearer ${await stranger.managementToken()}` };
    assertRefused(await postForm(url, { token }, foreign), 401, "invalid_token");
    assert.equal(await isActive(client, token), true);
    const narrow = { authorization: `Bearer ${await client.tenant.managementToken("tokens:read")}` };
    assertRefused(await postForm(url, { token }, narrow), 403, "insufficient_scope");
    assert.equal(await isActive(client, token), true);
    assertDone(
      await postForm(
        url,
        { token },
        { authorization: `Bearer ${await client.tenant.managementToken("tokens:delete")}` },
      ),
    );
    assert.equal(await isActive(client, token), false);
  });
});

describe("a revocation that is refused", () => {
  test("has bad or no credentials, and the token lives on", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { issuer, clientId } = client.application;
    assertInvalidClient(await postForm(`${issuer}/revoke`, { token }));
    assertInvalidClient(await revoke(client.application, token, { authorization: basic(clientId, "x".repeat(43)) }));
    const both = { token, client_id: clientId };
    const bearer = { authorization: `Bearer ${await client.tenant.managementToken()}` };
    assertRefused(await postForm(`${issuer}/revoke`, both, bearer), 400, "invalid_request");
    assert.equal(await isActive(client, token), true);
  });

  test("has no token, two tokens, JSON, or another method", async () => {
    const { application } = await testClient();
    const url = `${application.issuer}/revoke`;
    const { authorization } = application;
    assertRefused(await postForm(url, "a=b", { authorization }), 400, "invalid_request");
    assertRefused(await postForm(url, "token=a&token=a", { authorization }), 400, "invalid_request");
    const json = { authorization, "content-type": "application/json" };
    for (const body of ['{"token":"x"}', ` ${JSON.stringify({ token: "x".repeat(500) })}`])
      assertRefused(await call(url, { method: "POST", headers: json, body }), 415, "invalid_request");
    const answer = await call(url);
    assertRefused(answer, 405, "invalid_request");
    assert.equal(answer.headers.get("allow"), "POST");
  });
});

test("a form that is labelled JSON is read as the form it is (rule 38)", async () => {
  const client = await testClient();
  const token = await issue(client);
  assertDone(await revoke(client.application, token, { "content-type": "application/json" }));
  assert.equal(await isActive(client, token), false);
});
