import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PostgresServer } from "../../bin/postgres.mjs";
import { type PostgresPair, runAsSuperuser, startPair } from "../../test/support/postgres-pair.ts";
import { databaseSide } from "../../test/support/test-database.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import type { Database } from "./database.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { openPostgresql } from "./postgresql.ts";
import { statement } from "./statement.ts";

// Settled 12, with real servers: a node uses the primary, wherever it is.

const PATIENCE = { everyMs: 20, msMax: 30_000 };

const portOf = statement("test.port_of", "SELECT inet_server_port() AS port");
const writeOne = statement("test.write_one", "INSERT INTO test_hosts VALUES ($1) RETURNING inet_server_port() AS port");

async function pairOf(t: TestContext): Promise<PostgresPair> {
  const pair = await startPair({ durable: false });
  t.after(() => pair.stop());
  return pair;
}

function open(t: TestContext, url: string): Database {
  const database = openPostgresql({ url, poolSize: 4 });
  t.after(() => database.close());
  return database;
}

async function write(database: Database): Promise<unknown> {
  return (await database.tenants([]).run(writeOne, [1]))[0]?.port;
}

/** What was found a moment ago is not asked for again at once: until then it is unavailable, and nothing else. */
async function writeSoon(database: Database): Promise<unknown> {
  let port: unknown;
  const isWritten = async (): Promise<boolean> => {
    port = await write(database).catch((error: unknown) => assert.ok(isUnavailable(error)));
    return port !== undefined;
  };
  await waitUntil(isWritten, "no host takes writes", PATIENCE);
  return port;
}

/** A new connection sees a setting when the server has told those it has before. */
async function setReadOnly(server: PostgresServer): Promise<void> {
  await runAsSuperuser(server, "ALTER SYSTEM SET default_transaction_read_only = on");
  await runAsSuperuser(server, "SELECT pg_reload_conf()");
  const show = async () => (await runAsSuperuser(server, "SHOW default_transaction_read_only"))[0];
  await waitUntil(
    async () => (await show())?.default_transaction_read_only === "on",
    "the setting is not read",
    PATIENCE,
  );
}

async function readPort(database: Database): Promise<unknown> {
  return (await database.tenants([]).run(portOf, []))[0]?.port;
}

/** Every connection of the pool at once. */
async function readPorts(database: Database): Promise<unknown[]> {
  return [...new Set(await Promise.all(Array.from({ length: 4 }, () => readPort(database))))];
}

function isUnavailable(error: unknown): boolean {
  return error instanceof DatabaseUnavailable;
}

async function testFailOver(t: TestContext): Promise<void> {
  const pair = await pairOf(t);
  const [first, second] = [pair.primary(), pair.standby()];
  const standbyFirst = pair.url.replace(/@(.+),(.+)\/mayfly$/, "@$2,$1/mayfly");
  const [node, other] = [open(t, pair.url), open(t, standbyFirst)];
  await node.maintain((session) => session.query("CREATE TABLE test_hosts (one integer)"));
  assert.deepEqual([await write(node), await write(other)], [first.port, first.port]);
  await assert.rejects(write(open(t, second.url)), isUnavailable, "a standby alone is no database");

  await first.kill();
  await assert.rejects(write(node), isUnavailable);
  await pair.failOver("kill");
  assert.deepEqual([await writeSoon(node), await writeSoon(other)], [second.port, second.port]);

  // It comes back before anybody fenced it, and takes writes too.
  await first.start();
  assert.deepEqual(await readPorts(node), [second.port]);
  assert.deepEqual(await readPorts(open(t, pair.url)), [second.port], "the one that was promoted last is the primary");
}

async function testReadOnly(t: TestContext): Promise<void> {
  const pair = await pairOf(t);
  const [first, second] = [pair.primary(), pair.standby()];
  const node = open(t, pair.url);
  await node.maintain((session) => session.query("CREATE TABLE test_hosts (one integer)"));
  assert.deepEqual(await readPorts(node), [first.port]);
  await setReadOnly(first);
  await runAsSuperuser(second, "SELECT pg_promote(true, 30)");
  await assert.rejects(write(node), isUnavailable);
  // No connection that was open before is used again, not for reads either: what they would tell is old.
  const hasLeft = async () => (await readPort(node).catch(() => first.port)) !== first.port;
  await waitUntil(hasLeft, "it stays where nothing can be written", PATIENCE);
  assert.deepEqual(await readPorts(node), [second.port]);
  assert.equal(await write(node), second.port);
}

if (databaseSide() === "postgresql") {
  test("a node uses the host that takes writes, and finds the one that is promoted, without a restart", testFailOver);
  test("a node leaves a host that stops to take writes, with all its connections", testReadOnly);
}
