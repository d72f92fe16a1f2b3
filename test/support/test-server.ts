import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { findFreePort } from "../../bin/free-port.mjs";
import { type Environment, readConfig } from "../../src/config.ts";
import type { SentStatement } from "../../src/database/database.ts";
import type { Timers } from "../../src/platform/timers.ts";
import type { StartOptions } from "../../src/start/open-node.ts";
import { type Started, startServer } from "../../src/start.ts";
import { checkAnswer, undeclaredAnswers } from "./check-answer.ts";
import { createTestDatabase } from "./test-database.ts";

/** A server of the tests, in this process, on a random port. */
export interface TestServer extends Started {
  readonly url: string;
  /** of the operators' listener */
  readonly operationsUrl: string;
  readonly dataDirectory: string;
  /** opens the operator routes */
  readonly operatorToken: string;
  /** every statement that was sent, for tests that count or replay; cleared by whoever needs a clean start */
  readonly sent: SentStatement[];
  /** Stops it, and starts another on its database and in its directory. */
  restart(): Promise<TestServer>;
}

export interface TestServerOptions extends Pick<StartOptions, "clock" | "onLogLine"> {
  readonly environment?: Environment;
}

const SENT_MAX = 50_000;
/** Its clients have this process's time as much as the server: requests wait for each other, none is refused for it. */
const STOPPED_TIMERS: Timers = { nowMs: () => 0, after: () => undefined };

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
  assert.deepEqual(undeclaredAnswers(), [], "answers of the management API that are not as their operations declare");
});

/** A server with a database of its own, for what a shared one cannot show: first start, jobs, migrations. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "mayfly-test-"));
  const database = await createTestDatabase();
  const port = await findFreePort();
  const operatorToken = "operator-of-the-tests-with-256-bits-or-so-it-says";
  const operatorFile = join(dataDirectory, "operator-of-the-tests");
  await writeFile(operatorFile, operatorToken, { mode: 0o600 });
  const environment = {
    MAYFLY_PORT: String(port),
    MAYFLY_OPS_PORT: "0",
    MAYFLY_DATA_DIR: dataDirectory,
    MAYFLY_LOG_LEVEL: "error",
    MAYFLY_OPERATOR_TOKEN_FILE: operatorFile,
    ...database.environment,
    ...options.environment,
  };
  const remove = async (): Promise<void> => {
    await database.drop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
  const place = { environment, dataDirectory, operatorToken, url: `http://localhost:${port}`, remove };
  return startAt(place, options);
}

/** Where servers live one after the other. */
interface TestPlace extends Pick<TestServer, "url" | "dataDirectory" | "operatorToken"> {
  readonly environment: Environment;
  readonly remove: () => Promise<void>;
}

async function startAt(place: TestPlace, options: TestServerOptions): Promise<TestServer> {
  const { environment, remove, ...shown } = place;
  const sent: SentStatement[] = [];
  const started = await startServer(readConfig(environment), environment, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.onLogLine === undefined ? {} : { onLogLine: options.onLogLine }),
    timers: STOPPED_TIMERS,
    onAnswer: checkAnswer,
    onStatement: (statement) => {
      if (sent.length < SENT_MAX) sent.push(statement);
    },
  });
  const operations = started.operations.server.address();
  return {
    ...started,
    ...shown,
    operationsUrl: `http://127.0.0.1:${typeof operations === "object" ? operations?.port : ""}`,
    sent,
    stop: async () => {
      await started.stop();
      await remove();
    },
    restart: async () => {
      await started.stop();
      return startAt(place, options);
    },
  };
}
