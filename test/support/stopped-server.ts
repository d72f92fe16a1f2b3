import { after } from "node:test";
import { type Clock, createClock } from "../../src/platform/clock.ts";
import { type TestServer, testServer } from "./test-server.ts";

let started: Promise<TestServer> | undefined;

/**
 * One server for all tests that speak of exact seconds: its time stands still, and each tenant's moves only by `advance`.
 * What is measured, not told, goes on: a cache still forgets.
 */
export function stoppedServer(): Promise<TestServer> {
  started ??= testServer({ clock: createStoppedClock() });
  return started;
}

after(async () => {
  const server = await started;
  await server?.stop();
});

function createStoppedClock(): Clock {
  const running = createClock();
  const nowMs = running.nowMs();
  return {
    nowMs: () => nowMs,
    nowSeconds: () => Math.floor(nowMs / 1000),
    monotonicMs: running.monotonicMs,
    follow: () => undefined,
  };
}
