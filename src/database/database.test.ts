import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { type TestContext, test } from "node:test";
import { Client } from "pg";
import { openScratchDatabase, type ScratchDatabase } from "../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../platform/random.ts";
import type { Database } from "./database.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { type Statement, statement } from "./statement.ts";

// After trouble the next statement works. On the embedded database every connection leads to one session, which keeps what the
// connection before it left there: names of prepared statements, a transaction, an answer under way.

const CLIENT_TIMEOUT_MS = 300;
const SLOW_SECONDS = 1;
const tenantId = hexId(createRandom());

const echo = statement("test.echo", "SELECT $1::integer AS value");
const readTenants = statement("test.read_tenants", "SELECT * FROM tenants WHERE tenant_id = $1");
const note = statement("test.note", "INSERT INTO test_notes VALUES ($1)");
const readNotes = statement("test.read_notes", "SELECT * FROM test_notes");
const readSession = statement("test.read_session", "SELECT pg_backend_pid() + coalesce($1::integer, 0) AS pid");
const fail = statement("test.fail", "SELECT test_fail($1) AS failed");
const forgetNotes = statement("test.forget_notes", "DELETE FROM test_notes");
const rename = statement("test.rename", "UPDATE test_notes SET text = $2 WHERE text = $1 RETURNING text");
const slow = statement(
  "test.slow",
  `WITH RECURSIVE turns AS (
     SELECT clock_timestamp() AS now UNION ALL
     SELECT clock_timestamp() FROM turns WHERE clock_timestamp() < statement_timestamp() + $1 * interval '1 second'
   ) SELECT count(*)::integer AS turns FROM turns`,
);

/** Runs what was made here as if it had nothing to do with the transaction that is open here. */
const elsewhere = AsyncLocalStorage.snapshot();

let opened: Promise<ScratchDatabase> | undefined;

async function scratch(): Promise<Database> {
  opened ??= openScratchDatabase().then(async (one) => {
    await one.database.maintain((session) =>
      session.query(`CREATE FUNCTION test_fail(state text) RETURNS integer LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = state; END $$;
        CREATE TABLE test_notes (text text); GRANT ALL ON test_notes TO mayfly_app`),
    );
    return one;
  });
  return (await opened).database;
}

async function run(database: Database, declared: Statement, value: unknown): Promise<unknown> {
  const [row] = await database.tenants([tenantId]).run(declared, [value]);
  return row && Object.values(row)[0];
}

/** Each answer is that of its own question, in every way of asking. */
async function assertAnswers(database: Database): Promise<void> {
  const numbers = Array.from({ length: 12 }, (_, index) => index);
  assert.deepEqual(await Promise.all(numbers.map((number) => run(database, echo, number))), numbers);
  const [row] = await database.transaction([tenantId], (session) => session.run(echo, [12]));
  assert.equal(row?.value, 12);
  const owned = await database.maintain((session) => session.query("SELECT current_user AS role, 13 AS value"));
  assert.equal(owned[0]?.value, 13);
  const roles = await database.tenants([tenantId]).run(whoAmI, []);
  assert.deepEqual(roles, [{ role: "mayfly_app", tenants: tenantId }], "row-level security binds again");
}
const whoAmI = statement(
  "test.who_am_i",
  "SELECT current_user::text AS role, current_setting('mayfly.tenants') AS tenants",
);

function isUnavailable(error: unknown): boolean {
  return error instanceof DatabaseUnavailable;
}

for (const state of ["53100", "53200", "53300", "57014", "58030", "XX000"]) {
  test(`after an error ${state} the next statement works`, async () => {
    const database = await scratch();
    await assertAnswers(database);
    await assert.rejects(run(database, fail, state), isUnavailable);
    await assertAnswers(database);
    await assert.rejects(
      database.transaction([tenantId], (session) => session.run(fail, [state])),
      isUnavailable,
    );
    await assertAnswers(database);
    const owned = database.maintain((session) => session.query("SELECT test_fail($1)", [state]));
    await assert.rejects(owned, isUnavailable);
    await assertAnswers(database);
  });
}

test("trouble of a statement alone keeps its connection, and what it left open is not the next one's", async () => {
  const database = await scratch();
  const readSessions = async (): Promise<Set<unknown>> =>
    new Set(await Promise.all(Array.from({ length: 12 }, () => run(database, readSession, null))));
  const before = await readSessions();
  for (const state of ["53100", "57014", "40P01", "55P03"]) {
    await assert.rejects(run(database, fail, state), isUnavailable);
    await assert.rejects(
      database.transaction([tenantId], (session) => session.run(fail, [state])),
      isUnavailable,
    );
  }
  for (const session of await readSessions()) assert.ok(before.has(session), "a connection was made anew");
  await assertAnswers(database);
});

