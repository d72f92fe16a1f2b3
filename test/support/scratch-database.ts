import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Client } from "pg";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgresql } from "../../src/database/postgresql.ts";

/** A migrated database that no other test uses. */
export interface ScratchDatabase {
  readonly database: Database;
  /** What a second node would hold: a pool of its own on a server, the same handle where the database has one session. */
  readonly secondNode: Database;
}

let count = 0;
const endings: (() => Promise<void>)[] = [];
// Registered while this module loads: inside a test it would run at that test's end.
after(async () => {
  for (const end of endings) await end();
});

let shared: Promise<ScratchDatabase> | undefined;

/** The one database of this process for tests that keep to a tenant of their own. */
export function sharedDatabase(): Promise<ScratchDatabase> {
  shared ??= openScratchDatabase();
  return shared;
}

/** A new database of the side that the test command chose; it is gone when the process's tests are over. */
export async function openScratchDatabase(): Promise<ScratchDatabase> {
  count += 1;
  const url = process.env.MAYFLY_TEST_DATABASE_URL;
  const scratch =
    process.env.MAYFLY_TEST_DATABASE === "postgresql" && url !== undefined
      ? await openOnServer(url)
      : await openInDirectory();
  await migrate(scratch.database, "auto");
  return scratch;
}

async function openInDirectory(): Promise<ScratchDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-scratch-"));
  const database = await openEmbedded({
    directory,
    onFailure: (error) => {
      throw error;
    },
  });
  endings.push(async () => {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { database, secondNode: database };
}

async function openOnServer(serverUrl: string): Promise<ScratchDatabase> {
  const name = `scratch_${process.pid}_${count}`;
  await onServer(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = openPostgresql({ url: url.href, poolSize: 4 });
  const secondNode = openPostgresql({ url: url.href, poolSize: 4 });
  endings.push(async () => {
    await database.close();
    await secondNode.close();
    await onServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return { database, secondNode };
}

async function onServer(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(text);
  await client.end();
}
