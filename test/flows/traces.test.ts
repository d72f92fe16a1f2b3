import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, basic, call, postForm } from "../support/http.ts";
import { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { scrape } from "../support/scrape.ts";
import { serverPlace } from "../support/server-process.ts";
import { testClient } from "../support/test-client.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

const TOKEN = "POST /v1/tenants/:tenant/realms/:realm/applications/:application/token";
/** Requests that come one by one, for all that they are sent together, share nothing: then it is tried again. */
const TOGETHER = 8;
const ROUNDS_MAX = 100;
const CLIENT_TRACE = "0af7651916cd43dd8448eb211c80319c";

async function tracedServer(receiver: OtlpReceiver, more: Record<string, string> = {}): Promise<TestServer> {
  return testServer({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...more } });
}

function childrenOf(spans: readonly ReceivedSpan[], parent: ReceivedSpan | undefined): ReceivedSpan[] {
  return spans.filter(({ parentSpanId }) => parentSpanId !== undefined && parentSpanId === parent?.spanId);
}

test("a request is a span, with its batches, statements and signature as parts", async () => {
  const receiver = await otlpReceiver();
  const server = await tracedServer(receiver, { OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=a%20key" });
  const { application } = await testClient({ tenant: await testTenant({ server }) });
  const send = (traceparent: string) =>
    postForm(
      `${application.issuer}/token`,
      { grant_type: "client_credentials" },
      { authorization: application.authorization, traceparent },
    );
  const own = await send("no trace of anybody's");
  const followed = await send(`00-${CLIENT_TRACE}-b7ad6b7169203331-01`);
  await send(`00-11111111111111111111111111111111-b7ad6b7169203331-00`);
  await server.stop();

  const requests = receiver.spans.filter(({ kind }) => kind === 2);
  assert.deepEqual(
    requests.map(({ name }) => name),
    [TOKEN, TOKEN],
    "the third one's caller did not want to be recorded",
  );
  const [first, second] = requests;
  assert.equal(first?.traceId, own.headers.get("x-trace-id"));
  assert.equal(first?.parentSpanId, undefined);
  assert.deepEqual([second?.traceId, second?.parentSpanId], [CLIENT_TRACE, "b7ad6b7169203331"]);
  assert.deepEqual(second?.attributes, {
    "http.request.method": "POST",
    "http.route": TOKEN.replace("POST ", ""),
    "http.response.status_code": 200,
    "mayfly.trace_id": followed.headers.get("x-trace-id"),
  });
  const parts = childrenOf(receiver.spans, second);
  // What is kept for two seconds may just be read anew: that is a statement of the request's own.
  const work = parts.filter(({ attributes }) => attributes["db.operation.name"] === undefined);
  assert.deepEqual(work.map(({ name }) => name).sort(), ["batch insert", "sign"]);
  const insert = parts.find(({ name }) => name === "batch insert");
  assert.equal(insert?.attributes["mayfly.batch.size"], 1);
  const [statement] = childrenOf(receiver.spans, insert);
  assert.deepEqual(statement?.attributes, { "db.system.name": "postgresql", "db.operation.name": "token.insert" });
  assert.ok(receiver.texts.some((text) => text.includes('"x-api-key":"a key"')));
});

/** Sends requests together, again and again until some have shared a batch; returns those that were sent then. */
async function sendUntilShared(send: () => Promise<Answer>, server: TestServer): Promise<Answer[]> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = await scrape(server);
    const answers = await Promise.all(Array.from({ length: TOGETHER }, send));
    const after = await scrape(server);
    const [batches = 0, requests = 0] = ["mayfly_batch_size_count", "mayfly_batch_size_sum"].map(
      (name) => after.sum(name, { batch: "insert" }) - before.sum(name, { batch: "insert" }),
    );
    assert.equal(requests, TOGETHER);
    if (batches < requests) return answers;
  }
  return assert.fail("requests that are sent together never share a batch");
}

