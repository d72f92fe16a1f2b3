import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Route } from "../../src/http/route.ts";
import { bucketFor } from "../../src/protocol/bucket.ts";
import { formatOpaqueToken, formatRefreshToken } from "../../src/protocol/opaque-token.ts";
import { ID_KINDS } from "../../src/protocol/token-id.ts";
import { fillPath } from "../support/fill-path.ts";
import { type RawAnswer, sendRaw } from "../support/raw-http.ts";
import { stoppedServer } from "../support/stopped-server.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

const RUNS = 200;
const FORM = "content-type: application/x-www-form-urlencoded";
const JSON_TYPE = "content-type: application/json";

/** A route's path with what exists, or with something else. */
function pathOf(route: Route, application: TestApplication, other?: string): string {
  const known: Readonly<Record<string, string>> = {
    tenant: application.key.tenantId,
    realm: application.key.realmId,
    application: application.key.applicationId,
  };
  return fillPath(route.path, (name) => other ?? known[name] ?? "x");
}

function assertNoFailure(answer: RawAnswer, about: string): void {
  assert.ok(answer.status >= 200 && answer.status < 500, `${answer.status} for ${about}: ${answer.body.slice(0, 300)}`);
}

const id = { traceId: new Uint8Array(16), kind: ID_KINDS.access, bucket: 1, random: new Uint8Array(3) };
const secret = new Uint8Array(32);

/** Texts of the right shape about things that cannot be. */
function impossibleTokens(now: number): string[] {
  const buckets = [
    0,
    1,
    -1,
    -2_147_483_648,
    2_147_483_647,
    bucketFor(now, 60),
    bucketFor(now, 315_360_000),
    5 * 2 ** 28,
  ];
  const kinds = [0, 1, 2, 3, 255];
  return buckets.flatMap((bucket) =>
    kinds.flatMap((kind) => [
      formatOpaqueToken("access", { ...id, bucket, kind }, secret),
      formatOpaqueToken("code", { ...id, bucket, kind }, secret),
      formatRefreshToken({ id: { ...id, bucket, kind }, generation: 0xffff_ffff, secret }, secret),
    ]),
  );
}

const TEXTS: readonly string[] = [
  "",
  "%00",
  "%",
  "%ED%A0%80",
  "%FF%FE",
  "%C0%80",
  "%F4%90%80%80",
  "\u0000",
  "'; DROP TABLE tokens; --",
  "{}",
  "[]",
  "__proto__",
  "constructor",
  "a".repeat(33_000),
  "%E2%80%AE%F0%9F%92%A9",
  "..%2F..%2Fetc%2Fpasswd",
  "%0D%0Aset-cookie:%20a=b",
];

