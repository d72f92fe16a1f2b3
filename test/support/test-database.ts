import { Client } from "pg";
import type { Environment } from "../../src/config.ts";

const MASTER_KEY = "test-master-key-0123456789-abcdefghijklmnopqrstuvwxyz";

/** Which database the tests of this process use. */
export function databaseSide(): "embedded" | "postgresql" {
  return process.env.MAYFLY_TEST_DATABASE === "postgresql" ? "postgresql" : "embedded";
}

/** A database for one server: nothing to do for the embedded one, an empty one on the run's PostgreSQL. */
export async function createTestDatabase(): Promise<{ environment: Environment; drop: () => Promise<void> }> {
  const url = process.env.MAYFLY_TEST_DATABASE_URL;
  if (databaseSide() === "embedded" || url === undefined) return { environment: {}, drop: async () => undefined };
  const name = `mayfly_test_${process.pid}_${Math.random().toString(36).slice(2)}`;
  await runOn(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    environment: { MAYFLY_DATABASE_URL: own.href, MAYFLY_MASTER_KEY: MASTER_KEY },
    // Autovacuum may be at work in it, and only a superuser may stop that. The whole cluster goes at the end of the run.
    drop: () => runOn(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => undefined),
  };
}

async function runOn(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
