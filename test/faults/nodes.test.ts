import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { JOBS } from "../../src/jobs/index.ts";
import { listChildren } from "../support/child-processes.ts";
import { basic, call, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { checkAcknowledged, startLoad } from "../support/kill-under-load.ts";
import { startLoadBalancer } from "../support/load-balancer.ts";
import { type GroupedNode, startNodeGroup } from "../support/node-group.ts";
import { type Credentials, serverPlace } from "../support/server-process.ts";
import { createTestDatabase, databaseSide } from "../support/test-database.ts";
import { waitUntil } from "../support/wait-until.ts";

// Several nodes on one database: restarted one after the other, killed while they hold a job's lease or end many tokens, and workers that cannot live.

const NODES = 3;
/** Longer than the balancer takes to notice. */
const DRAIN_SECONDS = "2";
const STARTS = { everyMs: 50, msMax: 20_000 };
const JOB_MOVES = { everyMs: 250, msMax: 40_000 };
const CRASH_LOOP_MS_MAX = 90_000;
/** So many batches' tokens that a kill comes between two of them. */
const MANY = 4_000;
/** The lease of who was killed ends within half a minute, and the job waits for late tokens. */
const MANY_BEGUN = { everyMs: 2, msMax: 20_000 };
const MANY_ENDED = { everyMs: 250, msMax: 90_000 };

async function testRollingRestart(): Promise<void> {
  const { environment, drop } = await createTestDatabase();
  const group = await startNodeGroup(NODES, { ...environment, MAYFLY_DRAIN_SECONDS: DRAIN_SECONDS });
  const balancer = await startLoadBalancer(
    group.publicPort,
    group.nodes.map(({ server }) => server.url),
  );
  await balancer.waitFor(NODES);
  const load = startLoad(group.publicCredentials, { workers: 12 });
  for (const node of group.nodes) {
    assert.equal((await node.server.end("SIGTERM")).code, 0);
    node.server = await node.place.start();
    await balancer.waitFor(NODES);
  }
  await load.stop();
  assert.deepEqual(
    load.others.map((answer) => answer?.text),
    [],
    "requests failed while the nodes were restarted",
  );
  assert.ok(load.acknowledged.issued.length > 0, "nothing was issued");
  await checkAcknowledged(group.publicCredentials, load.acknowledged);
  await group.stop();
  await balancer.stop();
  await group.remove();
  await drop();
}

/** How often a node has run each job. */
async function readRuns({ server }: GroupedNode): Promise<Map<string, number>> {
  const { text } = await call(`${server.operationsUrl}/metrics`);
  const lines = text.matchAll(/^mayfly_job_runs_total\{.*?job="([^"]+)".*?\} (\d+)/gm);
  return new Map([...lines].map(([, job = "", count]) => [job, Number(count)]));
}

async function testJobs(): Promise<void> {
  const { environment, drop } = await createTestDatabase();
  const group = await startNodeGroup(2, environment);
  const database = new Client({ connectionString: environment.MAYFLY_DATABASE_URL ?? "" });
  await database.connect();
  const readNodes = () => Promise.all(group.nodes.map(readRuns));
  const wasRun = async () => {
    const nodes = await readNodes();
    return JOBS.every(({ name }) => nodes.some((runs) => runs.has(name)));
  };
  await waitUntil(wasRun, "a job was not run at the start", STARTS);
  const nodes = await readNodes();
  // What is due again within the time that a start may take is run again, by either node.
  const once = JOBS.filter(({ everySeconds }) => everySeconds * 1_000 > STARTS.msMax).map(({ name }) => name);
  assert.ok(once.length > 0, "every job is due again during the start");
  assert.deepEqual(
    once.map((job) => [job, nodes.map((runs) => runs.get(job) ?? 0).reduce((sum, runs) => sum + runs)]),
    once.map((job) => [job, 1]),
    "a job ran on both nodes",
  );

  // The holder of a lease dies in the middle of a run: the lease ends within half a minute, here sooner.
  const job = "token-partitions";
  const [holder, heir] = nodes[0]?.has(job) ? group.nodes : group.nodes.toReversed();
  assert.ok(holder && heir);
  await holder.server.end("SIGKILL");
  await database.query(
    "UPDATE leases SET until_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 5000 WHERE name = $1",
    [job],
  );
  const killedAtMs = performance.now();
  await waitUntil(async () => (await readRuns(heir)).has(job), "the job of a dead node did not move", JOB_MOVES);
  console.log(`  a dead node's job ran on another after ${Math.round((performance.now() - killedAtMs) / 1_000)} s`);
  await heir.server.end("SIGTERM");
  await database.end();
  await group.remove();
  await drop();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself, with its node.
  }
}

