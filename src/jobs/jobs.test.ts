import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase, sharedDatabase } from "../../test/support/scratch-database.ts";
import { readConfig } from "../config.ts";
import type { Database } from "../database/database.ts";
import { partitionsHealthy } from "../database/partitions.ts";
import { rotateNow } from "../keys/rotate.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import { addAttempt, sumAttempts } from "../resources/attempt-count/queries.ts";
import { listMails } from "../resources/mail/queries.ts";
import { listSigningKeys } from "../resources/signing-key/queries.ts";
import { followDatabaseClock } from "./clock.ts";
import { JOBS } from "./index.ts";
import type { JobDeps } from "./job.ts";

const random = createRandom();
const NOW = 1_800_000_000;
const DAY = 86_400;

function depsOf(database: Database): JobDeps {
  const clock = { ...createClock(), nowMs: () => NOW * 1_000, nowSeconds: () => NOW };
  const sealer = createSealer([random.bytes(32)], random);
  const mail = { send: () => Promise.reject(new Error("nobody mails here")), close: () => undefined };
  const world = { config: readConfig({}), mail, log: createLog("silent"), metrics: createMetrics(listMetrics()) };
  return { ...world, database, clock, random, sealer };
}

async function insertTestTenant(database: Database, offsetSeconds: number): Promise<string> {
  const tenantId = hexId(random);
  await database.maintain((session) =>
    session.query(
      `INSERT INTO tenants (tenant_id, display_name, kind, clock_offset_seconds, refresh_key_sealed, created_at_ms, updated_at_ms)
       VALUES ($1, 't', 'test', $2, '', 0, 0)`,
      [tenantId, offsetSeconds],
    ),
  );
  return tenantId;
}

async function run(name: string, deps: JobDeps): Promise<void> {
  const job = JOBS.find((candidate) => candidate.name === name);
  assert.ok(job);
  await job.run(deps);
}

test("jobs have names of their own", () => {
  assert.equal(new Set(JOBS.map(({ name }) => name)).size, JOBS.length);
});

test("the key job rotates the keys of each tenant by that tenant's clock", async () => {
  const { database } = await openScratchDatabase();
  const deps = depsOf(database);
  const realms = await Promise.all(
    [0, 91 * DAY].map(async (offset) => ({
      tenantId: await insertTestTenant(database, offset),
      realmId: hexId(random),
    })),
  );
  for (const realm of realms) await rotateNow(deps, realm, "ES256", NOW);
  await run("rotate-keys", deps);
  const generations = await Promise.all(
    realms.map(async (realm) => {
      const keys = await listSigningKeys(database.tenants([realm.tenantId]), realm);
      return keys.filter(({ algorithm }) => algorithm === "ES256").length;
    }),
  );
  assert.deepEqual(generations, [1, 2]);
});

test("the partition job leaves every partition ready", async () => {
  const { database } = await openScratchDatabase();
  await run("token-partitions", depsOf(database));
  assert.equal(await partitionsHealthy(database, NOW), true);
  await run("overflow", depsOf(database));
});

test("the attempt job deletes counts after two days", async () => {
  const { database } = await sharedDatabase();
  const realm = { tenantId: hexId(random), realmId: hexId(random) };
  const db = database.tenants([realm.tenantId]);
  const attempt = { countedKey: random.bytes(32), kind: "wrong_try", hour: Math.floor(NOW / 3_600) - 48 } as const;
  await addAttempt(db, realm, attempt, []);
  await addAttempt(db, realm, { ...attempt, hour: attempt.hour - 1 }, []);
  await run("attempt-counts", depsOf(database));
  assert.deepEqual(await sumAttempts(db, realm, attempt, [24]), [1]);
});

test("the mails of a test tenant are forgotten after thirty days of real time, more than one batch of them", async () => {
  const { database } = await sharedDatabase();
  const realm = { tenantId: await insertTestTenant(database, 90 * DAY), realmId: hexId(random) };
  const keptFromMs = (NOW - 30 * DAY) * 1_000;
  await database.maintain((session) =>
    session.query(
      `INSERT INTO mails (tenant_id, realm_id, mail_id, recipient, subject, body, created_at_ms)
       SELECT $1, $2, number::text, 'ada@example.com', 's', 'b', $3::bigint - (number > 0)::integer FROM generate_series(0, 1001) AS number`,
      [realm.tenantId, realm.realmId, keptFromMs],
    ),
  );
  await run("old-mails", depsOf(database));
  const kept = await listMails(database.tenants([realm.tenantId]), realm, 200);
  assert.deepEqual(
    kept.map(({ createdAtMs }) => createdAtMs),
    [keptFromMs],
  );
});

test("a node's clock follows the database's", async () => {
  const { database } = await sharedDatabase();
  let databaseMs = 0;
  const clock = {
    ...createClock(),
    follow: (ms: number) => {
      databaseMs = ms;
    },
  };
  const log = createLog("silent");
  const follower = await followDatabaseClock({ database, clock, log });
  assert.ok(Math.abs(databaseMs - clock.nowMs()) < 60_000, "the test's database is on this machine");
  assert.ok(follower.clockAgeSeconds() < 60);
  await follower.stop();
});

/** A clock for which the first answers of a database take three seconds each. */
function slowAtFirst(slowAnswers: number) {
  let now = 0;
  let asked = 0;
  const followed: number[] = [];
  const clock = {
    ...createClock(),
    monotonicMs: () => {
      asked += 1;
      now += asked <= 2 * slowAnswers ? 3_000 : 1;
      return now;
    },
    follow: (databaseMs: number) => void followed.push(databaseMs),
  };
  return { clock, followed };
}

test("a database that is slow at first is asked for the time again, and not for ever", async () => {
  const { database } = await sharedDatabase();
  const log = createLog("silent");
  const slow = slowAtFirst(4);
  await (await followDatabaseClock({ database, clock: slow.clock, log })).stop();
  assert.equal(slow.followed.length, 1, "a slow answer was followed, or none was");
  const tooSlow = slowAtFirst(5);
  await assert.rejects(followDatabaseClock({ database, clock: tooSlow.clock, log }), /took too long/);
  assert.deepEqual(tooSlow.followed, []);
});

test("a node does not begin without the database's clock", async () => {
  const run = () => Promise.reject(new Error("gone"));
  const { database } = await sharedDatabase();
  const deps = { database: { ...database, tenants: () => ({ run }) }, clock: createClock(), log: createLog("silent") };
  await assert.rejects(followDatabaseClock(deps), /gone/);
});
