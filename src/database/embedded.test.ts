import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { migrate } from "./migrate.ts";

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-embedded-"));
  directories.push(directory);
  return directory;
}

function open(directory: string): Promise<Database> {
  return openEmbedded({
    directory,
    onFailure: (error) => {
      throw error;
    },
  });
}

async function countNotes(database: Database): Promise<unknown> {
  return database.maintain(async (session) => {
    await session.query("CREATE TABLE IF NOT EXISTS notes (text text)");
    await session.query("INSERT INTO notes VALUES ('x')");
    return (await session.query("SELECT count(*)::integer AS n FROM notes"))[0]?.n;
  });
}

// Each is what a kill may leave: before the first file, between two, and when all are there but not on the disk for certain.
const LEFTOVERS: readonly (readonly [string, (database: string) => Promise<void>])[] = [
  ["no file yet", async () => undefined],
  [
    "half of the files",
    async (database) => {
      await mkdir(join(database, "base"), { recursive: true });
      await writeFile(join(database, "postgresql.conf"), "");
    },
  ],
  [
    "its version and little else",
    async (database) => {
      await mkdir(join(database, "global"), { recursive: true });
      await writeFile(join(database, "PG_VERSION"), "17\n");
      await writeFile(join(database, "global", "pg_control"), Buffer.alloc(100));
    },
  ],
];
for (const [name, leave] of LEFTOVERS) {
  test(`a first start that was killed while it unpacked the database is begun anew: ${name}`, async () => {
    const directory = await newDirectory();
    await writeFile(join(directory, "database.unpacking"), "");
    await leave(join(directory, "database"));
    const database = await open(directory);
    await migrate(database, "auto");
    assert.equal(await countNotes(database), 1);
    await database.close();
    assert.deepEqual((await readdir(directory)).sort(), ["database"]);
  });
}

test("a database that was unpacked once is kept, and no mark of unpacking with it", async () => {
  const directory = await newDirectory();
  const first = await open(directory);
  assert.equal(existsSync(join(directory, "database.unpacking")), false);
  await migrate(first, "auto");
  assert.equal(await countNotes(first), 1);
  await first.close();
  const second = await open(directory);
  assert.equal(await countNotes(second), 2);
  await second.close();
});

test("a data directory that is open is not opened twice", async () => {
  const directory = await newDirectory();
  const database = await open(directory);
  await assert.rejects(open(directory), new RegExp(`in use by process ${process.pid};`));
  await migrate(database, "auto");
  assert.equal(await countNotes(database), 1);
  await database.close();
});
