import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "pg";
import { readConfig } from "../../src/config.ts";
import { planDeclarativeFile, startServer } from "../../src/start.ts";
import { serverPlace } from "../support/server-process.ts";
import { createTestDatabase, databaseSide } from "../support/test-database.ts";

const TENANT = "00000000000000ab";
const FILE = `version: 1\ntenants: [{id: "${TENANT}", display_name: Store}]\n`;

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

/** A declarative file, a data directory that is not there yet, and a database without a table. */
async function world() {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-dry-run-"));
  directories.push(directory);
  const file = join(directory, "mayfly.yaml");
  await writeFile(file, FILE);
  const database = await createTestDatabase();
  const dataDirectory = join(directory, "data");
  const environment = {
    MAYFLY_DATA_DIR: dataDirectory,
    MAYFLY_CONFIG: file,
    MAYFLY_PORT: "0",
    MAYFLY_OPS_PORT: "0",
    MAYFLY_LOG_LEVEL: "error",
    ...database.environment,
  };
  return { environment, dataDirectory, drop: database.drop };
}

const ADVICE = databaseSide() === "embedded" ? /start once without --dry-run/ : /start once with MAYFLY_MIGRATE=auto/;

async function countTables(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const answer = await client.query("SELECT count(*)::integer AS n FROM pg_tables WHERE schemaname = 'public'");
  await client.end();
  return answer.rows[0]?.n;
}

test("a dry run where there is no database makes nothing and says what to do", async () => {
  const { environment, dataDirectory, drop } = await world();
  const url = "MAYFLY_DATABASE_URL" in environment ? environment.MAYFLY_DATABASE_URL : undefined;
  const plan = async () => planDeclarativeFile(readConfig(environment), environment);
  await assert.rejects(plan, ADVICE);
  assert.equal(existsSync(dataDirectory), false);
  if (typeof url === "string") assert.equal(await countTables(url), 0);
  await mkdir(dataDirectory);
  await assert.rejects(plan, ADVICE);
  assert.deepEqual(await readdir(dataDirectory), []);
  await drop();
});

test("as a command it ends with 1, and the message is of one line", async () => {
  const place = await serverPlace();
  const file = join(place.dataDirectory, "mayfly.yaml");
  await writeFile(file, FILE);
  for (const args of [["--dry-run"], ["start", "--dry-run"]]) {
    const ended = await place.startToEnd({ MAYFLY_CONFIG: file }, args);
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, ADVICE);
    assert.match(ended.stderr, /^Mayfly did not start: [^\n]+\n$/);
    assert.equal(ended.stdout, "");
  }
  assert.deepEqual(await readdir(place.dataDirectory), ["mayfly.yaml"]);
  await place.remove();
});

test("where there is a database it says what would change, and changes nothing", async () => {
  const { environment, drop } = await world();
  const empty = { ...environment, MAYFLY_CONFIG: "" };
  const first = await startServer(readConfig(empty), empty);
  await first.stop();
  const plan = () => planDeclarativeFile(readConfig(environment), environment);
  const changes = await plan();
  assert.ok(
    changes.some((change) => change.includes(TENANT)),
    changes.join("\n"),
  );
  assert.deepEqual(await plan(), changes, "the first look changed nothing");
  await drop();
});
