import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, listChildren, readCommandLine } from "../support/child-processes.ts";
import { basic, call, postForm } from "../support/http.ts";
import { checkAcknowledged, startLoad, type TokenLoad } from "../support/kill-under-load.ts";
import { sendRaw } from "../support/raw-http.ts";
import { type ServerPlace, type ServerProcess, serverPlace } from "../support/server-process.ts";
import { databaseSide } from "../support/test-database.ts";
import { waitUntil } from "../support/wait-until.ts";

// MAYFLY_WORKERS: one node of several processes that share its port, its first start and its operators' listener.

const WORKERS = 2;
const SETTING = { MAYFLY_WORKERS: String(WORKERS) };
const PATIENCE = { everyMs: 20, msMax: 20_000 };
const HUNG_MS = 30_000;
/** So many tokens are issued, and so many connections answered, before something happens. */
const ISSUED_MIN = 30;
const ANSWERED_MIN = 30;
/** Fewer than may be under way at once, even in one worker: on a busy machine some of more would be refused. */
const TOGETHER = 50;

interface Node {
  readonly place: ServerPlace;
  readonly server: ServerProcess;
}

async function startNode(settings = {}): Promise<Node> {
  const place = await serverPlace();
  return { place, server: await place.start({ ...SETTING, ...settings }) };
}

function until(what: string, holds: () => boolean): Promise<void> {
  return waitUntil(holds, `it never was so that ${what}`, PATIENCE);
}

/** The workers that run, when there are as many as there should be and none of `others`. */
async function findWorkers({ server }: Node, others: readonly number[] = []): Promise<readonly number[]> {
  const isNew = (pid: number) => !others.includes(pid);
  await until(`${WORKERS} new workers run`, () => {
    const children = listChildren(server.pid);
    return children.length === WORKERS && children.every(isNew);
  });
  return listChildren(server.pid);
}

async function requestToken({ place }: Node): Promise<number> {
  const { client_id, client_secret, token_endpoint } = place.readCredentials();
  const form = { grant_type: "client_credentials" };
  return (await postForm(token_endpoint, form, { authorization: basic(client_id, client_secret) })).status;
}

async function countTokenRequests({ server }: Node): Promise<number> {
  const { text } = await call(`${server.operationsUrl}/metrics`);
  const lines = text.split("\n").filter((line) => /^mayfly_tokens_issued_total\{/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

function countIssued({ acknowledged }: TokenLoad): number {
  return acknowledged.issued.length + acknowledged.revoked.length;
}

async function testSharing(): Promise<void> {
  const node = await startNode();
  for (const pid of await findWorkers(node)) assert.match(readCommandLine(pid), / --max-semi-space-size=16 /);
  const { server, place } = node;
  const before = await findWorkers(node);
  const load = startLoad(place.readCredentials());
  await load.reach(ISSUED_MIN);
  await load.stop();
  assert.deepEqual(load.others, []);
  assert.equal(
    await countTokenRequests(node),
    countIssued(load),
    "the node's metrics are not those of all its workers",
  );
  const details = await call(`${server.operationsUrl}/health/ready`);
  assert.match(details.text, /"name":"workers","ok":true/);

  const [first = 0] = before;
  process.kill(first, "SIGKILL");
  await until("a killed worker is gone", () => !isRunning(first));
  assert.equal(await requestToken(node), 200, "the others do not answer for a worker that was killed");
  await until("it is replaced", () => listChildren(server.pid).length === WORKERS);
  assert.equal((await server.end("SIGTERM")).code, 0);
  await place.remove();
}

async function testReplacing(): Promise<void> {
  const node = await startNode();
  const { server, place } = node;
  const workers = await findWorkers(node);
  const load = startLoad(place.readCredentials(), { workers: 8 });
  await load.reach(ISSUED_MIN);
  server.signal("SIGUSR2");
  await findWorkers(node, workers);
  assert.equal((await call(`${server.url}/health/ready`)).status, 200);
  await load.stop();
  assert.deepEqual(load.others, [], "requests failed while the workers were replaced");
  assert.equal(await countTokenRequests(node), countIssued(load), "a worker that is gone is not counted any more");
  await checkAcknowledged(place.readCredentials(), load.acknowledged);
  const ended = await server.end("SIGTERM");
  assert.deepEqual([ended.code, ended.stderr], [0, ""]);
  await place.remove();
}

async function testKilling(): Promise<void> {
  const node = await startNode();
  const { server, place } = node;
  let isOver = false;
  let answered = 0;
  let unanswered = 0;
  // A connection each time: who has been accepted by a worker that dies must learn of it.
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const asked = sendRaw(server.url, { method: "GET", target: "/health/live" }).then(
        ({ status }) => status,
        () => undefined, // broken, and told so
      );
      const status = await Promise.race([asked, sleep(HUNG_MS, "hung")]);
      if (status === "hung") unanswered += 1;
      else if (status === 200) answered += 1;
    }
  };
  const clients = Promise.all(Array.from({ length: 16 }, ask));
  for (let kill = 0; kill < 4; kill += 1) {
    const workers = await findWorkers(node);
    const before = answered;
    await until("clients are answered", () => answered >= before + ANSWERED_MIN);
    process.kill(workers[0] ?? 0, "SIGKILL");
    await findWorkers(node, workers.slice(0, 1));
  }
  isOver = true;
  await clients;
  assert.equal(unanswered, 0, "connections hang");
  await server.end("SIGTERM");
  await place.remove();
}

async function testStopping(): Promise<void> {
  const node = await startNode({ MAYFLY_DRAIN_SECONDS: "3" });
  const { server, place } = node;
  const workers = await findWorkers(node);
  assert.equal(await requestToken(node), 200);
  const under = Array.from({ length: TOGETHER }, () => requestToken(node));
  await Promise.race(under); // now the others are there, too
  const [ended, answered] = await Promise.all([server.end("SIGTERM"), Promise.all(under)]);
  assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, ""]);
  assert.deepEqual([...new Set(answered)], [200]);
  assert.deepEqual(workers.filter(isRunning), []);

  const again: Node = { place, server: await place.start(SETTING) };
  const orphans = await findWorkers(again);
  assert.equal(await requestToken(again), 200);
  await again.server.end("SIGKILL");
  await until("workers end with their primary", () => !orphans.some(isRunning));
  await place.remove();
}

async function testFailing(): Promise<void> {
  const node = await startNode();
  const other = await serverPlace();
  const port = new URL(node.server.url).port;
  const ended = await other.startToEnd({ ...SETTING, MAYFLY_PORT: port });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^Mayfly did not start: MAYFLY_PORT is \d+, where something listens already; [^\n]*\n$/);
  await node.server.end("SIGTERM");
  await Promise.all([node.place.remove(), other.remove()]);
}

if (databaseSide() === "postgresql") {
  test("workers share a port and are counted as one, and one that is killed is replaced", testSharing);
  test("no connection hangs when a worker is killed", testKilling);
  test("workers are replaced one after the other without a failed request", testReplacing);
  test("SIGTERM drains every worker, and none outlives its primary", testStopping);
  test("a port that is taken stops the start of all workers with one line", testFailing);
}
