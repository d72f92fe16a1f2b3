import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase, type ScratchDatabase } from "../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { bucketFor, describeBucket } from "../protocol/bucket.ts";
import { LIFETIME_SECONDS_MAX } from "../protocol/lifetime.ts";
import type { Database } from "./database.ts";
import { isMissingPartition } from "./database-error.ts";
import {
  dropForgotten,
  ensureFirstPartitions,
  ensurePartitionFor,
  ensurePartitions,
  partitionsHealthy,
  purgeOverflow,
} from "./partitions.ts";
import { statement } from "./statement.ts";

const DAY = 86_400;
const THIRTY_DAYS = 30 * DAY;
const random = createRandom();
const tenantId = hexId(random);

let opened: Promise<ScratchDatabase> | undefined;
let epochs = 0;

/** One database for all, but a time of its own for each test, in which no partition is there yet. */
async function fixture(): Promise<ScratchDatabase & { readonly now: number }> {
  opened ??= openScratchDatabase();
  const scratch = await opened;
  epochs += 1;
  const now = 1_800_000_000 + epochs * 800 * DAY;
  await dropForgotten(scratch.database, now);
  return { ...scratch, now };
}

const insertDecision = statement(
  "test.insert_decision",
  `INSERT INTO decisions (tenant_id, realm_id, id, bucket, recorded_at_ms, kind, outcome, decision)
   VALUES ($1, 'r', $2, $3, 0, 'k', 'o', '{}') RETURNING tableoid::regclass::text AS partition`,
);
const insertGrant = statement(
  "test.insert_grant",
  `INSERT INTO grants (tenant_id, realm_id, id, bucket, application_id, identity_id, subject, transaction_id, scope, redirect_uri,
     redirect_uri_optional, auth_time, amr, acr, code_hash, code_expires_at, issued_at, ends_at, decision)
   VALUES ($1, 'r', $2, $3, 'a', 'i', 's', 't', '', '', false, 0, '{}', '', '', 0, 0, 0, '{}')
   RETURNING tableoid::regclass::text AS partition`,
);

const insert = async (database: Database, into: typeof insertGrant, bucket: number): Promise<unknown> =>
  (await database.tenants([tenantId]).run(into, [tenantId, random.bytes(24), bucket]))[0]?.partition;

const countTables = async (database: Database, pattern: string): Promise<number> =>
  database.maintain(async (session) => {
    const text = "SELECT count(*)::integer AS n FROM pg_class WHERE relkind = 'r' AND relname ~ $1";
    return Number((await session.query(text, [pattern]))[0]?.n);
  });

test("at the first start every common lifetime has its partition, and soon every lifetime", async () => {
  const { database, now } = await fixture();
  assert.equal(await partitionsHealthy(database, now), false);
  await ensureFirstPartitions(database, now);
  assert.equal(await partitionsHealthy(database, now), true);
  for (const lifetime of [60, 600, 3600, DAY, 14 * DAY, 90 * DAY, LIFETIME_SECONDS_MAX]) {
    await insert(database, insertGrant, bucketFor(now, lifetime));
  }
  await ensurePartitions(database, now);
  for (let lifetime = 1; lifetime < LIFETIME_SECONDS_MAX; lifetime = Math.ceil(lifetime * 1.1)) {
    for (const later of [0, 299]) await insert(database, insertGrant, bucketFor(now + later, lifetime));
  }
  assert.match(String(await insert(database, insertGrant, bucketFor(now, 60))), /^grants_c0_\d+$/);
  await insert(database, insertDecision, bucketFor(now + 20 * DAY, THIRTY_DAYS));
  assert.equal(await countTables(database, "^authorization_requests_c[1-4]"), 0);
  assert.equal(await countTables(database, "^decisions_c[0124]"), 0);
});

test("a row is routed by its bucket, and one without a partition is refused until that is made", async () => {
  const { database, now } = await fixture();
  const bucket = bucketFor(now, THIRTY_DAYS);
  await assert.rejects(insert(database, insertDecision, bucket), isMissingPartition);
  await ensurePartitionFor(database, "decisions", bucket);
  assert.match(String(await insert(database, insertDecision, bucket)), /^decisions_c3_\d+$/);
  await assert.rejects(insert(database, insertDecision, bucket + 1), isMissingPartition);
  await assert.rejects(ensurePartitionFor(database, "decisions", -1), RangeError);
  await assert.rejects(ensurePartitionFor(database, "tenants", bucket), RangeError);
});

