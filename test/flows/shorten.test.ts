import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applicationPath, realmPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, call, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertInvalidClient, assertInvalidGrant, assertRefused, violatedFields } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

const CREDENTIALS = { grant_type: "client_credentials" };
const INACTIVE = { active: false };

function shorten(
  { application }: Pick<TestClient, "application">,
  form: Readonly<Record<string, string>>,
  authorization = application.authorization,
): Promise<Answer> {
  return postForm(`${application.issuer}/shorten`, form, { authorization });
}

async function issue({ tenant, application }: TestClient, form = {}): Promise<string> {
  return tokensOf(await tenant.token(application, { ...CREDENTIALS, ...form })).access;
}

function assertSilent(answer: Answer): void {
  assert.deepEqual([answer.status, answer.text], [200, ""]);
}

describe("shorten (rule 28)", () => {
  for (const token_format of ["self_contained", "referential"] as const) {
    test(`its client gives a token an earlier end, which introspection knows at once (${token_format})`, async () => {
      const client = await testClient({ config: { token_format } });
      const { tenant, application } = client;
      const token = await issue(client, { expiration_time: "3600" });
      const { iat } = await tenant.introspect(application, token);
      const answer = await shorten(client, { token, expiration_time: "60" });
      assert.deepEqual([answer.status, answer.json], [200, { exp: Number(iat) + 60, expires_in: 60 }], answer.text);
      const now = await tenant.introspect(application, token);
      assert.deepEqual([now.exp, now.issued_lifetime], [Number(iat) + 60, 3_600]);
      if (token_format === "self_contained") assert.equal(decodeJwt(token).exp, Number(iat) + 3_600);
      await tenant.advance(59);
      assert.equal((await tenant.introspect(application, token)).active, true);
      await tenant.advance(1);
      assert.deepEqual(await tenant.introspect(application, token), INACTIVE);
      assertSilent(await shorten(client, { token, expiration_time: "60" }));
    });
  }

  test("never makes it live longer", async () => {
    const client = await testClient();
    const token = await issue(client, { expiration_time: "100" });
    const { exp } = await client.tenant.introspect(client.application, token);
    for (const expiration_time of ["101", "9999999999", "100"]) {
      assert.equal((await shorten(client, { token, expiration_time })).json?.exp, exp);
    }
    assert.ok(!("issued_lifetime" in (await client.tenant.introspect(client.application, token))));
  });

  test("says nothing of what is no live token of the caller's", async () => {
    const client = await testClient();
    const other = await testClient({ tenant: client.tenant, server: client.resourceServer });
    const token = await issue(client);
    assertSilent(await shorten(other, { token, expiration_time: "1" }));
    assertSilent(await shorten(client, { token: "nonsense", expiration_time: "1" }));
    assertSilent(await shorten(client, { token: `${token.slice(0, -4)}xxxx`, expiration_time: "1" }));
    await postForm(
      `${client.application.issuer}/revoke`,
      { token },
      { authorization: client.application.authorization },
    );
    assertSilent(await shorten(client, { token, expiration_time: "1" }));
    const own = await issue(client);
    await shorten(other, { token: own, expiration_time: "1" });
    assert.ok(!("issued_lifetime" in (await client.tenant.introspect(client.application, own))));
  });

  test("is refused without credentials, without a lifetime, and with one that is none", async () => {
    const client = await testClient();
    const token = await issue(client);
    assertInvalidClient(await shorten(client, { token, expiration_time: "1" }, "Basic eDp5"));
    for (const form of [
      { token },
      { expiration_time: "1" },
      { token, expiration_time: "0" },
      { token, expiration_time: "-1" },
    ])
      assertRefused(await shorten(client, form as Record<string, string>), 400, "invalid_request");
    const { issuer, authorization } = client.application;
    const asked = await postForm(
      `${issuer}/shorten?expiration_time=1`,
      { token, expiration_time: "5" },
      { authorization },
    );
    assertRefused(asked, 400, "invalid_request");
  });

  test("of a refresh token takes its whole family along, whatever is rotated or issued afterwards", async () => {
    const flow = await testCodeFlow();
    const { access, refresh } = await flow.logIn();
    const { iat } = await flow.tenant.introspect(flow.application, access);
    const end = Number(iat) + 120;
    const answer = await shorten(flow, { token: refresh, expiration_time: "120" });
    assert.equal(answer.json?.exp, end, answer.text);
    assert.equal((await flow.tenant.introspect(flow.application, access)).exp, end);
    const next = tokensOf(await flow.refresh(refresh));
    assert.equal(next.json.expires_in, 120);
    assert.equal((await flow.tenant.introspect(flow.application, next.refresh)).exp, end);
    await flow.tenant.advance(120);
    for (const token of [access, next.access, next.refresh]) {
      assert.deepEqual(await flow.tenant.introspect(flow.application, token), INACTIVE);
    }
    assertInvalidGrant(await flow.refresh(next.refresh));
  });
});

