import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../../test/support/scratch-database.ts";
import type { Database } from "../../database/database.ts";
import { ensureFirstPartitions } from "../../database/partitions.ts";
import { createClock } from "../../platform/clock.ts";
import { createLog, type Log } from "../../platform/log.ts";
import { listMetrics, METRICS } from "../../platform/metric-table.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { createRandom, hexId } from "../../platform/random.ts";
import { addLiveCounts } from "../live-count/queries.ts";
import { createLiveCountRecorder } from "../live-count/recorder.ts";
import { type Decision, listDecisions } from "./queries.ts";
import { createDecisionRecorder } from "./recorder.ts";

const random = createRandom();
const clock = createClock();
type Recorded = Omit<Decision, "recordedAtMs">;

async function fixture() {
  const { database } = await sharedDatabase();
  await ensureFirstPartitions(database, clock.nowSeconds());
  const realm = { tenantId: hexId(random), realmId: hexId(random) };
  const warnings: unknown[] = [];
  const log: Log = Object.assign(createLog("silent"), { warn: (line: unknown) => warnings.push(line) });
  const decide = (changes: Partial<Recorded> = {}): Recorded => ({
    ...realm,
    traceId: random.bytes(16),
    kind: "token",
    outcome: "invalid_client",
    applicationId: undefined,
    facts: { detail: "wrong" },
    ...changes,
  });
  const isKept = async ({ traceId, ...key }: Recorded): Promise<boolean> =>
    (await listDecisions(database.tenants([key.tenantId]), key, traceId)).length === 1;
  const metrics = createMetrics(listMetrics());
  const countDecisions = async () => {
    const snapshots = await metrics.snapshot();
    const values = snapshots.find(({ name }) => name === METRICS.decisions.name)?.values ?? [];
    return Object.fromEntries(values.map(({ labels, value }) => [labels.result, value]));
  };
  const counts = createLiveCountRecorder({ database, clock, log }, "decision");
  return { counts, metrics, countDecisions, database, realm, decide, isKept, warnings, log };
}

test("of a group the decision that the database cannot take is lost alone", async () => {
  const { counts, database, decide, isKept, warnings, log, metrics } = await fixture();
  const recorder = createDecisionRecorder({ database, clock, log, metrics }, counts);
  const bad = [decide({ outcome: "\u0000" }), decide({ applicationId: "x\u0000" })];
  const [first, ...others] = [decide(), decide({ tenantId: hexId(random) }), decide(), decide()];
  assert.ok(first);
  for (const one of [first, ...bad, ...others]) recorder.record(one);
  await recorder.flush();
  for (const one of [first, ...others]) assert.equal(await isKept(one), true);
  for (const one of bad) assert.equal(await isKept(one), false);
  assert.equal(warnings.length, bad.length);
});

test("what came from outside may hold anything and is bounded", async () => {
  const { counts, database, decide, isKept, warnings, log, metrics } = await fixture();
  const recorder = createDecisionRecorder({ database, clock, log, metrics }, counts);
  const texts = ["\u0000", "\ud800", `${"x".repeat(199)}😀`, "\ud83d", "x".repeat(1_000_000), '"\\'];
  const decisions = texts.map((text) => decide({ facts: { [text]: text, list: [text], deep: { text } } }));
  for (const one of decisions) recorder.record(one);
  await recorder.flush();
  for (const one of decisions) assert.equal(await isKept(one), true);
  assert.deepEqual(warnings, []);
});

test("when the database does not answer a warning says how many were lost, and the next are kept", async () => {
  const { counts, database, decide, isKept, warnings, log, metrics, countDecisions } = await fixture();
  let isDown = true;
  const flaky: Database = {
    ...database,
    tenants: (ids) => (isDown ? { run: () => Promise.reject(new Error("down")) } : database.tenants(ids)),
  };
  const recorder = createDecisionRecorder({ database: flaky, clock, log, metrics }, counts);
  const [lost, kept] = [decide(), decide()];
  recorder.record(lost);
  recorder.record(decide());
  await recorder.flush();
  isDown = false;
  recorder.record(kept);
  await recorder.flush();
  assert.deepEqual([await isKept(lost), await isKept(kept)], [false, true]);
  assert.deepEqual(
    warnings.map((line) => (line as { lost: number }).lost),
    [2],
  );
  assert.deepEqual(await countDecisions(), { recorded: 1, dropped: 0, lost: 2 });
});

test("more than may wait are counted by their cause instead of kept", async () => {
  const { counts, database, realm, decide, log, metrics, countDecisions } = await fixture();
  const recorder = createDecisionRecorder({ database, clock, log, metrics }, counts);
  for (let count = 0; count < 2_010; count += 1) recorder.record(decide());
  for (let count = 0; count < 5; count += 1) recorder.record(decide({ kind: "revoke" }));
  await recorder.flush();
  const text = `SELECT kind, decision FROM decisions WHERE tenant_id = $1 AND (kind = 'dropped' OR kind = 'revoke')`;
  const rows = await database.maintain((session) => session.query(text, [realm.tenantId]));
  const counted = rows.map(({ decision }) => decision as { kind: string; count: number });
  assert.deepEqual(
    counted.toSorted((a, b) => a.kind.localeCompare(b.kind)),
    [
      { kind: "revoke", count: 5 },
      { kind: "token", count: 10 },
    ],
  );
  assert.deepEqual(await countDecisions(), { recorded: 2_002, dropped: 15, lost: 0 });
});

test("of a tenant that has a million of them no more are kept but counted, until the first end", async () => {
  const { counts, database, realm, decide, log, metrics, countDecisions } = await fixture();
  await database.maintain((session) =>
    session.query(
      `INSERT INTO tenants (tenant_id, display_name, kind, clock_offset_seconds, refresh_key_sealed, created_at_ms, updated_at_ms)
       VALUES ($1, 't', 'test', 1000000, '', 0, 0)`,
      [realm.tenantId],
    ),
  );
  const [full, room] = [999_999, -10];
  const place = { tenantId: realm.tenantId, realmId: "", applicationId: "", kind: "decision" as const };
  const endsAt = clock.nowSeconds() + 10_000;
  await addLiveCounts(database.tenants([realm.tenantId]), [{ ...place, endsAt, change: full }]);
  const recorder = createDecisionRecorder({ database, clock, log, metrics }, counts);
  const record = async () => {
    const decision = decide();
    recorder.record(decision);
    await recorder.flush();
    await counts.settled();
    const rows = await listDecisions(database.tenants([realm.tenantId]), realm, decision.traceId);
    return rows.map(({ kind }) => kind);
  };
  assert.deepEqual([await record(), await record(), await record()], [["token"], ["dropped"], ["dropped"]]);
  assert.equal((await countDecisions()).dropped, 2);
  await addLiveCounts(database.tenants([realm.tenantId]), [{ ...place, endsAt, change: room }]);
  await counts.settled();
  assert.deepEqual(await record(), ["token"]);
});
