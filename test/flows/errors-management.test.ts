import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, call } from "../support/http.ts";
import { violationsOf } from "../support/management-client.ts";
import { sendRaw } from "../support/raw-http.ts";
import { violatedFields } from "../support/refusals.ts";
import { stoppedServer } from "../support/stopped-server.ts";
import { testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

async function newTenant(): Promise<TestTenant> {
  return testTenant({ server: await stoppedServer() });
}

function assertManagementError(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json?.code, code);
  assert.equal(typeof answer.json?.message, "string");
  assert.equal(answer.json?.trace_id, answer.headers.get("x-trace-id"));
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
}

function clockOf(tenant: TestTenant): string {
  return `${tenant.server.url}/v1/tenants/${tenant.tenantId}/clock:advance`;
}

describe("paths and methods", () => {
  test("an unknown path is answered 404 in JSON, whatever the method", async () => {
    const { url } = await stoppedServer();
    for (const path of [
      "/",
      "/nowhere",
      "/v1",
      "/v1/tenants/x/",
      "/%2e%2e/etc/passwd",
      "/health/live/",
      "/v1//tenants",
    ]) {
      for (const method of ["GET", "POST", "DELETE"]) {
        assertManagementError(await call(`${url}${path}`, { method }), 404, "not_found");
      }
    }
  });

  test("a broken escape in a path is 400, not a failure of ours", async () => {
    const { url } = await stoppedServer();
    const answer = await sendRaw(url, { method: "GET", target: "/v1/tenants/%zz/realms/%E0%A4%A" });
    assert.ok(answer.status === 400 || answer.status === 404, String(answer.status));
    assert.match(answer.body, /"code":"/);
  });

  test("a method that hardly anyone sends is answered in the same form", async () => {
    const tenant = await newTenant();
    for (const method of ["QUERY", "PROPFIND", "LOCK", "M-SEARCH"]) {
      const answer = await sendRaw(tenant.server.url, { method, target: new URL(clockOf(tenant)).pathname });
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${answer.status}`);
      assert.match(answer.body, /^\{"code":"[a-z_]+","message":"[^"]+","trace_id":"[0-9a-f]{32}"\}$/);
      assert.match(answer.headers, /x-trace-id: [0-9a-f]{32}/);
    }
  });

  test("a wrong method is answered 405 with what is allowed, before anyone is asked who they are", async () => {
    const tenant = await newTenant();
    const { url } = tenant.server;
    const tokens = `${url}${realmPath(tenant.realm)}/applications/x/tokens`;
    for (const [address, method, allow] of [
      [clockOf(tenant), "GET", "POST"],
      [tokens, "POST", "GET, HEAD"],
      [`${tokens}/x`, "PUT", "GET, HEAD, DELETE"],
      [`${url}${realmPath(tenant.realm)}/decisions/x`, "PATCH", "GET, HEAD"],
      [`${url}/health/live`, "POST", "GET, HEAD"],
    ] as const) {
      const answer = await call(address, { method });
      assertManagementError(answer, 405, "method_not_allowed");
      assert.equal(answer.headers.get("allow"), allow, address);
    }
  });

  test("a colon in a path may be percent-encoded, one in the query stays what it is (settled 23)", async () => {
    const tenant = await newTenant();
    const headers = { authorization: `Bearer ${await tenant.managementToken()}`, "content-type": "application/json" };
    for (const spelling of [":", "%3A", "%3a"]) {
      const url = clockOf(tenant).replace("clock:advance", `clock${spelling}advance`);
      const answer = await call(url, { method: "POST", headers, body: '{"seconds":1}' });
      assert.equal(answer.status, 200, answer.text);
      const unknown = await call(`${url}?a%3Ab=1`, { method: "POST", headers, body: '{"seconds":1}' });
      assert.deepEqual(violationsOf(unknown), ["a:b: is not a known member"]);
    }
  });
});

describe("who may call (reference 2.1)", () => {
  test("no token, another scheme, and what is no live token of ours: 401", async () => {
    const client = await testClient();
    const url = `${client.tenant.server.url}${realmPath(client.tenant.realm)}/decisions/${"0".repeat(32)}`;
    const own = tokensOf(await client.tenant.token(client.application, { grant_type: "client_credentials" })).access;
    for (const authorization of [
      undefined,
      client.application.authorization,
      "Bearer",
      "Bearer x",
      "Bearer a.b.c",
      `Bearer ${own}`,
    ]) {
      const answer = await call(url, authorization === undefined ? {} : { headers: { authorization } });
      assertManagementError(answer, 401, "unauthorized");
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
    }
  });

  test("a token without the scope: 403, and the scope is named", async () => {
    const tenant = await newTenant();
    const headers = { authorization: `Bearer ${await tenant.managementToken("realms:read")}` };
    const answer = await call(`${tenant.server.url}${realmPath(tenant.realm)}/decisions/x`, { headers });
    assertManagementError(answer, 403, "forbidden");
    assert.match(answer.headers.get("www-authenticate") ?? "", /error="insufficient_scope", scope="events:read"/);
  });

  test("another tenant: 403, whether there is one or not (rule 38)", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const headers = { authorization: `Bearer ${await one.managementToken()}` };
    const answers = await Promise.all(
      [other.tenantId, "0000000000000000"].map((tenantId) =>
        call(`${one.server.url}/v1/tenants/${tenantId}/realms/${other.realm.realmId}/decisions/x`, { headers }),
      ),
    );
    for (const answer of answers) assertManagementError(answer, 403, "forbidden");
    const [there, nowhere] = answers.map(({ json }) => ({ ...json, trace_id: "" }));
    assert.deepEqual(there, nowhere);
  });

  test("a token that was revoked or has expired: 401 at once (rule 7)", async () => {
    const tenant = await newTenant();
    const token = await tenant.managementToken("events:read");
    const { authorization, issuer } = tenant.management;
    const url = `${tenant.server.url}${realmPath(tenant.realm)}/decisions/${"0".repeat(32)}`;
    const headers = { authorization: `Bearer ${token}` };
    assertManagementError(await call(url, { headers }), 404, "not_found");
    const body = new URLSearchParams({ token });
    await call(`${issuer}/revoke`, { method: "POST", headers: { authorization }, body });
    assertManagementError(await call(url, { headers }), 401, "unauthorized");
  });
});

describe("bodies", () => {
  async function post(body: string | Uint8Array<ArrayBuffer>, type = "application/json"): Promise<Answer> {
    const tenant = await newTenant();
    const authorization = `Bearer ${await tenant.managementToken()}`;
    return call(clockOf(tenant), { method: "POST", headers: { authorization, "content-type": type }, body });
  }

  const malformed: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] = [
    ["no JSON", "{"],
    ["two values", '{"seconds":1}{}'],
    ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
    ["U+0000 in a string", '{"seconds":1,"a":"\\u0000"}'],
    ["a lone surrogate", '{"seconds":1,"a":"\\ud800"}'],
    ["a depth that would end a stack", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["a text", '"x"'],
    ["null", "null"],
    ["nothing", ""],
    ["a number as text", '{"seconds":"1"}'],
    ["an unknown member", '{"seconds":1,"extra":true}'],
    ["a name that every object has", '{"seconds":1,"__proto__":{}}'],
  ];
  for (const [says, body] of malformed) {
    test(`${says} is 400`, async () => assertManagementError(await post(body), 400, "bad_request"));
  }

  test("of another media type are 415; JSON without a label, or as text/plain, is read", async () => {
    for (const type of ["application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]) {
      assertManagementError(await post('{"seconds":1}', type), 415, "unsupported_media_type");
    }
    assert.equal((await post('{"seconds":1}', "text/plain;charset=UTF-8")).status, 200);
  });

  test("over 1 MiB are 413", async () => {
    assertManagementError(await post(`{"a":"${"x".repeat(1_048_576)}"}`), 413, "payload_too_large");
  });

  test("a field that breaks a rule is named", async () => {
    const answer = await post('{"seconds":0,"extra":1}');
    assert.deepEqual(violatedFields(answer), ["extra", "seconds"]);
  });
});
