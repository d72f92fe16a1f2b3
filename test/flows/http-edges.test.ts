import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { applicationPath, realmPath } from "../../src/protocol/client-metadata.ts";
import { call } from "../support/http.ts";
import { newAddress } from "../support/login-flow.ts";
import { type RawAnswer, sendRaw } from "../support/raw-http.ts";
import { stoppedServer } from "../support/stopped-server.ts";
import { authorizeParameters, locationOf, testLogin } from "../support/test-browser.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow } from "../support/test-code-flow.ts";

const MANAGEMENT_ERROR = /^\{"code":"[a-z_]+","message":"[^"]+","trace_id":"([0-9a-f]{32})"\}$/;
const AUTH_ERROR = /^\{"error":"[a-z_]+","error_description":"[^"]+","trace_id":"([0-9a-f]{32})"\}$/;
const FORM = "content-type: application/x-www-form-urlencoded";

/** Every answer is JSON of our shape, whose trace id is that of its header. */
function assertShape(answer: RawAnswer, status: number, shape: RegExp): void {
  assert.equal(answer.status, status, `${answer.headers}\n${answer.body}`);
  const traceId = shape.exec(answer.body)?.[1];
  assert.ok(traceId, answer.body);
  assert.ok(answer.headers.includes(`x-trace-id: ${traceId}`), answer.headers);
  assert.match(answer.headers, /content-type: application\/json; charset=utf-8/);
  assert.match(answer.headers, /cache-control: no-store/);
}

/** Sends bytes that may be no HTTP at all, and waits until the server ends the connection. */
function sendBytes(url: string, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", ...rest] = answer.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), headers: head.toLowerCase(), body: rest.join("\r\n\r\n") });
    });
    socket.write(text, "latin1");
  });
}

describe("a method that hardly anyone sends", () => {
  const METHODS = ["PROPFIND", "LOCK", "MKCOL", "REPORT", "PURGE", "OPTIONS", "TRACE"];

  test("is answered 405 with what is allowed, on paths of every kind", async () => {
    const { tenant, application } = await testClient();
    const paths = [
      [`${applicationPath(application.key)}/token`, "POST", AUTH_ERROR],
      [`${applicationPath(application.key)}/userinfo`, "GET, HEAD, POST", AUTH_ERROR],
      [`${realmPath(tenant.realm)}/decisions/x`, "GET, HEAD", MANAGEMENT_ERROR],
      [`/v1/tenants/${tenant.tenantId}/clock:advance`, "POST", MANAGEMENT_ERROR],
      ["/health/live", "GET, HEAD", MANAGEMENT_ERROR],
    ] as const;
    for (const [target, allow, shape] of paths) {
      for (const method of METHODS) {
        const answer = await sendRaw(tenant.server.url, { method, target });
        assertShape(answer, 405, shape);
        assert.ok(answer.headers.includes(`\r\nallow: ${allow.toLowerCase()}\r\n`), `${method} ${answer.headers}`);
      }
    }
  });

  test("is answered so with a body, too", async () => {
    const { tenant } = await testClient();
    const target = `/v1/tenants/${tenant.tenantId}/clock:advance`;
    const headers = ["content-type: application/xml"];
    const answer = await sendRaw(tenant.server.url, { method: "PROPFIND", target, headers, body: Buffer.from("<a/>") });
    assertShape(answer, 405, MANAGEMENT_ERROR);
  });

  test("is answered 404 on a path that there is not", async () => {
    const { url } = await stoppedServer();
    for (const method of METHODS)
      assertShape(await sendRaw(url, { method, target: "/nowhere" }), 404, MANAGEMENT_ERROR);
  });
});