describe("malformed input of every kind never fails the server (specification section 5)", () => {
  test("in any parameter of a token request", async () => {
    const flow = await testCodeFlow();
    const { authorization, issuer } = flow.application;
    const { url } = flow.tenant.server;
    const target = new URL(`${issuer}/token`).pathname;
    const names = [
      "grant_type",
      "code",
      "refresh_token",
      "redirect_uri",
      "code_verifier",
      "scope",
      "client_id",
      "client_secret",
      "expiration_time",
      "custom_claims",
      "token_name",
    ];
    for (const grant of ["authorization_code", "refresh_token", "client_credentials"]) {
      for (const name of names) {
        const answers = TEXTS.map(async (text) => {
          const base = name === "grant_type" ? "" : `grant_type=${grant}&`;
          const body = Buffer.from(`${base}${name}=${text}`);
          const answer = await sendRaw(url, {
            method: "POST",
            target,
            headers: [FORM, `authorization: ${authorization}`],
            body,
          });
          assertNoFailure(answer, `${grant} ${name}=${text.slice(0, 40)}`);
        });
        await Promise.all(answers);
      }
    }
  });

  test("as a token, a code or a bearer of the right shape", async () => {
    const flow = await testCodeFlow();
    const { tenant, application } = flow;
    for (const token of impossibleTokens(tenant.server.deps.clock.nowSeconds())) {
      assert.deepEqual(await tenant.introspect(application, token), { active: false });
      const answers = await Promise.all([
        flow.exchange({ code: token, verifier: "x".repeat(43), identityId: "", grantId: "" }),
        flow.refresh(token),
        fetch(`${application.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } }),
        fetch(`${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/x/decisions/x`, {
          headers: { authorization: `Bearer ${token}` },
        }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [400, 400, 401, 401],
        token,
      );
    }
  });

  test("in the path of any route", async () => {
    const { tenant, application } = await testClient();
    const { routes } = tenant.server.app;
    assert.ok(routes.length > 20);
    const segments = ["%00", "%ff", "%zz", "x", "..", "%2e%2e", "%2F", "'", "a".repeat(201), "%F0%9F%92%A9", "-", "*"];
    const headers = [`authorization: Bearer ${await tenant.managementToken()}`, JSON_TYPE];
    for (const route of routes) {
      const answers = segments.map(async (segment) => {
        const target = pathOf(route, application, segment);
        const answer = await sendRaw(tenant.server.url, { method: route.method, target, headers });
        assertNoFailure(answer, `${route.method} ${target}`);
      });
      await Promise.all(answers);
    }
  });

  test("in the headers of any route", async () => {
    const { tenant, application } = await testClient();
    const values = [
      "",
      "Bearer",
      "Bearer \xff",
      "Basic",
      "Basic \xff\xfe",
      "Basic =",
      `Bearer ${"a".repeat(9_000)}`,
      "Bearer a.b.c",
      "Bearer eyJqdGkiOm51bGx9.eyJqdGkiOm51bGx9.x",
      ", ",
      "Basic Og==",
    ];
    for (const route of tenant.server.app.routes) {
      const target = pathOf(route, application);
      const answers = values.map(async (value) => {
        const headers = [
          `authorization: ${value}`,
          `content-type: ${value}`,
          `cookie: ${value}=${value}`,
          `accept: ${value}`,
        ];
        const answer = await sendRaw(tenant.server.url, { method: route.method, target, headers });
        assertNoFailure(answer, `${route.method} ${target} ${value.slice(0, 40)}`);
      });
      await Promise.all(answers);
    }
  });
});

test(`${RUNS} requests of arbitrary bytes to arbitrary routes are answered, and none with 5xx`, async () => {
  const { tenant, application } = await testClient();
  const { routes } = tenant.server.app;
  const bearer = `Bearer ${await tenant.managementToken()}`;
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .string({ unit: "binary", maxLength: 100 })
      .map((text) => Buffer.from(`grant_type=client_credentials&scope=${text}`)),
    fc
      .dictionary(fc.constantFrom("token", "scope", "code", "grant_type", "request"), fc.string({ unit: "binary" }))
      .map((form) => Buffer.from(new URLSearchParams(form).toString())),
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from("token="), bytes])),
  );
  const request = fc.record({
    route: fc.constantFrom(...routes),
    method: fc.constantFrom("route's own", "route's own", "route's own", "GET", "POST", "DELETE"),
    type: fc.constantFrom(FORM, FORM, JSON_TYPE, "content-type: text/plain", "x: y"),
    authorization: fc.constantFrom(application.authorization, bearer, "Basic Og==", "Bearer x", ""),
    query: fc.webQueryParameters(),
    body,
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ route, method, type, authorization, query, body: bytes }) => {
      const target = `${pathOf(route, application)}?${query}`;
      const sent = method === "route's own" ? route.method : method;
      const headers = [type, ...(authorization === "" ? [] : [`authorization: ${authorization}`])];
      const answer = await sendRaw(tenant.server.url, { method: sent, target, headers, body: bytes });
      assertNoFailure(answer, `${sent} ${target}`);
    }),
    { numRuns: RUNS },
  );
});

test("a body that says it is longer or shorter than it is does not hold the server", async () => {
  const { url } = await stoppedServer();
  const headers = ["transfer-encoding: chunked", FORM];
  const answer = await sendRaw(url, { method: "POST", target: "/v1/tenants/x/realms/x/introspect", headers });
  assertNoFailure(answer, "content-length beside chunked");
});
