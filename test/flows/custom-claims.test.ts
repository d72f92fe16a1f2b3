import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

function send({ tenant, application }: TestClient, custom_claims: string) {
  return tenant.token(application, { grant_type: "client_credentials", custom_claims });
}

describe("custom claims (reference 1.7)", () => {
  const verbatim: readonly string[] = [
    "{}",
    '{"team":"a","n":1.5,"deep":{"a":{"b":{"c":{}}}},"list":[1,null,true,"x"]}',
    '{"name":"Zoë \u{1F45F}","quote":"\\"\\\\"}',
    '{"bi_t":"other","iss":"https://evil.example","exp":1,"active":false}',
    ' {"spaces" : 1} ',
  ];
  for (const claims of verbatim) {
    for (const token_format of ["self_contained", "referential"] as const) {
      test(`${claims} is said by introspection and token alike (${token_format})`, async () => {
        const client = await testClient({ config: { token_format } });
        const { access } = tokensOf(await send(client, claims));
        const facts = await client.tenant.introspect(client.application, access);
        assert.equal(facts.active, true);
        assert.equal(facts.iss, client.application.issuer, "nested, so nothing is overwritten");
        assert.deepEqual(facts.bi_custom, JSON.parse(claims));
        if (token_format === "self_contained") assert.deepEqual(decodeJwt(access).bi_custom, JSON.parse(claims));
      });
    }
  }

  test("are absent where none, or an empty text, were sent (rule 21)", async () => {
    const client = await testClient();
    for (const form of [{}, { custom_claims: "" }] as const) {
      const answer = await client.tenant.token(client.application, { grant_type: "client_credentials", ...form });
      const { access } = tokensOf(answer);
      assert.ok(!("bi_custom" in decodeJwt(access)));
      assert.ok(!("bi_custom" in (await client.tenant.introspect(client.application, access))));
    }
  });

  const refused: readonly (readonly [string, string])[] = [
    ["an array", "[]"],
    ["a text", '"x"'],
    ["a number", "1"],
    ["null", "null"],
    ["no JSON", "{"],
    ["two objects", "{}{}"],
    ["a name twice", '{"a":1,"a":1}'],
    ["a name twice, spelt differently", '{"a":1,"\\u0061":1}'],
    ["a name twice, deeper", '{"x":{"a":1,"a":2}}'],
    ["six levels", '{"a":{"b":{"c":{"d":{"e":{}}}}}}'],
    ["__proto__", '{"__proto__":{}}'],
    ["constructor", '{"x":{"constructor":1}}'],
    ["an integer that a double cannot hold", '{"a":9007199254740993}'],
    ["a number beyond all doubles", '{"a":1e400}'],
    ["minus zero", '{"a":-0}'],
    ["U+0000", '{"a":"\\u0000"}'],
    ["a lone surrogate", '{"a":"\\ud800"}'],
    ["a lone surrogate in a name", '{"\\udc00":1}'],
    ["4097 bytes", JSON.stringify({ a: "x".repeat(4_089) })],
    ["4097 bytes of few characters", `{"a":"${"é".repeat(2_044)}x"}`],
    ["a depth that would end a stack", `{"a":${"[".repeat(2_000)}${"]".repeat(2_000)}}`],
  ];
  for (const [says, claims] of refused) {
    test(`${says} is refused by name`, async () => {
      const answer = await send(await testClient(), claims);
      assertRefused(answer, 400, "invalid_request");
      assert.match(String(answer.json?.error_description), /^custom_claims /);
    });
  }

  test("of 4096 bytes are taken, and fewer where the application says so", async () => {
    const largest = JSON.stringify({ a: "x".repeat(4_088) });
    assert.equal((await send(await testClient(), largest)).status, 200);
    const small = await testClient({ tokens: { custom_claims_max_bytes: 10 } });
    assert.equal((await send(small, '{"a":1234}')).status, 200);
    assertRefused(await send(small, '{"a":12345}'), 400, "invalid_request");
  });
});

describe("custom claims are a privilege (rule 21)", () => {
  test("a public client may not send them unless it was allowed, and a refused code still works", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const grant = await flow.grant();
    const answer = await flow.exchange(grant, { custom_claims: "{}" });
    assertRefused(answer, 400, "invalid_request");
    assert.equal(answer.json?.error_description, "custom_claims is not allowed for this application");
    tokensOf(await flow.exchange(grant, { custom_claims: "" }));
    const allowed = await testCodeFlow({ config: { confidentiality: "public" }, tokens: { custom_claims: "allow" } });
    assert.deepEqual(decodeJwt((await allowed.logIn({}, { custom_claims: '{"a":1}' })).access).bi_custom, { a: 1 });
  });

  test("a confidential client may, unless it was denied", async () => {
    const denied = await testClient({ tokens: { custom_claims: "deny" } });
    assertRefused(await send(denied, "{}"), 400, "invalid_request");
  });

  test("they go into no ID token and no userinfo", async () => {
    const flow = await testCodeFlow();
    const { idToken, access } = await flow.logIn({}, { custom_claims: '{"a":1}' });
    assert.ok(!("bi_custom" in decodeJwt(idToken)));
    const response = await fetch(`${flow.application.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${access}` },
    });
    assert.deepEqual(await response.json(), { sub: flow.identityId });
  });
});