describe("what is no HTTP is answered in our shape", () => {
  const REQUESTS: readonly (readonly [string, string, number])[] = [
    ["a line that is no request", "hello\r\n\r\n", 400],
    ["an unknown method", "FROBNICATE / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["an unknown version", "GET / HTTP/9.9\r\nhost: x\r\n\r\n", 400],
    ["a header without a colon", "GET / HTTP/1.1\r\nhost: x\r\nbroken\r\n\r\n", 400],
    ["a length that is no number", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", 400],
    ["two lengths", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400],
    ["a chunk that is none", "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400],
    ["headers that never end", `GET / HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(70_000)}\r\n\r\n`, 431],
  ];
  for (const [name, text, status] of REQUESTS) {
    test(`${name}: ${status}`, async () => {
      const { url } = await stoppedServer();
      const answer = await sendBytes(url, text);
      assertShape(answer, status, MANAGEMENT_ERROR);
      assert.match(answer.headers, /connection: close/);
    });
  }
});

describe("what Node would answer by itself is answered in our shape", () => {
  const FORM_HEAD = `${FORM}\r\n`;

  test("an expectation that nobody knows: 417, and 100-continue is known", async () => {
    const { application } = await testClient();
    const { url } = await stoppedServer();
    const token = `${applicationPath(application.key)}/token`;
    const headers = [FORM, `authorization: ${application.authorization}`];
    const body = Buffer.from("grant_type=client_credentials");
    for (const [target, shape] of [
      [token, AUTH_ERROR],
      ["/v1/nowhere", MANAGEMENT_ERROR],
      ["/health/live", MANAGEMENT_ERROR],
    ] as const) {
      const asked = { method: "POST", target, headers: [...headers, "expect: a-miracle"], body };
      const answer = await sendRaw(url, asked);
      assertShape(answer, 417, shape);
    }
    const continued = await sendRaw(url, {
      method: "POST",
      target: token,
      headers: [...headers, "expect: 100-Continue"],
      body,
    });
    assert.match(`${continued.headers}${continued.body}`, /^http\/1\.1 100 continue.*HTTP\/1\.1 200 OK/s);
  });

  test("no host: 400; HTTP/1.0 needs none", async () => {
    const { application } = await testClient();
    const { url } = await stoppedServer();
    const path = `${applicationPath(application.key)}/token`;
    assertShape(await sendBytes(url, `POST ${path} HTTP/1.1\r\n${FORM_HEAD}\r\n`), 400, AUTH_ERROR);
    assertShape(await sendBytes(url, "GET /health/live HTTP/1.1\r\n\r\n"), 400, MANAGEMENT_ERROR);
    assert.equal((await sendBytes(url, "GET /health/live HTTP/1.0\r\n\r\n")).status, 200);
  });

  test("CONNECT: 400", async () => {
    const { url } = await stoppedServer();
    assertShape(await sendBytes(url, "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n"), 400, MANAGEMENT_ERROR);
  });
});

describe("what breaks on the way to an auth route has the shape of its errors (rule 38)", () => {
  const BROKEN: readonly (readonly [string, string, number])[] = [
    ["a header without a colon", "host: x\r\nbroken\r\n\r\n", 400],
    ["two lengths", "host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400],
    ["a chunk that is none", `host: x\r\n${FORM}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
    ["headers that never end", `host: x\r\na: ${"b".repeat(70_000)}\r\n\r\n`, 431],
  ];
  for (const [name, rest, status] of BROKEN) {
    test(`${name}: ${status}`, async () => {
      const { application } = await testClient();
      const { url } = await stoppedServer();
      for (const endpoint of ["token", "introspect", "revoke?x=y"]) {
        const path = `${applicationPath(application.key)}/${endpoint}`;
        const answer = await sendBytes(url, `POST ${path} HTTP/1.1\r\n${rest}`);
        assertShape(answer, status, AUTH_ERROR);
        assert.match(answer.headers, /connection: close/);
      }
      assertShape(await sendBytes(url, `POST /v1/tenants/x HTTP/1.1\r\n${rest}`), status, MANAGEMENT_ERROR);
    });
  }
});

test("a body that takes too long is answered as its route answers, a head that does as no route would: 408", async () => {
  const { application } = await testClient();
  const { url, app } = await stoppedServer();
  const { server } = app.main;
  // Node looks for what is late every other second; here it is said to have looked.
  const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
  for (const [path, shape] of [
    [`${applicationPath(application.key)}/token`, AUTH_ERROR],
    [`/v1/tenants/${application.key.tenantId}/clock:advance`, MANAGEMENT_ERROR],
  ] as const) {
    server.once("request", ({ socket }) => setImmediate(() => server.emit("clientError", late, socket)));
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\n${FORM}\r\ncontent-length: 9\r\n\r\n`;
    assertShape(await sendBytes(url, `${head}a=b`), 408, shape);
  }
  server.once("connection", (socket) => setImmediate(() => server.emit("clientError", late, socket)));
  assertShape(await sendBytes(url, "POST /v1/ten"), 408, MANAGEMENT_ERROR);
});

test("what is no HTTP behind a request leaves that request its answer, and is answered after it", async () => {
  const { application } = await testClient();
  const { url } = await stoppedServer();
  const path = `${applicationPath(application.key)}/token`;
  const body = "grant_type=client_credentials";
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\n${FORM}\r\nauthorization: ${application.authorization}`;
  const request = `${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const garbage = "hello\r\n\r\n";
  const { status, body: rest } = await sendBytes(url, `${request}${request}${garbage}`);
  assert.equal(status, 200);
  const statuses = [...rest.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code);
  assert.deepEqual(statuses, ["200", "400"], rest);
  assert.equal(rest.split('"access_token"').length, 3, rest);
  assert.match(rest.slice(rest.lastIndexOf("{")), MANAGEMENT_ERROR);
});

describe("two Authorization headers are refused: which one counts, nobody may guess (rule 15)", () => {
  async function send(target: string, values: readonly string[], form: string): Promise<RawAnswer> {
    const { url } = await stoppedServer();
    const type = form.startsWith("{") ? "content-type: application/json" : FORM;
    const headers = [type, ...values.map((value) => `authorization: ${value}`)];
    return sendRaw(url, { method: "POST", target, headers, body: Buffer.from(form) });
  }

  test("at every endpoint that takes credentials, even when both say the same", async () => {
    const client = await testClient();
    const { key, authorization } = client.application;
    const wrong = "Basic eDp4";
    const form = "grant_type=client_credentials&token=x";
    for (const target of [
      ...["token", "introspect", "revoke", "userinfo"].map((name) => `${applicationPath(key)}/${name}`),
      `${realmPath(key)}/introspect`,
    ]) {
      for (const pair of [
        [authorization, wrong],
        [wrong, authorization],
        [authorization, authorization],
      ]) {
        const answer = await send(target, pair, form);
        assertShape(answer, 400, AUTH_ERROR);
        assert.match(answer.body, /"invalid_request"/);
      }
    }
    const once = await send(`${applicationPath(key)}/token`, [authorization], form);
    assert.equal(once.status, 200, once.body);
  });

  test("and at management routes", async () => {
    const { tenant } = await testClient();
    const target = `/v1/tenants/${tenant.tenantId}/clock:advance`;
    const bearer = `Bearer ${await tenant.managementToken()}`;
    const body = '{"seconds":1}';
    for (const pair of [
      [bearer, bearer],
      [bearer, "Bearer x"],
    ]) {
      assertShape(await send(target, pair, body), 400, MANAGEMENT_ERROR);
    }
    assert.equal((await send(target, [bearer], body)).status, 200);
  });
});

describe("HEAD", () => {
  async function countRequests({ tenant }: CodeFlow): Promise<unknown> {
    const text = "SELECT count(*)::integer AS n FROM authorization_requests WHERE tenant_id = $1";
    const { database } = tenant.server.deps;
    return (await database.maintain((session) => session.query(text, [tenant.tenantId])))[0]?.n;
  }

  test("on authorize stores nothing and begins no login", async () => {
    const flow = await testCodeFlow();
    const query = new URLSearchParams(authorizeParameters(flow.application, "v".repeat(43)));
    const url = `${flow.application.issuer}/authorize?${query}`;
    const before = await countRequests(flow);
    for (const _ of [1, 2, 3]) {
      const answer = await call(url, { method: "HEAD" });
      assert.ok(answer.status < 300, String(answer.status));
      assert.deepEqual(answer.headers.getSetCookie(), []);
      assert.equal(answer.headers.get("location"), null);
    }
    assert.equal(await countRequests(flow), before);
    assert.equal((await call(url)).status, 303);
    assert.equal(await countRequests(flow), Number(before) + 1);
  });

  test("on the way back from a login spends nothing: the code is still to be had", async () => {
    const flow = await testCodeFlow();
    const email = newAddress(flow.tenant);
    await flow.tenant.addIdentity(email);
    const login = await testLogin(flow.tenant, flow.application);
    const { pathname, search } = locationOf(await login.logIn(email));
    const url = `${flow.tenant.server.url}${pathname}${search}`;
    const cookie = [...login.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const head = await call(url, { method: "HEAD", headers: { cookie } });
    assert.equal(head.headers.get("location"), null);
    assert.ok(locationOf(await login.browser.open(url)).searchParams.get("code"));
  });

  test("elsewhere answers what GET does, without its body", async () => {
    const flow = await testCodeFlow();
    const url = `${flow.application.issuer}/.well-known/openid-configuration`;
    const [head, get] = [await call(url, { method: "HEAD" }), await call(url)];
    assert.deepEqual([head.status, head.text], [200, ""]);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"));
    assert.equal(head.headers.get("content-length"), String(Buffer.byteLength(get.text)));
  });

  test("is not allowed where GET is not", async () => {
    const { application } = await testClient();
    assert.equal((await call(`${application.issuer}/token`, { method: "HEAD" })).status, 405);
  });
});
