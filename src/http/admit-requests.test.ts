import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { type Answer, call, postForm } from "../../test/support/http.ts";
import { createSimulatedTimers } from "../../test/support/simulated-timers.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom } from "../platform/random.ts";
import { CALM_MS, UNDER_WAY_START } from "./admission.ts";
import { NO_CALLERS } from "./admit-caller.ts";
import { LARGE_BODIES_BYTES_MAX, SMALL_BODY_BYTES } from "./body-budget.ts";
import { trustNoOrigin } from "./cross-origin.ts";
import type { Operation } from "./operation.ts";
import { jsonReply, type Route } from "./route.ts";
import { createServer } from "./server.ts";
import { LINE_CHECK_MS, LINE_MS_MAX } from "./waiting-line.ts";

const APPLICATION = "/v1/tenants/:tenant/realms/:realm/applications/:application";
const PATH = "/v1/tenants/0123456789abcdef/realms/0123456789abcdef/applications/app";

interface OpenOptions {
  readonly isLeaving?: () => boolean;
  /** what each look at the clock takes */
  readonly costMs?: number;
}

const SCIM_USERS: Operation = {
  ...{ name: "users", method: "GET", path: "/scim/Users", tag: "SCIM", summary: "Lists users.", scopes: [] },
  format: "scim",
};

/** A server whose `/hold` answers when it is told to, in a time that only the test moves. */
async function openServer(t: TestContext, { costMs = 0, ...options }: OpenOptions = {}) {
  const held: (() => void)[] = [];
  const sockets: Socket[] = [];
  const { timers: simulated, pass } = createSimulatedTimers();
  let spentMs = 0;
  const spend = (): number => {
    spentMs += costMs;
    return spentMs;
  };
  const timers = { ...simulated, nowMs: () => simulated.nowMs() + spend() };
  const hold = (): Promise<void> => new Promise((resolve) => held.push(resolve));
  const echo: Route["handle"] = async ({ bytes }) => jsonReply(200, { bytes: bytes.length });
  const routes: Route[] = [
    { name: "hold", method: "GET", path: "/hold", kind: "public", handle: () => hold().then(() => jsonReply(200, {})) },
    { name: "token", method: "POST", path: `${APPLICATION}/token`, kind: "auth", handle: echo },
    { name: "authorize", method: "GET", path: `${APPLICATION}/authorize`, kind: "auth", isShown: true, handle: echo },
    { name: "login", method: "GET", path: "/authenticator/:id", kind: "page", handle: echo },
    { name: "change", method: "POST", path: "/v1/tenants/:tenant", kind: "management", handle: echo },
    { name: "users", method: "GET", path: "/scim/Users", kind: "management", operation: SCIM_USERS, handle: echo },
    { name: "live", method: "GET", path: "/health/live", kind: "public", isVital: true, handle: echo },
  ];
  const metrics = createMetrics(listMetrics());
  const server = createServer(routes, {
    clock: createClock(),
    random: createRandom(),
    log: createLog("silent"),
    metrics,
    tenantClassOf: () => "none",
    gate: NO_CALLERS,
    isTrustedOrigin: trustNoOrigin,
    trustedProxies: [],
    isLeaving: () => false,
    admission: { timers },
    ...options,
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const release = (): void => {
    for (const answer of held.splice(0)) answer();
  };
  t.after(() => {
    release();
    for (const socket of sockets) socket.destroy();
    return server.close();
  });
  const countConnections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  const readMetric = async (name: string): Promise<number | undefined> =>
    (await metrics.snapshot()).find((one) => one.name === name)?.values[0]?.value;
  return { url, held, sockets, release, pass, countConnections, readMetric };
}

type Opened = Awaited<ReturnType<typeof openServer>>;

/** Waits for what needs no time of the server's own. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

/** Fills every place, and more: whoever comes now is refused at once. */
async function overload({ url, held, pass, readMetric }: Opened): Promise<{ readonly inside: Promise<Answer>[] }> {
  const inside = Array.from({ length: UNDER_WAY_START }, () => call(`${url}/hold`));
  await until(() => held.length === UNDER_WAY_START);
  const waiting = call(`${url}/hold`);
  for (let isRefused = false; !isRefused; ) {
    await pass(LINE_MS_MAX + LINE_CHECK_MS);
    isRefused = await Promise.race([
      waiting.then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 5, false)),
    ]);
  }
  assert.equal((await waiting).status, 503);
  assert.equal(await readMetric("mayfly_unavailable_total"), 1);
  return { inside };
}

