import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, basic, call, type Form, postForm } from "../support/http.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

const GRANT = { grant_type: "client_credentials" };
const FORM = "application/x-www-form-urlencoded";

async function newClient(): Promise<TestClient & { send(form: Form): Promise<Answer> }> {
  const client = await testClient();
  return { ...client, send: (form) => client.tenant.token(client.application, form) };
}

/** A request with these credentials only. */
function sendAs(application: TestApplication, form: Form, authorization?: string): Promise<Answer> {
  return postForm(`${application.issuer}/token`, form, authorization === undefined ? {} : { authorization });
}

function percentEncode(text: string): string {
  return [...text].map((character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`).join("");
}

describe("the form of a token request (rule 38)", () => {
  const mediaTypes = [
    ["JSON", "application/json", JSON.stringify(GRANT)],
    [
      "multipart",
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--',
    ],
    ["plain text", "text/plain", "grant_type=client_credentials"],
    ["a form with a wrong label", "application/x-www-form-urlencoded-x", "grant_type=client_credentials"],
    ["XML", "application/xml", "<grant_type/>"],
    ["a label that is none", "form", "grant_type=client_credentials"],
  ] as const;
  for (const [says, type, body] of mediaTypes) {
    test(`${says} is answered 415`, async () => {
      const { application } = await newClient();
      const headers = { authorization: application.authorization, "content-type": type };
      const answer = await call(`${application.issuer}/token`, { method: "POST", headers, body });
      assertRefused(answer, 415, "invalid_request");
    });
  }

  test("no body and no media type are answered 415", async () => {
    const { application } = await newClient();
    const { authorization } = application;
    const answer = await call(`${application.issuer}/token`, { method: "POST", headers: { authorization } });
    assertRefused(answer, 415, "invalid_request");
  });

  test("the media type may have parameters and any case", async () => {
    const { application } = await newClient();
    const headers = {
      authorization: application.authorization,
      "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
    };
    const body = "grant_type=client_credentials";
    const answer = await call(`${application.issuer}/token`, { method: "POST", headers, body });
    assert.equal(answer.status, 200, answer.text);
  });

  test("a body over 64 KiB is answered 413, one below is read", async () => {
    const { send } = await newClient();
    assertRefused(await send(`grant_type=client_credentials&a=${"x".repeat(65_536)}`), 413, "invalid_request");
    const half = "x".repeat(32_000);
    const answer = await send(`grant_type=client_credentials&a=${half}&b=${half}`);
    assert.equal(answer.status, 200, answer.text);
  });

  const unreadable = [
    ["invalid UTF-8", Buffer.concat([Buffer.from("grant_type=client_credentials&scope="), Buffer.from([0xff, 0xfe])])],
    ["percent-encoded invalid UTF-8", "grant_type=client_credentials&scope=%FF"],
    ["an overlong encoding", "grant_type=client_credentials&scope=%C0%AF"],
    ["an encoded lone surrogate", "grant_type=client_credentials&scope=%ED%A0%80"],
    ["a raw lone surrogate", Buffer.concat([Buffer.from("scope="), Buffer.from([0xed, 0xa0, 0x80])])],
    ["U+0000 in a value", "grant_type=client_credentials&scope=a%00b"],
    ["U+0000 in a name", "grant_type=client_credentials&a%00b=c"],
    ["a raw U+0000", "grant_type=client_credentials&scope=a\0b"],
    ["a broken escape", "grant_type=client_credentials&scope=%G1"],
    ["a cut escape", "grant_type=client_credentials&scope=%"],
    ["an overlong value", `grant_type=client_credentials&scope=${"a".repeat(32_769)}`],
    ["an overlong name", `grant_type=client_credentials&${"a".repeat(129)}=1`],
    ["65 parameters", `grant_type=client_credentials${"&a=1".repeat(64)}`],
  ] as const;
  for (const [says, body] of unreadable) {
    test(`${says} is refused`, async () => {
      const { application } = await newClient();
      const headers = { authorization: application.authorization, "content-type": FORM };
      const answer = await call(`${application.issuer}/token`, { method: "POST", headers, body });
      assertRefused(answer, 400, "invalid_request");
    });
  }

  for (const name of [
    "grant_type",
    "scope",
    "client_id",
    "client_secret",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "custom_claims",
    "unheard_of",
  ]) {
    test(`${name} sent twice is refused by name`, async () => {
      const { application } = await newClient();
      const body = `${name === "grant_type" ? "" : "grant_type=client_credentials&"}${name}=a&${name}=a`;
      const answer = await sendAs(application, body, application.authorization);
      assertRefused(answer, 400, "invalid_request");
      assert.equal(answer.json?.error_description, `${name} was sent more than once`);
    });
  }

  test("parameters without a value count as absent", async () => {
    const { send } = await newClient();
    const answer = await send("grant_type=client_credentials&scope=&expiration_time=&custom_claims=&code=&token_name=");
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json?.scope, "shoes:read shoes:write");
  });
});

describe("the path and the method of a token request (rule 38)", () => {
  for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    test(`${method} is answered 405 with Allow: POST`, async () => {
      const { application } = await newClient();
      const answer = await call(`${application.issuer}/token`, { method });
      assertRefused(answer, 405, "invalid_request");
      assert.equal(answer.headers.get("allow"), "POST");
    });
  }

  const nowhere: readonly (readonly [string, (path: string, key: TestApplication["key"]) => string])[] = [
    ["tenant", (path, key) => path.replace(key.tenantId, "0000000000000000")],
    ["realm", (path, key) => path.replace(key.realmId, "0000000000000000")],
    ["application", (path, key) => path.replace(key.applicationId, "00000000-0000-4000-8000-000000000000")],
    ["tenant of another shape", (path, key) => path.replace(key.tenantId, "nobody")],
    ["realm of another shape", (path, key) => path.replace(key.realmId, "%00")],
    ["application of another shape", (path, key) => path.replace(key.applicationId, "'%20OR%201=1")],
  ];
  for (const [says, change] of nowhere) {
    test(`an unknown ${says} is answered 404, all alike`, async () => {
      const { application } = await newClient();
      const url = change(`${application.issuer}/token`, application.key);
      assertInvalidClient(await postForm(url, GRANT, { authorization: application.authorization }), 404);
    });
  }

  test("a client of another tenant is not known, nor is one in a realm that is not its own", async () => {
    const one = await newClient();
    const other = await newClient();
    const url = `${one.application.issuer}/token`.replace(one.tenant.tenantId, other.tenant.tenantId);
    assertInvalidClient(await postForm(url, GRANT, { authorization: one.application.authorization }), 404);
  });
});

describe("client authentication (rule 15)", () => {
  test("Basic is accepted raw and percent-encoded, with client_id in the body too, and so is the body alone", async () => {
    const { application } = await newClient();
    const { clientId, clientSecret, authorization } = application;
    const encoded = basic(percentEncode(clientId), percentEncode(clientSecret));
    for (const [form, header] of [
      [GRANT, authorization],
      [GRANT, encoded],
      [GRANT, authorization.replace("Basic", "bAsIc")],
      [{ ...GRANT, client_id: clientId }, authorization],
      [{ ...GRANT, client_id: clientId, client_secret: clientSecret }, undefined],
    ] as const) {
      const answer = await sendAs(application, form, header);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal(answer.headers.get("pragma"), "no-cache");
    }
  });

  const failures: readonly (readonly [string, (one: TestApplication, other: TestApplication) => [Form, string?]])[] = [
    ["no credentials", () => [GRANT]],
    ["a wrong secret", (one, other) => [GRANT, basic(one.clientId, other.clientSecret)]],
    ["a secret that lacks a character", (one) => [GRANT, basic(one.clientId, one.clientSecret.slice(1))]],
    ["another client's credentials", (_, other) => [GRANT, other.authorization]],
    ["an unknown client", (one) => [GRANT, basic("nobody-at-all", one.clientSecret)]],
    ["an empty secret", (one) => [GRANT, basic(one.clientId, "")]],
    ["a client_id only", (one) => [{ ...GRANT, client_id: one.clientId }]],
    ["a wrong secret in the body", (one) => [{ ...GRANT, client_id: one.clientId, client_secret: "x".repeat(43) }]],
    ["a secret without client_id", (one) => [{ ...GRANT, client_secret: one.clientSecret }]],
    ["Basic that is no base64", () => [GRANT, "Basic ü".normalize("NFD").replace(/[^\x20-\x7e]/g, "!")]],
    ["Basic without a colon", () => [GRANT, `Basic ${Buffer.from("nothing").toString("base64")}`]],
    ["Basic of invalid UTF-8", () => [GRANT, `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString("base64")}`]],
    ["Basic with U+0000", (one) => [GRANT, basic(`${one.clientId}\0`, one.clientSecret)]],
    ["Basic with a broken escape", (one) => [GRANT, basic("%zz", one.clientSecret)]],
    ["Basic alone", () => [GRANT, "Basic"]],
    ["a header without a scheme", (one) => [GRANT, one.clientSecret]],
    ["another scheme", () => [GRANT, "Digest username=x"]],
  ];
  for (const [says, make] of failures) {
    test(`${says}: 401 with one wording, and Basic is asked for`, async () => {
      const [one, other] = [await newClient(), await newClient()];
      const [form, authorization] = make(one.application, other.application);
      const answer = await sendAs(one.application, form, authorization);
      assertInvalidClient(answer);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic realm="/);
    });
  }

  test("a bearer token at /token is answered in its own scheme", async () => {
    const { application, tenant } = await newClient();
    const answer = await sendAs(application, GRANT, `Bearer ${await tenant.managementToken()}`);
    assertInvalidClient(answer);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
  });

  const mixtures: readonly (readonly [string, (one: TestApplication) => [Form, string]])[] = [
    ["two secrets", (one) => [{ ...GRANT, client_secret: one.clientSecret }, one.authorization]],
    [
      "the same secret twice",
      (one) => [{ ...GRANT, client_id: one.clientId, client_secret: one.clientSecret }, one.authorization],
    ],
    [
      "Basic without a secret and a secret in the body",
      (one) => [{ ...GRANT, client_id: one.clientId, client_secret: one.clientSecret }, basic(one.clientId, "")],
    ],
    ["two clients", (one) => [{ ...GRANT, client_id: "somebody-else" }, one.authorization]],
  ];
  for (const [says, make] of mixtures) {
    test(`${says}: 400, the request names its client in more than one way`, async () => {
      const { application } = await newClient();
      const [form, authorization] = make(application);
      assertRefused(await sendAs(application, form, authorization), 400, "invalid_request");
    });
  }

  test("a public client names itself in the body or by Basic without a password; a secret is refused", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const { clientId } = flow.application;
    assert.equal((await flow.exchange(await flow.grant())).status, 200);
    const { code, verifier } = await flow.grant();
    const form = { grant_type: "authorization_code", code, code_verifier: verifier };
    assertInvalidClient(await sendAs(flow.application, form));
    assertInvalidClient(
      await sendAs(flow.application, { ...form, client_id: clientId, client_secret: "x".repeat(43) }),
    );
    assertInvalidClient(await sendAs(flow.application, form, basic(clientId, "x".repeat(43))));
    assertInvalidClient(await sendAs(flow.application, { ...form, client_id: "somebody-else" }));
    assert.equal((await sendAs(flow.application, form, basic(clientId, ""))).status, 200);
  });

  test("credentials are judged before anything that tells about the application (rule 5)", async () => {
    const { application } = await newClient();
    const wrong = basic(application.clientId, "x".repeat(43));
    for (const form of [{}, { grant_type: "nonsense" }, { ...GRANT, expiration_time: "0" }, { ...GRANT, scope: '"' }]) {
      assertInvalidClient(await sendAs(application, form, wrong));
    }
  });
});

describe("the grant and its parameters (reference 1.14)", () => {
  const cases: readonly (readonly [string, Form, string])[] = [
    ["without grant_type", { scope: "shoes:read" }, "invalid_request"],
    ["with an empty grant_type", "grant_type=", "invalid_request"],
    ["with an unknown grant_type", { grant_type: "password" }, "unsupported_grant_type"],
    ["with a grant_type in another case", { grant_type: "Client_Credentials" }, "unsupported_grant_type"],
    ["with a grant_type that every object has", { grant_type: "__proto__" }, "unsupported_grant_type"],
    [
      "with a grant that the application may not use",
      { grant_type: "authorization_code", code: "x" },
      "unauthorized_client",
    ],
    [
      "to refresh, which the application may not",
      { grant_type: "refresh_token", refresh_token: "x" },
      "unauthorized_client",
    ],
    ["for a scope that it may not have", { ...GRANT, scope: "boots:read" }, "invalid_scope"],
    ["for OpenID scopes only", { ...GRANT, scope: "openid profile" }, "invalid_scope"],
    ["for a scope of other characters", { ...GRANT, scope: 'shoes:read "x"' }, "invalid_scope"],
    ["for a scope beyond ASCII", { ...GRANT, scope: "schuhe:größe" }, "invalid_scope"],
    ["for a scope with a tab", { ...GRANT, scope: "shoes:read\tshoes:write" }, "invalid_scope"],
    [
      "for 1001 scopes",
      { ...GRANT, scope: Array.from({ length: 1001 }, (_, n) => `s${n}`).join(" ") },
      "invalid_scope",
    ],
    ["for a scope of spaces", { ...GRANT, scope: "  " }, "invalid_scope"],
    ["with an overlong token_name", { ...GRANT, token_name: "x".repeat(65) }, "invalid_request"],
    ["with a line feed in token_name", { ...GRANT, token_name: "a\nb" }, "invalid_request"],
    ["with a short code_verifier", { ...GRANT, code_verifier: "short" }, "invalid_request"],
  ];
  for (const [says, form, error] of cases) {
    test(`a request ${says} is answered ${error}`, async () => {
      const { application } = await newClient();
      assertRefused(await sendAs(application, form, application.authorization), 400, error);
    });
  }

  test("a scope that is not allowed is dropped beside one that is, in the order of the request, without duplicates", async () => {
    const { send } = await newClient();
    const answer = await send({ ...GRANT, scope: "shoes:write boots:read openid shoes:read shoes:write" });
    assert.equal(answer.json?.scope, "shoes:write shoes:read", answer.text);
  });

  test("an application of OpenID Connect may not act for itself", async () => {
    const flow = await testCodeFlow();
    assertRefused(await flow.tenant.token(flow.application, GRANT), 400, "unauthorized_client");
  });

  test("a missing code and a missing refresh token are told by name", async () => {
    const flow = await testCodeFlow();
    for (const [grant_type, name] of [
      ["authorization_code", "code"],
      ["refresh_token", "refresh_token"],
    ] as const) {
      const answer = await flow.tenant.token(flow.application, { grant_type });
      assertRefused(answer, 400, "invalid_request");
      assert.equal(answer.json?.error_description, `${name} is missing`);
    }
  });
});
