import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Pool } from "pg";
import { openScratchDatabase } from "../../test/support/scratch-database.ts";
import { openEmbedded } from "./embedded.ts";
import type { DatabaseMeter } from "./meter.ts";
import { migrate } from "./migrate.ts";
import { statement } from "./statement.ts";

// What maintenance says of its failure is what its caller hears, and its session goes on in order.

const tenantId = "0123456789abcdef";
const echo = statement("test.echo_after_maintenance", "SELECT $1::integer AS value");

test("a database without a table, to be checked only, is refused with what it lacks", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-maintain-"));
  const database = await openEmbedded({
    directory,
    onFailure: (error) => {
      throw error;
    },
  });
  await assert.rejects(migrate(database, "check"), /the database lacks 0001\S*.*start once with MAYFLY_MIGRATE=auto/);
  await migrate(database, "auto");
  assert.deepEqual(await migrate(database, "check"), []);
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test("work that fails inside a transaction of its own is undone, tells its error, and spoils no other's", async () => {
  const { database } = await openScratchDatabase();
  const failing = database.maintain(async (session) => {
    await session.query("BEGIN");
    await session.query("CREATE TABLE left_over (id integer)");
    await session.query("SELECT 1 / 0");
  });
  await assert.rejects(failing, /division by zero/);
  assert.deepEqual(await database.tenants([tenantId]).run(echo, [1]), [{ value: 1 }]);
  const text = "SELECT to_regclass('left_over') AS name";
  assert.deepEqual(await database.maintain((session) => session.query(text)), [{ name: null }]);
});

test("what a request waits for takes no longer than a request may", async () => {
  const { database } = await openScratchDatabase();
  const text = `WITH RECURSIVE turns AS (
     SELECT clock_timestamp() AS now UNION ALL
     SELECT clock_timestamp() FROM turns WHERE clock_timestamp() < statement_timestamp() + interval '1.5 seconds'
   ) SELECT count(*) FROM turns`;
  await assert.rejects(
    database.maintain((session) => session.query(text), 300),
    { name: "DatabaseUnavailable" },
  );
  await database.maintain((session) => session.query(text));
  assert.deepEqual(await database.tenants([tenantId]).run(echo, [2]), [{ value: 2 }]);
});

test("maintenance leaves no warning in the server's log that there was no transaction to end", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-maintain-"));
  const warnings: string[] = [];
  const meter: DatabaseMeter = {
    connection: (wait) => wait(),
    statement: (_name, send) => send(),
    watchPool: (pool) => {
      assert.ok(pool instanceof Pool);
      pool.on("connect", (client) => client.on("notice", ({ message }) => warnings.push(String(message))));
    },
  };
  const onFailure = (error: Error) => {
    throw error;
  };
  const database = await openEmbedded({ directory, onFailure, meter });
  await database.maintain((session) => session.query("SELECT 1"));
  await database.maintain((session) => session.query("BEGIN; CREATE TABLE left_over (id integer)"));
  const name = await database.maintain((session) => session.query("SELECT to_regclass('left_over') AS name"));
  assert.deepEqual([warnings, name], [[], [{ name: null }]]);
  await database.close();
  await rm(directory, { recursive: true, force: true });
});
