import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Client } from "pg";
import { type Environment, readConfig } from "../../src/config.ts";
import type { SentStatement } from "../../src/database/database.ts";
import type { Timers } from "../../src/platform/timers.ts";
import type { StartOptions } from "../../src/start/open-node.ts";
import { type Started, startServer } from "../../src/start.ts";

/** A server of the tests, in this process, on a random port. */
export interface TestServer extends Started {
  readonly url: string;
  /** of the operators' listener */
  readonly operationsUrl: string;
  readonly dataDirectory: string;
  /** every statement that was sent, for tests that count or replay; cleared by whoever needs a clean start */
  readonly sent: SentStatement[];
}

export interface TestServerOptions extends Pick<StartOptions, "clock" | "onLogLine"> {
  readonly environment?: Environment;
}

const SENT_MAX = 50_000;
/** Its clients have this process's time as much as the server: requests wait for each other, none is refused for it. */
const STOPPED_TIMERS: Timers = { nowMs: () => 0, after: () => undefined };
const MASTER_KEY = "test-master-key-0123456789-abcdefghijklmnopqrstuvwxyz";

let shared: Promise<TestServer> | undefined;

/** The run's one server and database; tests keep apart by having tenants of their own. */
export function sharedServer(): Promise<TestServer> {
  shared ??= testServer();
  return shared;
}

// Without isolation all test files share this process: when the last test is done, so is the server.
after(async () => {
  const server = await shared;
  await server?.stop();
});

/** Which database the tests of this process use. */
export function databaseSide(): "embedded" | "postgresql" {
  return process.env.MAYFLY_TEST_DATABASE === "postgresql" ? "postgresql" : "embedded";
}

/** A server with a database of its own, for what a shared one cannot show: first start, jobs, migrations. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "mayfly-test-"));
  const database = await createTestDatabase();
  const port = await findFreePort();
  const sent: SentStatement[] = [];
  const environment = {
    MAYFLY_PORT: String(port),
    MAYFLY_OPS_PORT: "0",
    MAYFLY_DATA_DIR: dataDirectory,
    MAYFLY_LOG_LEVEL: "error",
    ...database.environment,
    ...options.environment,
  };
  const started = await startServer(readConfig(environment), environment, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.onLogLine === undefined ? {} : { onLogLine: options.onLogLine }),
    timers: STOPPED_TIMERS,
    onStatement: (statement) => {
      if (sent.length < SENT_MAX) sent.push(statement);
    },
  });
  const operations = started.operations.server.address();
  return {
    ...started,
    url: `http://localhost:${port}`,
    operationsUrl: `http://127.0.0.1:${typeof operations === "object" ? operations?.port : ""}`,
    dataDirectory,
    sent,
    stop: async () => {
      await started.stop();
      await database.drop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
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

/** A port that was free a moment ago. The public URL must be known before the server listens. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
}
