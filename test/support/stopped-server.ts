import { after } from "node:test";
import { recountJob } from "../../src/jobs/live-counts.ts";
import { keepJob } from "./leased-job.ts";
import { movableClock } from "./movable-clock.ts";
import { type TestServer, testServer } from "./test-server.ts";

let started: Promise<TestServer> | undefined;

/**
 * One server for all tests that speak of exact seconds: its time stands still, and each tenant's moves only by `advance`.
 * What is measured, not told, goes on: a cache still forgets.
 */
export function stoppedServer(): Promise<TestServer> {
  started ??= start();
  return started;
}

async function start(): Promise<TestServer> {
  const server = await testServer({ clock: movableClock() });
  // It counts what was issued before its time, and here all that is issued has one time.
  await keepJob(server, recountJob);
  return server;
}

after(async () => {
  const server = await started;
  await server?.stop();
});