function assertBusy({ status, headers, json }: Answer): void {
  assert.equal(status, 503);
  assert.equal(headers.get("retry-after"), "1");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("x-trace-id") ?? "", /^[0-9a-f]{32}$/);
  assert.equal(headers.get("connection"), "keep-alive");
  if (json !== undefined) assert.equal(json.trace_id, headers.get("x-trace-id"));
}

test("a refusal has the shape of its route's errors, and a trace id of its own", async (t) => {
  const server = await openServer(t);
  await overload(server);
  const token = await postForm(`${server.url}${PATH}/token`, { grant_type: "client_credentials" });
  assertBusy(token);
  assert.deepEqual(
    [token.json?.error, Object.keys(token.json ?? {})],
    ["temporarily_unavailable", ["error", "error_description", "trace_id"]],
  );
  const asked = await call(`${server.url}${PATH}/token?expiration_time=9`, { method: "POST" });
  assert.equal(asked.json?.error, "temporarily_unavailable");
  assert.notEqual(asked.headers.get("x-trace-id"), token.headers.get("x-trace-id"));
  for (const path of ["/v1/tenants/0123456789abcdef", "/nothing/here", `${PATH}/token/more`]) {
    const answer = await call(`${server.url}${path}`);
    assertBusy(answer);
    assert.equal(answer.json?.code, "service_unavailable", path);
  }
  const { status, headers, json } = await call(`${server.url}/scim/Users?count=1`);
  assert.deepEqual([status, json?.status, Object.keys(json ?? {})], [503, "503", ["schemas", "status", "detail"]]);
  assert.match(headers.get("x-trace-id") ?? "", /^[0-9a-f]{32}$/);
  for (const path of [`${PATH}/authorize?client_id=a`, "/authenticator/abc"]) {
    const page = await call(`${server.url}${path}`, { headers: { accept: "text/html,*/*" } });
    assertBusy(page);
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(page.text, /Please try again in a moment/);
    assert.ok(page.text.includes(page.headers.get("x-trace-id") ?? "-"));
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    const json = await call(`${server.url}${path}`, { headers: { accept: "application/json" } });
    assert.equal(json.json?.error, "temporarily_unavailable");
  }
  const head = await call(`${server.url}/hold`, { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [503, ""]);
});

test("whoever watches the server is answered however busy it is", async (t) => {
  const server = await openServer(t);
  await overload(server);
  assert.equal((await call(`${server.url}/health/live`)).status, 200);
  assert.equal((await call(`${server.url}/health/live?probe=1`)).status, 200);
  assert.equal((await call(`${server.url}/health/dead`)).status, 503);
});

test("when those inside are answered, others come in at once, and a second later a burst may wait again", async (t) => {
  const server = await openServer(t);
  const { inside } = await overload(server);
  server.release();
  for (const answer of await Promise.all(inside)) assert.equal(answer.status, 200);
  assert.equal((await postForm(`${server.url}${PATH}/token`, {})).status, 200);
  await server.pass(CALM_MS);
  assert.equal((await postForm(`${server.url}${PATH}/token`, {})).status, 200);
  const burst = Array.from({ length: 3 * UNDER_WAY_START }, () => call(`${server.url}/hold`));
  await until(() => server.held.length === UNDER_WAY_START);
  let answered = 0;
  for (const one of burst) void one.then(() => (answered += 1));
  await until(() => {
    server.release();
    return answered === burst.length;
  });
  for (const answer of await Promise.all(burst)) assert.equal(answer.status, 200);
});

/** Sends bytes over one connection, in the order and at the moments that a test chooses. */
async function openConnection({ url, sockets }: Opened): Promise<{ socket: Socket; received: () => string }> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  sockets.push(socket);
  await once(socket, "connect");
  return { socket, received: () => text };
}

function head(method: string, path: string, length: number): string {
  return `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${length}\r\n\r\n`;
}

test("the body of a refused request is read past, whenever it comes, and its connection goes on", async (t) => {
  const server = await openServer(t);
  await overload(server);
  const { socket, received } = await openConnection(server);
  socket.write(`${head("POST", `${PATH}/token`, 9)}a=1`);
  await until(() => received().includes("503 Service Unavailable"));
  socket.write(`&b=234${head("POST", `${PATH}/token`, 3)}a=1`);
  await until(() => received().split("503 Service Unavailable").length === 3);
  server.release();
  await until(() => server.held.length === 0);
  socket.write(`${head("POST", `${PATH}/token`, 3)}a=1`);
  await until(() => received().includes("200 OK"));
  assert.ok(received().endsWith('{"bytes":3}'));
});