async function testCrashLoop(): Promise<void> {
  const place = await serverPlace();
  const server = await place.start({ MAYFLY_WORKERS: "2", MAYFLY_LOG_LEVEL: "silent" });
  const startedAt = performance.now();
  let isOver = false;
  void server.ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    assert.ok(performance.now() - startedAt < CRASH_LOOP_MS_MAX, "the node goes on though no worker lives");
    for (const worker of listChildren(server.pid)) kill(worker);
    await sleep(50);
  }
  const ended = await server.ended;
  assert.equal(ended.code, 1);
  const message = /^Mayfly stopped: (\d+ workers ended within a minute|no worker is left, and \d+ did not start)\n$/;
  assert.match(ended.stderr, message);
  await place.remove();
}

interface EndedMany {
  readonly state: string;
  readonly progress: { readonly step: string; readonly looked_at: number };
  readonly receipt: object;
}

/** Asks a server to end every token of a scope, and looks what became of that. */
async function endMany(credentials: Credentials, scope: string) {
  const { issuer, tenant_id, realm_id, token_endpoint, client_id, client_secret } = credentials;
  const revocations = `${new URL(issuer).origin}/v1/tenants/${tenant_id}/realms/${realm_id}/token-revocations`;
  const issue = async (form: Record<string, string>) => {
    const all = { grant_type: "client_credentials", ...form };
    const { json } = await postForm(token_endpoint, all, { authorization: basic(client_id, client_secret) });
    return String(json?.access_token);
  };
  const own = await issue({});
  const made = await call(revocations, {
    method: "POST",
    headers: { authorization: `Bearer ${own}`, "content-type": "application/json" },
    body: JSON.stringify({ token_revocation: { filter: { scope } } }),
  });
  assert.equal(made.status, 200, made.text);
  const authorization = `Bearer ${await issue({ scope: "tokens:read" })}`;
  const look = async (): Promise<EndedMany> => {
    const { text } = await call(`${revocations}/${made.json?.id}`, { headers: { authorization } });
    return JSON.parse(text);
  };
  return { own, look };
}

async function testManyEnded(): Promise<void> {
  const place = await serverPlace();
  const killed = await place.start();
  const credentials = place.readCredentials();
  const load = startLoad(credentials);
  await load.reach(MANY);
  await load.stop();
  assert.deepEqual(load.others, []);
  const { issued, revoked } = load.acknowledged;
  const { own, look } = await endMany(credentials, "tokens:introspect");
  await waitUntil(async () => (await look()).progress.looked_at > 0, "nothing is ended", MANY_BEGUN);
  await killed.end("SIGKILL");
  const server = await place.start();
  const { progress } = await look();
  assert.equal(progress.step, "tokens", "it was killed too late");
  assert.ok(progress.looked_at > 0, "what was done is not known any more");
  await waitUntil(async () => (await look()).state === "DONE", "nobody goes on", MANY_ENDED);
  const live = [...issued, own];
  assert.deepEqual((await look()).receipt, {
    matched: live.length + revoked.length,
    already_dead: revoked.length,
    changed: live.length,
    access_tokens: live.length + revoked.length,
    refresh_families: 0,
    accepted_offline_until: Math.max(...live.map((token) => Number(decodeJwt(token).exp))),
  });
  await checkAcknowledged(credentials, { issued: [], revoked: [...live, ...revoked] });
  assert.equal((await server.end("SIGTERM")).code, 0);
  await place.remove();
}

if (databaseSide() === "postgresql") {
  // The last three mostly wait.
  describe("nodes on one database", { concurrency: true }, () => {
    test("three nodes are restarted one after the other, and no request fails", testRollingRestart);
    test("of two nodes one runs each job, and the other within a minute after that one was killed", testJobs);
    test("a node that is killed while it ends many tokens goes on where it was, and counts none twice", testManyEnded);
    test("a node whose workers die as fast as they are made ends and says so", testCrashLoop);
  });
}