describe("one token by its id", () => {
  test("is shown with its ledger, shortened, and shown so in the list, the events and the decision", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const token = await issue(client, { expiration_time: "3600" });
    const { jti, iat } = decodeJwt(token);
    const path = `${applicationPath(application.key).replace(realmPath(application.key), "")}/tokens/${jti}`;
    const shown = await tenant.manage("GET", path);
    const lifetime = shown.json?.lifetime as { readonly limited_by?: string } | undefined;
    assert.equal(lifetime?.limited_by, "application", shown.text);
    assert.deepEqual([shown.json?.issued_lifetime, shown.json?.subject], [3_600, application.clientId]);
    const shortened = await tenant.manage("POST", `${path}:shorten`, { expiration_time: 30 });
    assert.deepEqual([shortened.status, shortened.json?.expires], [200, Number(iat) + 30], shortened.text);
    const listed = await tenant.manage("GET", path.replace(`/${jti}`, ""));
    const tokens = listed.json?.tokens as readonly { readonly expires: number }[] | undefined;
    assert.equal(tokens?.[0]?.expires, Number(iat) + 30);
    const trace = shortened.headers.get("x-trace-id");
    const decision = await tenant.manage("GET", `/decisions/${trace}`);
    assert.match(decision.text, /"outcome":"shortened"/);
    assert.match(decision.text, new RegExp(String(jti)));
    const events = await tenant.manage("GET", "/events?order=newest_first");
    assert.match(events.text, /"action":"UPDATE"[^}]*/);
    assert.deepEqual(violatedFields(await tenant.manage("POST", `${path}:shorten`, { expiration_time: 0 })), [
      "expiration_time",
    ]);
    await tenant.advance(30);
    assert.equal((await tenant.manage("GET", path)).status, 404);
    assert.equal((await tenant.manage("POST", `${path}:shorten`, { expiration_time: 5 })).status, 404);
  });

  test("a family is shown and shortened by its grant's id, and is nobody else's", async () => {
    const flow = await testCodeFlow();
    const other = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
    const { access, refresh } = await flow.logIn();
    const { jti: grantId } = await flow.tenant.introspect(flow.application, refresh);
    const pathOf = ({ application: { key } }: Pick<TestClient, "application">, id: unknown) =>
      `${applicationPath(key).replace(realmPath(key), "")}/tokens/${id}`;
    const own = await flow.tenant.manage("GET", pathOf(flow, grantId));
    assert.equal(own.json?.token_type, "refresh", own.text);
    const child = await flow.tenant.manage("GET", pathOf(flow, decodeJwt(access).jti));
    assert.equal(child.json?.parent_id, grantId, child.text);
    assert.equal((await flow.tenant.manage("GET", pathOf(other, grantId))).status, 404);
    const shortened = await flow.tenant.manage("POST", `${pathOf(flow, grantId)}:shorten`, { expiration_time: 9 });
    assert.equal(shortened.status, 200, shortened.text);
    assert.equal((await flow.tenant.introspect(flow.application, access)).exp, shortened.json?.expires);
    const bare = await call(`${flow.tenant.server.url}${realmPath(flow.application.key)}${pathOf(flow, grantId)}`);
    assert.equal(bare.status, 401);
  });
});
