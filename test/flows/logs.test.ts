import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { basic, call, postForm } from "../support/http.ts";
import { newAddress } from "../support/login-flow.ts";
import { sendRaw } from "../support/raw-http.ts";
import { TEST_CODE, type TestLogin, testLogin } from "../support/test-browser.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

type Line = Readonly<Record<string, unknown>>;

async function loggedServer() {
  const lines: string[] = [];
  const environment = { MAYFLY_LOG_LEVEL: "debug" };
  const server = await testServer({ environment, onLogLine: (line) => lines.push(line) });
  const find = (traceId: string | null): Line | undefined =>
    lines.map((line): Line => JSON.parse(line)).find((line) => line.msg === "request" && line.trace_id === traceId);
  return { server, lines, find, tenant: await testTenant({ server }) };
}

describe("a request's line", () => {
  let logged: Awaited<ReturnType<typeof loggedServer>>;

  before(async () => {
    logged = await loggedServer();
  });

  after(() => logged.server.stop());

  test("a request is one line that says who it was about, how it went and how long it took", async () => {
    const { server, find, tenant } = logged;
    const { application } = await testClient({ tenant });
    const form = { grant_type: "client_credentials" };
    const send = (headers: Record<string, string>) =>
      postForm(`${application.issuer}/token`, form, { authorization: application.authorization, ...headers });
    const plain = await send({});
    const { time, ms, ...line } = find(plain.headers.get("x-trace-id")) ?? {};
    assert.ok(typeof time === "string" && typeof ms === "number" && ms > 0);
    assert.deepEqual(line, {
      level: 30,
      trace_id: plain.headers.get("x-trace-id"),
      method: "POST",
      route: "/v1/tenants/:tenant/realms/:realm/applications/:application/token",
      status: 200,
      bytes: Buffer.byteLength(plain.text),
      tenant_id: application.key.tenantId,
      realm_id: application.key.realmId,
      application_id: application.key.applicationId,
      msg: "request",
    });
    const refused = await send({ authorization: basic(application.clientId, "wrong") });
    assert.equal(find(refused.headers.get("x-trace-id"))?.error, "invalid_client");
    const lost = await call(`${server.url}/v1/nowhere`);
    const { route, error } = find(lost.headers.get("x-trace-id")) ?? {};
    assert.deepEqual([route, error], ["unknown", "not_found"]);
  });

  test("what a client calls its request is kept if it is short and plain, and not at all otherwise", async () => {
    const { server, find } = logged;
    const correlationOf = async (headers: Record<string, string>) => {
      const answer = await call(`${server.url}/health/live`, { headers });
      return find(answer.headers.get("x-trace-id"))?.correlation_id;
    };
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert.equal(await correlationOf({}), undefined);
    assert.equal(await correlationOf({ "x-request-id": "job/42:a-b_c.d" }), "job/42:a-b_c.d");
    assert.equal(await correlationOf({ traceparent }), "0af7651916cd43dd8448eb211c80319c");
    assert.equal(await correlationOf({ traceparent, "x-request-id": "mine" }), "mine");
    assert.equal(await correlationOf({ traceparent: "x".repeat(60) }), undefined);
    assert.equal(await correlationOf({ "x-request-id": "x".repeat(42) }), "x".repeat(42));
    for (const refused of ['a" \u00e9<b>', "x".repeat(43), "x".repeat(500), "", "mayfly_at_abc", "job:Mayfly_rt_abc"]) {
      assert.equal(await correlationOf({ "x-request-id": refused }), undefined, refused);
      assert.equal(await correlationOf({ "x-correlation-id": refused }), undefined, refused);
    }
  });
});

