import type { Clock } from "../../src/platform/clock.ts";
import { databaseSide } from "./test-database.ts";
import { type TestServer, testServer } from "./test-server.ts";

/**
 * A second node on a server's database. The embedded database has one node (settled 11): there it is that one again, which is not to be
 * stopped twice.
 */
export function nodeBeside(first: TestServer, clock?: Clock): Promise<TestServer> {
  if (databaseSide() === "embedded") return Promise.resolve(first);
  const { databaseUrl = "", masterKeys = [] } = first.deps.config;
  return testServer({
    ...(clock === undefined ? {} : { clock }),
    environment: { MAYFLY_DATABASE_URL: databaseUrl, MAYFLY_MASTER_KEY: masterKeys.join(",") },
  });
}
