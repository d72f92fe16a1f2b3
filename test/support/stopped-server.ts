import { after } from "node:test";
import { movableClock } from "./movable-clock.ts";
import { type TestServer, testServer } from "./test-server.ts";

let started: Promise<TestServer> | undefined;

/**
 * One server for all tests that speak of exact seconds: its time stands still, and each tenant's moves only by `advance`.
 * What is measured, not told, goes on: a cache still forgets.
 */
export function stoppedServer(): Promise<TestServer> {
  started ??= testServer({ clock: movableClock() });
  return started;
}

after(async () => {
  const server = await started;
  await server?.stop();
});