test("senders that take their time hold no place that others need, and must find one when their body is there", async (t) => {
  const server = await openServer(t);
  const slow = await Promise.all(Array.from({ length: 2 * UNDER_WAY_START }, () => openConnection(server)));
  for (const { socket } of slow) socket.write(head("POST", `${PATH}/token`, 3));
  await until(async () => (await server.readMetric("mayfly_http_requests_in_flight")) === slow.length);
  await until(async () => (await server.readMetric("mayfly_admission_under_way")) === 0);
  const { inside } = await overload(server);
  slow[0]?.socket.write("a=1");
  await until(() => slow[0]?.received().includes("\r\n\r\n{") === true);
  assert.match(slow[0]?.received() ?? "", /^HTTP\/1.1 503 .*temporarily_unavailable/s);
  server.release();
  await Promise.all(inside);
  slow[1]?.socket.write("a=1");
  await until(() => slow[1]?.received().includes("200 OK") === true);
});

test("large bodies that are on their way hold so much memory together, and small ones pass beside them", async (t) => {
  const server = await openServer(t);
  const bytes = 1_048_576;
  const slow = await Promise.all(Array.from({ length: LARGE_BODIES_BYTES_MAX / bytes }, () => openConnection(server)));
  for (const { socket } of slow) socket.write(head("POST", "/v1/tenants/0123456789abcdef", bytes));
  await until(async () => (await server.readMetric("mayfly_http_requests_in_flight")) === slow.length);
  const large = () => call(`${server.url}${PATH}/token`, { method: "POST", body: "a".repeat(SMALL_BODY_BYTES + 1) });
  assert.equal((await large()).status, 503);
  const small = await call(`${server.url}${PATH}/token`, { method: "POST", body: "a".repeat(SMALL_BODY_BYTES) });
  assert.equal(small.status, 200);
  slow[0]?.socket.destroy();
  await until(async () => (await server.readMetric("mayfly_http_requests_in_flight")) === slow.length - 1);
  assert.equal((await large()).status, 200);
});

test("a client that gives up frees no place while its request is still worked on", async (t) => {
  const server = await openServer(t);
  const gone = await Promise.all(Array.from({ length: UNDER_WAY_START }, () => openConnection(server)));
  for (const { socket } of gone) socket.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await until(() => server.held.length === UNDER_WAY_START);
  for (const { socket } of gone) socket.destroy();
  await until(async () => (await server.countConnections()) === 0);
  assert.equal(await server.readMetric("mayfly_admission_under_way"), UNDER_WAY_START);
  const late = call(`${server.url}/hold`);
  await until(async () => (await server.readMetric("mayfly_admission_waiting")) === 1);
  assert.equal(server.held.length, UNDER_WAY_START, "a place was given away twice");
  server.release();
  await until(() => server.held.length === 1);
  server.release();
  assert.equal((await late).status, 200);
});

test("one that gives up while it waits is not begun", async (t) => {
  const server = await openServer(t);
  const inside = Array.from({ length: UNDER_WAY_START }, () => call(`${server.url}/hold`));
  await until(() => server.held.length === UNDER_WAY_START);
  const { socket } = await openConnection(server);
  const connections = await server.countConnections();
  socket.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await until(async () => (await server.readMetric("mayfly_admission_waiting")) === 1);
  socket.destroy();
  await until(async () => (await server.countConnections()) < connections);
  server.release();
  await Promise.all(inside);
  assert.equal(server.held.length, 0);
});

test("a server that is being stopped ends the connections of those it refuses", async (t) => {
  let isLeaving = false;
  const server = await openServer(t, { isLeaving: () => isLeaving });
  await overload(server);
  isLeaving = true;
  const answer = await call(`${server.url}/hold`);
  assert.deepEqual([answer.status, answer.headers.get("connection")], [503, "close"]);
});

test("who asks again and again in an overload is not read for a while; what waited so is refused, what comes next is new", async (t) => {
  const server = await openServer(t, { costMs: 0.5 });
  const { inside } = await overload(server);
  const { socket, received } = await openConnection(server);
  const countRefusals = () => received().split("503 Service Unavailable").length - 1;
  const ask = () => socket.write(`${head("POST", `${PATH}/token`, 3)}a=1`);
  let asked = 0;
  do {
    ask();
    asked += 1;
    // What is read is answered before others are that are asked later.
    for (let count = 0; count < 2; count += 1) await call(`${server.url}/health/live`);
  } while (countRefusals() === asked && asked < 100);
  assert.equal(countRefusals(), asked - 1, "it is always read");
  server.release();
  await Promise.all(inside);
  assert.equal(countRefusals(), asked - 1, "it did not rest");
  await server.pass(50);
  await until(() => countRefusals() === asked || received().includes("200 OK"));
  assert.equal(countRefusals(), asked, "what waited took the place of one who is in time");
  ask();
  await until(() => received().includes("200 OK"));
});
