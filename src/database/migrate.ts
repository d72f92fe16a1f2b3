import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../platform/hash.ts";
import type { Database, OwnerSession } from "./database.ts";
import { isLockTimeout } from "./database-error.ts";

const MIGRATIONS = new URL("../../migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
// Any constant: it keeps two nodes that start together from migrating at once.
const MIGRATION_LOCK = 6_292_953;
/** While a migration waits for a table, everybody who comes later waits behind it: it gives up soon, and tries again. */
const LOCK_TIMEOUT_MS = 200;
const LOCK_PAUSE_MS = 500;
const LOCK_TRIES_MAX = 240;

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** The numbered files of `migrations/`, in order. */
async function readMigrations(): Promise<Migration[]> {
  const numbered = numberMigrations(await readdir(MIGRATIONS));
  return Promise.all(
    numbered.map(async ({ number, name }) => {
      const text = await readFile(new URL(name, MIGRATIONS), "utf8");
      return { number, name, text, checksum: sha256(text).toString("hex") };
    }),
  );
}

/**
 * The migrations among these file names, in order.
 *
 * @throws when two have one number, as two branches may have made them: the second would pass for applied
 */
export function numberMigrations(fileNames: readonly string[]): Pick<Migration, "number" | "name">[] {
  const names = fileNames.filter((name) => FILE_NAME.test(name)).sort();
  const numbered = names.map((name) => ({ number: Number(name.slice(0, 4)), name }));
  for (const [index, { number, name }] of numbered.entries()) {
    if (numbered[index + 1]?.number === number) throw new Error(`another migration has the number of ${name}`);
  }
  return numbered;
}

/**
 * Brings the schema up to this version of the code. Forward only; each file is one transaction.
 *
 * @param mode `auto` applies what is missing; `check` refuses to start when something is missing
 * @returns the names of the migrations that were applied
 * @throws when an applied file was changed since, or when `check` finds one missing
 */
export async function migrate(database: Database, mode: "auto" | "check"): Promise<string[]> {
  const migrations = await readMigrations();
  return database.maintain(async (session) => {
    const done = await readApplied(session);
    const missing = migrations.filter((migration) => !isApplied(migration, done));
    if (missing.length === 0) return [];
    if (mode === "check") {
      throw new Error(
        `the database lacks ${missing.map((m) => m.name).join(", ")}; start once with MAYFLY_MIGRATE=auto`,
      );
    }
    const applied: string[] = [];
    for (const migration of missing) if (await apply(session, migration)) applied.push(migration.name);
    return applied;
  });
}

async function readApplied(session: OwnerSession): Promise<Map<number, string>> {
  const exists = await session.query("SELECT to_regclass('schema_migrations') AS name");
  if (exists[0]?.name == null) return new Map();
  const rows = await session.query("SELECT number, checksum FROM schema_migrations");
  return new Map(rows.map((row) => [Number(row.number), String(row.checksum)]));
}

function isApplied(migration: Migration, done: ReadonlyMap<number, string>): boolean {
  const checksum = done.get(migration.number);
  if (checksum === undefined) return false;
  if (checksum !== migration.checksum)
    throw new Error(`${migration.name} was changed after it was applied; add a new migration instead`);
  return true;
}

async function apply(session: OwnerSession, migration: Migration): Promise<boolean> {
  for (let left = LOCK_TRIES_MAX; ; left -= 1) {
    try {
      return await applyOnce(session, migration);
    } catch (error) {
      await session.query("ROLLBACK").catch(() => undefined);
      if (!isLockTimeout(error) || left === 0)
        throw new Error(`migration ${migration.name} failed and changed nothing`, { cause: error });
      await sleep(LOCK_PAUSE_MS);
    }
  }
}

async function applyOnce(session: OwnerSession, migration: Migration): Promise<boolean> {
  await session.query("BEGIN");
  await session.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await session.query(
    "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)",
  );
  const rows = await session.query("SELECT 1 FROM schema_migrations WHERE number = $1", [migration.number]);
  if (rows.length > 0) {
    await session.query("ROLLBACK");
    return false;
  }
  await session.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await session.query(migration.text);
  const values = [migration.number, migration.name, migration.checksum];
  await session.query("INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)", values);
  await session.query("COMMIT");
  return true;
}
