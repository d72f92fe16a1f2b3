import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { startPostgres } from "../bin/postgres.mjs";

/** A database of its own for one server; `superuserUrl` is for what row-level security must not bind. */
export type Database = { url: string; superuserUrl: string };

/** The PostgreSQL server that all sides use. */
export type DatabaseServer = {
  /** Its version and what it promises, for the head of the report. */
  description: string;
  /** The process whose children serve the connections; undefined for a server that the benchmark did not start. */
  pid: number | undefined;
  createDatabase(): Promise<Database>;
  stop(): Promise<void>;
};

/** Without these a store would be compared that may lose what it has acknowledged. */
const DURABLE_SETTINGS = ["fsync", "synchronous_commit", "full_page_writes"];

/** Uses the server at that URL, or starts a throw-away one; refuses a server that is not durable. */
export async function openDatabaseServer(url: string | undefined): Promise<DatabaseServer> {
  const server =
    url === undefined
      ? await startPostgres()
      : { url, adminUrl: url, dataDirectory: undefined, stop: async () => undefined };
  const names: string[] = [];
  try {
    return {
      description: await describeDurable(server.url),
      pid: server.dataDirectory === undefined ? undefined : postmasterPid(server.dataDirectory),
      async createDatabase() {
        const name = `bench_${process.pid}_${names.length}`;
        await administer(server.url, [`CREATE DATABASE ${name}`]);
        names.push(name);
        return { url: withDatabase(server.url, name), superuserUrl: withDatabase(server.adminUrl, name) };
      },
      async stop() {
        const drops = names.map((name) => `DROP DATABASE ${name} WITH (FORCE)`);
        if (url !== undefined) await administer(url, drops);
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function withDatabase(url: string, name: string): string {
  const target = new URL(url);
  target.pathname = `/${name}`;
  return target.href;
}

/** PostgreSQL writes its process's id to the first line of a file. */
function postmasterPid(dataDirectory: string): number {
  return Number(readFileSync(join(dataDirectory, "postmaster.pid"), "latin1").split("\n")[0]);
}

async function describeDurable(url: string): Promise<string> {
  const client = await connect(url);
  try {
    for (const setting of DURABLE_SETTINGS) {
      const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
      if (rows[0]?.[setting] !== "on") throw new Error(`PostgreSQL runs with ${setting} = ${rows[0]?.[setting]}`);
    }
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    return `PostgreSQL ${rows[0]?.server_version}, ${DURABLE_SETTINGS.join(", ")} on`;
  } finally {
    await client.end();
  }
}

async function administer(url: string, statements: string[]): Promise<void> {
  const client = await connect(url);
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
