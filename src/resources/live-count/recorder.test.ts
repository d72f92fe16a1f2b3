import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../../test/support/scratch-database.ts";
import type { Database } from "../../database/database.ts";
import { DatabaseUnavailable } from "../../database/database-error.ts";
import { createClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log.ts";
import { createRandom, hexId, uuid } from "../../platform/random.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { quotasOf } from "../../protocol/live-count.ts";
import { listSlotCounts, readLiveCounts } from "./queries.ts";
import { createLiveCountRecorder, type LiveCountRecorder } from "./recorder.ts";

const random = createRandom();
const NOW = 1_800_000_000;
const HOUR = 3_600;

/** A clock that tests move. */
function movableClock() {
  let [nowMs, monotonicMs] = [NOW * 1_000, 0];
  const clock = {
    ...createClock(),
    nowMs: () => nowMs,
    nowSeconds: () => Math.floor(nowMs / 1_000),
    monotonicMs: () => monotonicMs,
  };
  const pass = (seconds: number): void => {
    nowMs += seconds * 1_000;
    monotonicMs += seconds * 1_000;
  };
  return { clock, pass };
}

async function newApplication(database: Database, tenantId = hexId(random)): Promise<ApplicationKey> {
  const key = { tenantId, realmId: hexId(random), applicationId: uuid(random) };
  await database.maintain(async (session) => {
    await session.query(
      `INSERT INTO tenants (tenant_id, display_name, kind, refresh_key_sealed, created_at_ms, updated_at_ms)
       VALUES ($1, 't', 'test', '', 0, 0) ON CONFLICT DO NOTHING`,
      [tenantId],
    );
    await session.query(
      "INSERT INTO realms (tenant_id, realm_id, display_name, created_at_ms, updated_at_ms) VALUES ($1, $2, 'r', 0, 0)",
      [tenantId, key.realmId],
    );
    await session.query(
      `INSERT INTO applications (tenant_id, realm_id, application_id, display_name, client_id, target_realm, protocol_config,
         created_at_ms, updated_at_ms) VALUES ($1, $2, $3, 'a', $3, $2, '{}', 0, 0)`,
      [tenantId, key.realmId, key.applicationId],
    );
  });
  return key;
}

async function fixture() {
  const { database, secondNode } = await sharedDatabase();
  const { clock, pass } = movableClock();
  const log = createLog("silent");
  const node = (of: Database = database) => createLiveCountRecorder({ database: of, clock, log }, "token");
  const issue = (recorder: LiveCountRecorder, key: ApplicationKey, count: number, lifetime = HOUR) => {
    const issuedAt = clock.nowSeconds();
    for (let n = 0; n < count; n += 1) recorder.add(key, [{ issuedAt, endsAt: issuedAt + lifetime }]);
  };
  const ask = (recorder: LiveCountRecorder, key: ApplicationKey, tenantMax: number, clockOffsetSeconds = 0) =>
    recorder.findRefusal(key, { quotas: quotasOf(tenantMax, undefined), mayUseReserve: false, clockOffsetSeconds });
  const stored = async (key: ApplicationKey): Promise<number> => {
    const rows = await listSlotCounts(database.tenants([key.tenantId]), key, clock.nowSeconds());
    return rows.reduce((sum, { live }) => sum + live, 0);
  };
  return { database, secondNode, key: await newApplication(database), pass, node, issue, ask, stored };
}

test("a node refuses at the quota by what it counted itself, before it has written any of it", async () => {
  const { key, node, issue, ask } = await fixture();
  const recorder = node();
  issue(recorder, key, 4);
  assert.equal(await ask(recorder, key, 10), undefined);
  issue(recorder, key, 1);
  const refusal = await ask(recorder, key, 10);
  assert.deepEqual([refusal?.quota, refusal?.maximum, refusal?.live], ["application", 5, 5]);
  assert.equal(refusal?.retryAfterSeconds, 60);
});

test("what one node counted, another refuses by, when both have exchanged it", async () => {
  const { secondNode, key, node, issue, ask } = await fixture();
  const [one, other] = [node(), node(secondNode)];
  assert.equal(await ask(other, key, 2_000), undefined);
  issue(one, key, 600);
  issue(other, key, 400);
  for (const recorder of [one, other, one]) await recorder.settled();
  assert.equal((await ask(other, key, 2_000))?.live, 1_000);
  assert.equal((await ask(one, key, 2_000))?.live, 1_000);
});

test("many nodes that add to the same slots at once lose nothing and wait for each other in no circle", async () => {
  const { secondNode, database, key, node, issue, stored } = await fixture();
  const others = await Promise.all([1, 2, 3].map(() => newApplication(database, key.tenantId)));
  const keys = [key, ...others];
  const nodes = [node(), node(secondNode), node(), node(secondNode)];
  for (let round = 0; round < 5; round += 1) {
    for (const recorder of nodes) {
      for (const one of keys.toSorted(() => random.below(3) - 1)) {
        for (const lifetime of [60, 600, HOUR]) issue(recorder, one, 10, lifetime);
      }
    }
    await Promise.all(nodes.map((recorder) => recorder.flush()));
  }
  for (const one of keys) assert.equal(await stored(one), 5 * 4 * 30);
});

test("expiry lowers the count by itself, and so does a clock that was moved", async () => {
  const { database, key, pass, node, issue, ask } = await fixture();
  const recorder = node();
  issue(recorder, key, 5, 60);
  assert.equal((await ask(recorder, key, 10))?.live, 5);
  assert.equal((await ask(recorder, key, 10))?.retryAfterSeconds, 60);
  pass(59);
  assert.equal((await ask(recorder, key, 10))?.retryAfterSeconds, 1);
  pass(1);
  assert.equal(await ask(recorder, key, 10), undefined);
  issue(recorder, key, 5, HOUR);
  assert.equal((await ask(recorder, key, 10))?.live, 5);
  await database.maintain((session) =>
    session.query("UPDATE tenants SET clock_offset_seconds = 4000 WHERE tenant_id = $1", [key.tenantId]),
  );
  assert.equal(await ask(recorder, key, 10, 4_000), undefined);
});

test("a revocation that overtakes the issue of another node makes no count negative", async () => {
  const { database, secondNode, key, node, issue, ask } = await fixture();
  const [one, other] = [node(), node(secondNode)];
  issue(one, key, 5);
  other.remove([{ ...key, issuedAt: NOW, endsAt: NOW + HOUR }]);
  await other.settled();
  const [read] = await readLiveCounts(database.tenants([key.tenantId]), "token", [key.tenantId], NOW);
  assert.equal(read?.counts[0]?.live, -1);
  issue(other, key, 5);
  assert.equal((await ask(other, key, 8))?.live, 4);
  await one.settled();
  await other.settled();
  assert.equal((await ask(other, key, 10))?.live, 9);
});

test("far from every quota a node writes nothing, until it stops", async () => {
  const { key, node, issue, stored, ask } = await fixture();
  const recorder = node();
  await ask(recorder, key, 1_000_000);
  issue(recorder, key, 100);
  await recorder.settled();
  const written = await stored(key);
  issue(recorder, key, 99);
  await ask(recorder, key, 1_000_000);
  assert.equal(await stored(key), written);
  await recorder.flush();
  assert.equal(await stored(key), 199);
});

test("what belongs to a deleted application counts no more", async () => {
  const { database, key, node, issue, ask } = await fixture();
  const recorder = node();
  const doomed = await newApplication(database, key.tenantId);
  issue(recorder, doomed, 10);
  assert.equal((await ask(recorder, key, 10))?.quota, "tenant");
  await database.maintain((session) =>
    session.query("UPDATE applications SET deleted_at_ms = 1 WHERE tenant_id = $1 AND application_id = $2", [
      key.tenantId,
      doomed.applicationId,
    ]),
  );
  await recorder.settled();
  assert.equal(await ask(recorder, key, 10), undefined);
});

test("a database that does not answer refuses nobody and loses no count", async () => {
  const { database, key, node, issue, ask, stored } = await fixture();
  let isDown = true;
  const run = () => Promise.reject(new DatabaseUnavailable("no connection"));
  const flaky: Database = { ...database, tenants: (ids) => (isDown ? { run } : database.tenants(ids)) };
  const recorder = node(flaky);
  issue(recorder, key, 30);
  assert.equal(await ask(recorder, key, 1_000), undefined);
  await recorder.flush();
  isDown = false;
  await recorder.flush();
  assert.equal(await stored(key), 30);
});
