import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase } from "../../test/support/scratch-database.ts";
import type { Database } from "../database/database.ts";
import { dropForgotten, ensurePartitions } from "../database/partitions.ts";
import { rotateNow } from "../keys/rotate.ts";
import { createClock } from "../platform/clock.ts";
import { listMetrics } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import { watchStorage } from "./storage-watch.ts";

const random = createRandom();
const DAY = 86_400;

async function fixture() {
  const { database } = await openScratchDatabase();
  let passedMs = 0;
  let isDown = false;
  const clock = {
    ...createClock(),
    monotonicMs: () => passedMs,
    nowMs: () => 1_800_000_000_000 + passedMs,
    nowSeconds: () => 1_800_000_000 + Math.floor(passedMs / 1_000),
  };
  const flaky: Database = {
    ...database,
    tenants: (ids) => (isDown ? { run: () => Promise.reject(new Error("down")) } : database.tenants(ids)),
  };
  const metrics = createMetrics(listMetrics());
  watchStorage({ database: flaky, clock, metrics });
  const see = async (name: string): Promise<number | undefined> => {
    const values = (await metrics.snapshot()).find((metric) => metric.name === name)?.values;
    return values === undefined ? undefined : Math.min(...values.map(({ value }) => value));
  };
  const pass = (seconds: number): void => {
    passedMs += seconds * 1_000;
  };
  const insertTenant = async (kind: string): Promise<{ tenantId: string; realmId: string }> => {
    const realm = { tenantId: hexId(random), realmId: hexId(random) };
    const text = `INSERT INTO tenants (tenant_id, display_name, kind, refresh_key_sealed, created_at_ms, updated_at_ms) VALUES ($1, 't', $2, '', 0, 0)`;
    await database.maintain((session) => session.query(text, [realm.tenantId, kind]));
    return realm;
  };
  return {
    database,
    clock,
    metrics,
    see,
    pass,
    insertTenant,
    breakDown: (is: boolean) => {
      isDown = is;
    },
  };
}

test("a node sees partitions for itself, at most every ten seconds, and says how old its view is", async () => {
  const { database, clock, see, pass, breakDown } = await fixture();
  await ensurePartitions(database, clock.nowSeconds());
  assert.equal(await see("mayfly_partitions_ahead"), 2);
  pass(9);
  await dropForgotten(database, clock.nowSeconds() + DAY);
  assert.equal(await see("mayfly_partitions_ahead"), 2);
  assert.equal(await see("mayfly_storage_seen_age_seconds"), 9);
  pass(1);
  assert.equal(await see("mayfly_partitions_ahead"), 0);
  pass(600);
  breakDown(true);
  assert.equal(await see("mayfly_storage_seen_age_seconds"), 600);
  assert.equal(await see("mayfly_partitions_ahead"), 0);
});

test("the oldest signing key is that of a production tenant which still signs", async () => {
  const { database, clock, metrics, see, pass, insertTenant } = await fixture();
  const sealer = createSealer([random.bytes(32)], random);
  const deps = { database, clock, sealer, metrics };
  const now = clock.nowSeconds();
  await rotateNow(deps, await insertTenant("test"), "RS256", now - 80 * DAY);
  const realm = await insertTenant("production");
  await rotateNow(deps, realm, "RS256", now - 50 * DAY);
  assert.equal(await see("mayfly_signing_key_oldest_age_seconds"), 50 * DAY);
  await rotateNow(deps, realm, "RS256", now - 10 * DAY);
  assert.equal(await see("mayfly_signing_key_oldest_age_seconds"), 50 * DAY, "keys are read every five minutes");
  pass(300);
  const age = await see("mayfly_signing_key_oldest_age_seconds");
  assert.ok(age !== undefined && Math.abs(age - 10 * DAY) < 1_000, String(age));
});