test("no line holds a secret, a token, a code, a query or what a person typed, whatever is asked and however it ends", async () => {
  const { server, lines, tenant } = await loggedServer();
  const flow = await testCodeFlow({ tenant });
  const email = newAddress(tenant);
  await tenant.addIdentity(email);
  const login = await testLogin(tenant, flow.application, {
    parameters: { login_hint: email, nonce: "n-0S6_WzA2Mj", scope: "openid offline_access shoes:read" },
  });
  await login.submit("send", { email });
  await login.submit("verify", { code: "111111" });
  await login.submit("verify", { code: TEST_CODE });
  const back = await login.finish(await login.submit("allow"));
  const secrets = [email, "n-0S6_WzA2Mj", "af0ifjsldkj", ...login.browser.cookies.values()];
  secrets.push(...(await useTokens(flow, login, back.searchParams.get("code") ?? "")));
  await server.stop();

  const requests = lines.filter((line) => line.includes('"msg":"request"'));
  const fields = new Set(requests.flatMap((line) => Object.keys(JSON.parse(line))));
  assert.deepEqual([...fields, "worker"].sort(), documentedFields());
  assert.ok(requests.length >= 20, `only ${requests.length} requests`);
  const all = lines.join("");
  for (const secret of secrets) {
    assert.ok(secret.length >= 8, `too short to look for: ${secret}`);
    for (const part of [secret, secret.slice(0, 40), secret.slice(-40), encodeURIComponent(secret)])
      assert.equal(all.includes(part), false, `${part} is in the log`);
  }
  for (const word of ["?", "login_hint", "access_token", "Basic ", "Bearer "])
    assert.equal(all.includes(word), false, word);
});

/** The fields of a request's line by the guide; what only a worker writes, another test shows. */
function documentedFields(): string[] {
  const guide = readFileSync(new URL("../../docs/guides/observing.md", import.meta.url), "utf8");
  const rows = /^\| Field.*\n(?:\|.*\n)+/m.exec(guide)?.[0].split("\n") ?? [];
  return rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name = ""]) => name)).sort();
}

/** Sends a secret as what a client calls its request, bare and with a word before it. */
async function sendAsIds(url: string, secret: string): Promise<void> {
  for (const name of ["x-request-id", "x-correlation-id", "traceparent"])
    for (const value of [secret, `${name}=${secret}`]) await call(`${url}/health/live`, { headers: { [name]: value } });
}

/** Sends everything that one can send with a code and the tokens for it. @returns what no line may hold */
async function useTokens(flow: CodeFlow, login: TestLogin, code: string): Promise<string[]> {
  const { tenant, application } = flow;
  await call(`${tenant.server.url}/health/live`, { headers: { "x-request-id": "job-42" } });
  const { issuer, authorization, clientSecret, key } = application;
  const exchanged = { grant_type: "authorization_code", code, code_verifier: login.verifier };
  const tokens = tokensOf(await tenant.token(application, exchanged));
  const renewed = tokensOf(await flow.refresh(tokens.refresh));
  await tenant.token(application, exchanged); // again: its family ends
  const job = await testClient({ tenant, server: flow.resourceServer, config: { token_format: "referential" } });
  const opaque = tokensOf(await tenant.token(job.application, { grant_type: "client_credentials" })).access;
  const all = [tokens.access, tokens.idToken, tokens.refresh, renewed.access, renewed.refresh, opaque];
  for (const token of all) {
    const bearer = { authorization: `Bearer ${token}` };
    await tenant.introspect(application, token);
    await call(`${issuer}/userinfo`, { headers: bearer });
    await call(`${issuer}/userinfo?access_token=${token}`);
    await postForm(`${issuer}/userinfo`, { access_token: token });
    await postForm(`${issuer}/revoke`, { token }, { authorization });
    await call(`${tenant.server.url}/v1/tenants/${token.slice(0, 100)}/realms/${key.realmId}/introspect`);
    await call(`${tenant.server.url}/${token}`);
    await tenant.manage("GET", `/applications/${key.applicationId}/tokens?token=${token}`);
    await call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}/clock:advance`, { method: "POST", headers: bearer });
  }
  await postForm(`${issuer}/token`, `client_secret=${clientSecret}&client_secret=${clientSecret}`);
  await sendRaw(tenant.server.url, {
    method: "GET",
    target: `/authorize?code=${code}`,
    headers: [`bad header ${code}`],
  });
  const credentials = [code, login.verifier, clientSecret, authorization.slice("Basic ".length)];
  const secrets = [...all, ...credentials, ...login.browser.cookies.values(), await tenant.managementToken()];
  for (const secret of secrets) await sendAsIds(tenant.server.url, secret);
  return secrets;
}