test("two nodes that make the same partitions at once both succeed, while rows are being written", async () => {
  const { database, secondNode, now } = await fixture();
  await ensureFirstPartitions(database, now);
  const nodes = [database, secondNode, database, secondNode];
  const made = Promise.all(nodes.map((node) => ensurePartitions(node, now)));
  let isDone = false;
  void made.finally(() => {
    isDone = true;
  });
  while (!isDone) await insert(secondNode, insertGrant, bucketFor(now, 3600));
  await made;
  const parents = await countTables(database, "^(tokens|grants|authorization_requests|decisions|events)_(c|o)");
  await ensurePartitions(secondNode, now);
  assert.equal(await countTables(database, "^(tokens|grants|authorization_requests|decisions|events)_(c|o)"), parents);
});

test("a partition has the indexes of its table, once", async () => {
  const { database, now } = await fixture();
  await ensurePartitionFor(database, "tokens", bucketFor(now, 60));
  const text = `SELECT count(*)::integer AS own,
      (SELECT count(*)::integer FROM pg_index WHERE indrelid = 'tokens'::regclass) AS parent
    FROM pg_index x JOIN pg_inherits i ON i.inhrelid = x.indrelid
    WHERE i.inhparent = 'tokens'::regclass GROUP BY x.indrelid`;
  const rows = await database.maintain((session) => session.query(text));
  assert.ok(rows.length > 0);
  for (const row of rows) assert.equal(row.own, row.parent);
});

test("a partition is dropped in the second in which its last row may be forgotten, and not before", async () => {
  const { database, now } = await fixture();
  const bucket = bucketFor(now, 60);
  await ensurePartitionFor(database, "grants", bucket);
  await insert(database, insertGrant, bucket);
  const end = describeBucket(bucket)?.endsAtSeconds ?? 0;
  assert.deepEqual(await dropForgotten(database, end - 1), []);
  assert.equal((await dropForgotten(database, end)).length, 1);
  assert.equal(await countTables(database, "^grants_c"), 0);
  assert.deepEqual(await dropForgotten(database, end), []);
});

test("a partition that was detached before a crash is dropped by the next run", async () => {
  const { database, now } = await fixture();
  await ensurePartitionFor(database, "grants", bucketFor(now, 60));
  const names = await database.maintain((session) =>
    session.query("SELECT relname AS name FROM pg_class WHERE relname ~ '^grants_c0_[0-9]+$'"),
  );
  const name = String(names[0]?.name);
  await database.maintain((session) => session.query(`ALTER TABLE grants DETACH PARTITION ${name}`));
  assert.deepEqual(await dropForgotten(database, now + DAY), [name]);
});

test("a long read of a table delays the drop of its partition and nothing else", async () => {
  const { database, secondNode, now } = await fixture();
  if (database.kind === "embedded") return; // it has one session: nobody can read meanwhile
  const [old, live] = [bucketFor(now, 60), bucketFor(now, DAY)];
  await ensurePartitionFor(database, "grants", old);
  await ensurePartitionFor(database, "grants", live);
  const count = statement("test.count_grants", "SELECT count(*) FROM grants");
  await secondNode.transaction([tenantId], async (reader) => {
    await reader.run(count, []);
    assert.deepEqual(await dropForgotten(database, now + 1_000), []);
    await reader.run(count, []); // the database ends a transaction in which nothing happens for long
    await insert(database, insertGrant, live);
    await ensurePartitionFor(database, "grants", bucketFor(now, 2 * DAY));
  });
  assert.equal((await dropForgotten(database, now + 1_000)).length, 1);
});

test("rows of the overflow are deleted by bucket, in bounded batches", async () => {
  const { database, now } = await fixture();
  await ensureFirstPartitions(database, now);
  const [short, long] = [bucketFor(now, 150 * DAY), bucketFor(now, 300 * DAY)];
  const end = describeBucket(short)?.endsAtSeconds ?? 0;
  await purgeOverflow(database, end - 1);
  for (const bucket of [short, short, long]) await insert(database, insertGrant, bucket);
  assert.equal(await purgeOverflow(database, end - 1), 0);
  assert.equal(await purgeOverflow(database, end), 2);
  assert.equal(await purgeOverflow(database, end), 0);
});