test("an error of the statement's own data keeps the connection and what it has prepared", async () => {
  const database = await scratch();
  for (const state of ["22001", "23505", "P0001"]) {
    await assert.rejects(run(database, fail, state), (error) => !isUnavailable(error));
    await assertAnswers(database);
  }
});

test("a transaction that trouble left open is not the next one's", async () => {
  const database = await scratch();
  const left = database.transaction([tenantId], async (session) => {
    await session.run(fail, ["53100"]).catch(() => undefined); // as if nothing had happened
    return session.run(echo, [1]);
  });
  await assert.rejects(left);
  await assertAnswers(database);
});

/** Makes the driver wait for the slow statement no longer than this; all others keep their time. */
function hurry(t: TestContext): void {
  const query: unknown = Reflect.get(Client.prototype, "query");
  assert.ok(typeof query === "function");
  t.mock.method(Client.prototype, "query", function (this: Client, config: unknown, ...rest: unknown[]): unknown {
    const isSlow = typeof config === "object" && config !== null && "name" in config && config.name === slow.name;
    return query.call(this, isSlow ? { ...config, query_timeout: CLIENT_TIMEOUT_MS } : config, ...rest);
  });
}

test("a statement that outlasts the client's patience fails, and its late answer is nobody's", async (t) => {
  const database = await scratch();
  assert.ok(Number(await run(database, slow, SLOW_SECONDS)) > 1);
  hurry(t);
  const waiting = run(database, slow, SLOW_SECONDS);
  const behind = Array.from({ length: 3 }, (_, index) => run(database, echo, index));
  await assert.rejects(waiting, isUnavailable);
  await assertAnswers(database);
  assert.deepEqual(await Promise.all(behind), [0, 1, 2]);
  await assertAnswers(database);
});

test("a transaction whose statement took too long is undone whole", async (t) => {
  const database = await scratch();
  hurry(t);
  const late = database.transaction([tenantId], async (session) => {
    await session.run(note, ["half"]);
    await session.run(slow, [SLOW_SECONDS]);
  });
  await assert.rejects(late, isUnavailable);
  await assertAnswers(database);
  assert.deepEqual(await database.tenants([tenantId]).run(readNotes, []), []);
});

test("a snapshot that writes what others have changed since it began is undone", async () => {
  const database = await scratch();
  if (database.kind === "embedded") return; // one session: nobody else writes meanwhile
  await run(database, note, "old");
  const change = (text: string) => database.tenants([tenantId]).run(rename, ["old", text]);
  await assert.rejects(
    database.transaction(
      [tenantId],
      async (session) => {
        assert.deepEqual(await session.run(readNotes, []), [{ text: "old" }]);
        // Outside of this transaction, as another node would.
        await elsewhere(() => change("theirs"));
        assert.deepEqual(await session.run(readNotes, []), [{ text: "old" }]);
        await session.run(rename, ["old", "ours"]);
      },
      { isSnapshot: true },
    ),
    DatabaseUnavailable,
  );
  assert.deepEqual(await database.tenants([tenantId]).run(readNotes, []), [{ text: "theirs" }]);
  await database.tenants([tenantId]).run(forgetNotes, []);
});

test("a statement goes on when a migration changes the table that its connection has prepared it for", async () => {
  const database = await scratch();
  const read = () => database.tenants([tenantId]).run(readTenants, [tenantId]);
  for (const change of ["ADD COLUMN test_colour text", "ALTER COLUMN test_colour TYPE varchar(9)"]) {
    assert.deepEqual(await read(), []);
    await database.maintain((session) => session.query(`ALTER TABLE tenants ${change}`));
    assert.deepEqual(await read(), []);
    await assertAnswers(database);
  }
});

test("and so does a transaction, whole", async () => {
  const database = await scratch();
  const noteAndRead = () =>
    database.transaction([tenantId], async (session) => {
      await session.run(note, ["whole"]);
      return session.run(readTenants, [tenantId]);
    });
  assert.deepEqual(await noteAndRead(), []);
  await database.maintain((session) => session.query("ALTER TABLE tenants ADD COLUMN test_taste text"));
  assert.deepEqual(await noteAndRead(), []);
  const notes = await database.tenants([tenantId]).run(readNotes, []);
  assert.equal(notes.filter(({ text }) => text === "whole").length, 2);
});

test("and when every connection of the pool has prepared it", async () => {
  const database = await scratch();
  const read = () => database.tenants([tenantId]).run(readTenants, [tenantId]);
  const all = () => Promise.all(Array.from({ length: 8 }, read));
  await all();
  await database.maintain((session) => session.query("ALTER TABLE tenants ADD COLUMN test_size text"));
  assert.deepEqual(await read(), []);
  await all();
  await database.maintain((session) => session.query("ALTER TABLE tenants ADD COLUMN test_weight text"));
  assert.deepEqual((await all()).flat(), []);
});
