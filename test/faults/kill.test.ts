import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "../../bin/postgres.mjs";
import { call } from "../support/http.ts";
import { checkAcknowledged, killUnderLoad, startLoad } from "../support/kill-under-load.ts";
import { type ServerProcess, serverPlace } from "../support/server-process.ts";
import { databaseSide } from "../support/test-server.ts";

// npm run test:faults: invariants only, no speed.

const KILLS = 20;
const MASTER_KEY = "faults-master-key-0123456789-abcdefghijklmnopqrst";
/** Our own timers bound every wait for the database (settled 10); the rest is a busy machine. */
const ANSWER_MS_MAX = 20_000;
const RECOVERY_MS_MAX = 15_000;

function tell(progress: string): void {
  console.log(`  ${progress}`);
}

test(`a server that is killed ${KILLS} times under load loses nothing that a client was told of`, async () => {
  const place = await serverPlace();
  await killUnderLoad(place, KILLS, tell);
  await place.remove();
});

async function waitUntilReady(server: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const answer = await call(`${server.url}/health/ready`);
    const waitedMs = performance.now() - startedAt;
    if (answer.status === 200) return waitedMs;
    assert.ok(waitedMs < RECOVERY_MS_MAX, "Mayfly did not find its database again");
    await sleep(50);
  }
}

async function killDatabaseUnderLoad(): Promise<void> {
  const postgres = await startPostgres();
  const place = await serverPlace({
    database: { MAYFLY_DATABASE_URL: postgres.url, MAYFLY_MASTER_KEY: MASTER_KEY },
  });
  try {
    const server = await place.start();
    const load = startLoad(place.readCredentials(), { pauseMs: 100 });
    for (let kill = 1; kill <= 3; kill += 1) {
      await sleep(1_000);
      await postgres.kill();
      await sleep(2_000);
      assert.equal((await call(`${server.url}/health/ready`)).status, 503);
      assert.equal((await call(`${server.url}/health/live`)).status, 200);
      await postgres.start();
      const recoveredMs = await waitUntilReady(server);
      const before = load.acknowledged.issued.length;
      await sleep(1_000);
      const after = load.acknowledged.issued.length;
      assert.ok(after > before, "no token was issued after the database was back");
      tell(`database killed ${kill} times: ${after} tokens, ready ${Math.round(recoveredMs)} ms after its restart`);
    }
    await load.stop();
    checkRefusals(load.others.length, load);
    await checkAcknowledged(place.readCredentials(), load.acknowledged);
    assert.equal((await server.end("SIGTERM")).code, 0);
  } finally {
    await place.remove();
    await postgres.stop();
  }
}

function checkRefusals(count: number, load: ReturnType<typeof startLoad>): void {
  assert.ok(count > 0, "the database was away and nobody noticed");
  for (const answer of load.others) {
    assert.ok(answer !== undefined, "a connection broke, though only the database was away");
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    assert.equal(answer.json?.error, "temporarily_unavailable");
  }
  assert.ok(load.slowestMs() < ANSWER_MS_MAX, `an answer took ${Math.round(load.slowestMs())} ms`);
  tell(`${count} requests were answered 503; the slowest answer took ${Math.round(load.slowestMs())} ms`);
}

if (databaseSide() === "postgresql") {
  test("a database that is killed and started again under load costs refusals and no token", killDatabaseUnderLoad);
}
