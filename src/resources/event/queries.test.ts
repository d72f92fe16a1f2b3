import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase, sharedDatabase } from "../../../test/support/scratch-database.ts";
import type { Database, Row } from "../../database/database.ts";
import { isMissingPartition } from "../../database/database-error.ts";
import {
  dropForgotten,
  ensureFirstPartitions,
  ensurePartitionFor,
  insertWithPartitions,
} from "../../database/partitions.ts";
import { newTraceId } from "../../http/trace-id.ts";
import { createClock } from "../../platform/clock.ts";
import { createRandom, hexId } from "../../platform/random.ts";
import { eventBucket, insertEvents, type NewEvent } from "./queries.ts";
import { EVENT_TYPES } from "./schema.ts";

const random = createRandom();
const clock = createClock();
const DAY = 86_400;

function made(changes: Partial<NewEvent> = {}): NewEvent {
  return {
    type: "V1GroupChange",
    realmId: "",
    actor: { type: "Anonymous" },
    traceId: newTraceId(clock, random),
    atMs: clock.nowMs(),
    ...changes,
  };
}

const readAll = (database: Database, tenantId: string): Promise<Row[]> =>
  database.maintain((session) => session.query("SELECT * FROM events WHERE tenant_id = $1 ORDER BY id", [tenantId]));

test("there are the 26 types of the reference, and one of ours for sessions", () => {
  const ours = ["SessionOperation"];
  assert.equal(Object.keys(EVENT_TYPES).filter((type) => !ours.includes(type)).length, 26);
});

test("events of one request are kept in their order, with who, what and about which", async () => {
  const { database } = await sharedDatabase();
  await ensureFirstPartitions(database, clock.nowSeconds());
  const tenantId = hexId(random);
  const realmId = hexId(random);
  const traceId = newTraceId(clock, random);
  const atMs = clock.nowMs() + 5;
  const names = Array.from({ length: 20 }, (_, index) => `group ${index}`);
  const change = { traceId, atMs, realmId, action: "UPDATE", actor: { type: "Identity", id: "somebody" } } as const;
  const events = names.map((id) =>
    made({ ...change, resource: { type: "Group", id }, facts: { changed: ["description"] } }),
  );
  const db = database.tenants([tenantId]);
  await insertEvents(db, tenantId, []);
  await insertEvents(db, tenantId, events.slice(0, 10));
  await insertEvents(db, tenantId, events.slice(10));
  const rows = await readAll(database, tenantId);
  assert.deepEqual(
    rows.map((row) => row.resource_id),
    names,
  );
  const { id, bucket: _, ...row } = rows[0] ?? {};
  assert.deepEqual(row, {
    tenant_id: tenantId,
    realm_id: realmId,
    recorded_at_ms: atMs,
    trace_id: traceId,
    type: "V1GroupChange",
    action: "UPDATE",
    outcome: null,
    actor_type: "Identity",
    actor_id: "somebody",
    correlation_id: "",
    resource_type: "Group",
    resource_id: "group 0",
    payload: { changed: ["description"] },
  });
  assert.ok(Buffer.isBuffer(id));
  assert.equal(id.readUIntBE(0, 6), atMs);
});

test("an event is written with the change that it tells of, or not at all", async () => {
  const { database } = await sharedDatabase();
  await ensureFirstPartitions(database, clock.nowSeconds());
  const tenantId = hexId(random);
  const failing = database.transaction([tenantId], async (session) => {
    await insertEvents(session, tenantId, [made()]);
    throw new Error("the change failed");
  });
  await assert.rejects(failing, /the change failed/);
  assert.deepEqual(await readAll(database, tenantId), []);
});

test("a change whose event finds no partition is made once there is one", async () => {
  const { database } = await openScratchDatabase();
  const tenantId = hexId(random);
  const event = made();
  const change = () => database.transaction([tenantId], (session) => insertEvents(session, tenantId, [event]));
  await assert.rejects(change, isMissingPartition);
  await insertWithPartitions(database, "events", [eventBucket(event.atMs)], change);
  assert.equal((await readAll(database, tenantId)).length, 1);
});

test("what an event holds is bounded, whatever it is", async () => {
  const { database } = await sharedDatabase();
  await ensureFirstPartitions(database, clock.nowSeconds());
  const tenantId = hexId(random);
  const long = Array.from({ length: 60 }, () => "x".repeat(1_000));
  const facts = { first: 1, text: "\u0000\ud800", ...Object.fromEntries(long.map((_, index) => [`m${index}`, long])) };
  await insertEvents(database.tenants([tenantId]), tenantId, [made({ facts, correlationId: "y".repeat(500) })]);
  const [row] = await readAll(database, tenantId);
  const text = JSON.stringify(row?.payload);
  assert.ok(text.length < 8_300, `${text.length} characters`);
  assert.match(text, /"first":1/);
  assert.match(text, /"cut":true/);
  assert.equal(String(row?.correlation_id).length, 200);
});

test("events are there for ninety days, and ten days later their partition is gone", async () => {
  const { database } = await openScratchDatabase();
  const now = clock.nowSeconds();
  await ensurePartitionFor(database, "events", eventBucket(now * 1_000));
  const tenantId = hexId(random);
  await insertEvents(database.tenants([tenantId]), tenantId, [made({ atMs: now * 1_000 })]);
  const after = async (days: number): Promise<number> => {
    await dropForgotten(database, now + days * DAY);
    return (await readAll(database, tenantId)).length;
  };
  assert.deepEqual([await after(90), await after(100)], [1, 0]);
});