test("requests that share a statement have it in each of their traces", async () => {
  const receiver = await otlpReceiver();
  const server = await tracedServer(receiver);
  const { tenant, application } = await testClient({ tenant: await testTenant({ server }) });
  const send = () => tenant.token(application, { grant_type: "client_credentials" });
  await send();
  const answers = await sendUntilShared(send, server);
  await server.stop();
  const traces = answers.map(({ headers }) => headers.get("x-trace-id"));
  const own = receiver.spans.filter(({ traceId }) => traces.includes(traceId));
  assert.equal(own.filter(({ name }) => name === "token.insert").length, TOGETHER);
  const sizes = own.filter(({ name }) => name === "batch insert").map((span) => span.attributes["mayfly.batch.size"]);
  assert.equal(sizes.length, TOGETHER);
  assert.ok(Math.max(...sizes.map(Number)) > 1, String(sizes));
});

test("no trace holds a token, a secret, a query or what a person typed", async () => {
  const receiver = await otlpReceiver();
  const server = await tracedServer(receiver);
  const { tenant, application } = await testClient({ tenant: await testTenant({ server }) });
  const token = String((await tenant.token(application, { grant_type: "client_credentials" })).json?.access_token);
  await tenant.introspect(application, token);
  await postForm(`${application.issuer}/revoke`, { token }, { authorization: application.authorization });
  await call(`${application.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  await call(`${application.issuer}/authorize?client_id=x&login_hint=ann%40example.com`);
  const wrong = await postForm(
    `${application.issuer}/token`,
    {},
    { authorization: basic(application.clientId, "guess") },
  );
  assert.equal(wrong.status, 401);
  await server.stop();
  assert.ok(receiver.spans.filter(({ kind }) => kind === 2).length >= 6);
  assert.ok(receiver.spans.some(({ attributes }) => attributes["mayfly.error"] === "invalid_client"));
  const all = receiver.texts.join("\n");
  const secrets = [token, token.split(".")[1], application.clientSecret, application.authorization, "guess"];
  for (const secret of [...secrets, "ann", "login_hint", "client_id=x"])
    assert.equal(all.includes(String(secret)), false);
  assert.equal(all.includes(tenant.tenantId), false, "paths are patterns");
});

for (const behaviour of [500, "never"] as const) {
  test(`a collector that answers ${behaviour} harms no request and holds no stop up`, async () => {
    const receiver = await otlpReceiver(behaviour);
    const server = await tracedServer(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: "60000" });
    const { tenant, application } = await testClient({ tenant: await testTenant({ server }) });
    for (let count = 0; count < 5; count += 1)
      assert.equal((await tenant.token(application, { grant_type: "client_credentials" })).status, 200);
    const stoppedAt = performance.now();
    await server.stop();
    assert.ok(performance.now() - stoppedAt < 30_000, "half of what the collector may take");
    assert.ok(receiver.spans.length > 0);
    const snapshots = await server.deps.metrics.snapshot();
    const exported = snapshots.find(({ name }) => name === "mayfly_spans_exported_total")?.values ?? [];
    assert.deepEqual(
      exported.map(({ labels, value }) => [labels.result, value]),
      behaviour === 500 ? [["failed", receiver.spans.length]] : [],
    );
  });
}

test("a server that nobody traces or scrapes loads neither library, and one that is traced does", async () => {
  const place = await serverPlace();
  const reporter = new URL("../support/report-loaded-packages.mjs", import.meta.url).href;
  const loads = async (more: Record<string, string>): Promise<boolean[]> => {
    const server = await place.start({ NODE_OPTIONS: `--import=${reporter}`, ...more });
    const { stderr } = await server.end("SIGTERM");
    return ["pg", "prom-client", "@opentelemetry/sdk-trace"].map((name) => stderr.includes(`loaded ${name}\n`));
  };
  assert.deepEqual(await loads({}), [true, false, false]);
  const receiver = await otlpReceiver();
  assert.deepEqual(await loads({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }), [true, false, true]);
  await place.remove();
});
