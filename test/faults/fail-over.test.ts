import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { basic, call, postForm } from "../support/http.ts";
import { checkAcknowledged, checkRefusals, startLoad } from "../support/kill-under-load.ts";
import { type GroupedNode, type NodeGroup, startNodeGroup } from "../support/node-group.ts";
import { type PostgresPair, runAsSuperuser, startPair } from "../support/postgres-pair.ts";
import { countStale, startRevocations } from "../support/revocations.ts";
import { databaseSide } from "../support/test-database.ts";
import { waitUntil } from "../support/wait-until.ts";

// Three nodes, a primary and a synchronous standby: what was acknowledged is on both, so that neither machine's end loses any of it.

const NODES = 3;
const FAIL_OVERS = ["kill", "freeze"] as const;
/** `npm run bench pairs -- --full` makes fifty times as many. */
const PAIRS = 2_000;
const BACK_MS_MAX = 10_000;
/** By the first half it is known that commits wait; in the second none is added. */
const AWAY_MS = 12_000;
const MASTER_KEY = "faults-master-key-0123456789-abcdefghijklmnopqrst";

function tell(progress: string): void {
  console.log(`  ${progress}`);
}

async function isAnswering({ server, credentials }: GroupedNode): Promise<boolean> {
  const authorization = basic(credentials.client_id, credentials.client_secret);
  const form = { grant_type: "client_credentials" };
  const issued = await postForm(credentials.token_endpoint, form, { authorization });
  return issued.status === 200 && (await call(`${server.url}/health/ready`)).status === 200;
}

async function awaitService(nodes: readonly GroupedNode[], sinceMs: number): Promise<number> {
  for (const node of nodes) {
    while (!(await isAnswering(node))) {
      assert.ok(performance.now() - sinceMs < BACK_MS_MAX, "the service was not back in time");
      await sleep(20);
    }
  }
  const tookMs = performance.now() - sinceMs;
  assert.ok(tookMs < BACK_MS_MAX, `the service was back after ${Math.round(tookMs)} ms`);
  return tookMs;
}

async function failOver(pair: PostgresPair, { nodes }: NodeGroup, how: "kill" | "freeze"): Promise<void> {
  const last = nodes.at(-1);
  assert.ok(last);
  const credentials = nodes.map((node) => node.credentials);
  const loads = credentials.map((node) => startLoad(node, { workers: 6, pauseMs: 100 }));
  const revocations = startRevocations(credentials, { workers: 6, pairsMax: Number.POSITIVE_INFINITY });
  await sleep(1_500);
  const killedAtMs = performance.now();
  await pair.failOver(how);
  const backMs = await awaitService(nodes, killedAtMs);
  await sleep(500);
  await Promise.all([revocations.stop(), ...loads.map((load) => load.stop())]);
  for (const load of loads) checkRefusals(load);
  assert.equal(revocations.stale(), 0, "a token was active after its revocation had been acknowledged");
  const refused = loads.flatMap(({ others }) => others).length;
  const issued = loads.flatMap(({ acknowledged }) => acknowledged.issued);
  const revoked = loads.flatMap(({ acknowledged }) => acknowledged.revoked);
  await checkAcknowledged(last.credentials, { issued, revoked });
  tell(
    `failed over (${how}): ${issued.length} tokens, ${revoked.length + revocations.pairs()} revocations, ${refused} refusals, back after ${Math.round(backMs)} ms`,
  );
}

/** Every node hears of changes from the primary that is. */
async function awaitListeners(pair: PostgresPair): Promise<void> {
  const text = "SELECT pid FROM pg_stat_activity WHERE application_name = 'mayfly changes'";
  const isHeard = async () => (await runAsSuperuser(pair.primary(), text)).length === NODES;
  await waitUntil(isHeard, "a node does not listen to the new primary", { everyMs: 50, msMax: BACK_MS_MAX });
}

async function testFailOver(): Promise<void> {
  const pair = await startPair();
  const group = await startNodeGroup(NODES, { MAYFLY_DATABASE_URL: pair.url, MAYFLY_MASTER_KEY: MASTER_KEY });
  try {
    const credentials = group.nodes.map((node) => node.credentials);
    const startedAt = performance.now();
    assert.equal(await countStale(credentials, PAIRS), 0);
    tell(`${PAIRS} revocations on one node, seen by another, in ${Math.round(performance.now() - startedAt)} ms`);
    for (const how of FAIL_OVERS) {
      await failOver(pair, group, how);
      await awaitListeners(pair);
      await pair.rejoin();
    }
    await Promise.all(group.nodes.map(({ server }) => server.end("SIGTERM")));
  } finally {
    await group.remove();
    await pair.stop();
  }
}

// Commits wait for a standby that is away, for as long as it is: nothing may be acknowledged, and who only reads is answered.
async function testStandbyAway(): Promise<void> {
  const pair = await startPair();
  const group = await startNodeGroup(1, { MAYFLY_DATABASE_URL: pair.url, MAYFLY_MASTER_KEY: MASTER_KEY });
  try {
    const [node] = group.nodes;
    assert.ok(node);
    const { credentials } = node;
    const load = startLoad(credentials, { workers: 12, pauseMs: 100 });
    await sleep(1_000);
    const [token = ""] = load.acknowledged.issued;
    await pair.standby().kill();
    await sleep(500); // what the standby had confirmed is answered
    const issued = load.acknowledged.issued.length;
    const authorization = basic(credentials.client_id, credentials.client_secret);
    const readFor = async (ms: number): Promise<number> => {
      for (const sinceMs = performance.now(); performance.now() - sinceMs < ms; await sleep(50)) {
        const asked = await postForm(credentials.introspection_endpoint, { token }, { authorization });
        assert.equal(asked.json?.active, true, asked.text);
      }
      const text = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      return (await runAsSuperuser(pair.primary(), text)).length;
    };
    const [early, late] = [await readFor(AWAY_MS / 2), await readFor(AWAY_MS / 2)];
    assert.ok(late <= early, `${late - early} connections more were left behind`);
    assert.equal(load.acknowledged.issued.length, issued, "a token was acknowledged that only one machine has");
    await pair.standby().start();
    const backMs = await awaitService(group.nodes, performance.now());
    await load.stop();
    checkRefusals(load);
    await checkAcknowledged(credentials, load.acknowledged);
    tell(
      `standby away: ${load.others.length} refusals, ${late} commits waited, back ${Math.round(backMs)} ms after it`,
    );
    await node.server.end("SIGTERM");
  } finally {
    await group.remove();
    await pair.stop();
  }
}

if (databaseSide() === "postgresql") {
  test("while the synchronous standby is away reads are answered, and nothing is acknowledged", testStandbyAway);
  test(
    "a primary that is killed costs refusals and nothing that was acknowledged, and no node a restart",
    testFailOver,
  );
}
