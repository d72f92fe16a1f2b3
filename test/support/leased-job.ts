import type { Job } from "../../src/jobs/job.ts";
import { takeLease } from "../../src/resources/lease/queries.ts";
import type { TestServer } from "./test-server.ts";

const LONG_MS = 1e9;

/** Leaves a job of a server to its tests: another node seems to have it, however far they move the server's clock. */
export async function keepJob({ deps }: TestServer, { name }: Job): Promise<void> {
  const nowMs = deps.clock.nowMs();
  const lease = { name, holder: "the tests", untilMs: nowMs + LONG_MS };
  const take = () => takeLease(deps.database.tenants([]), lease, nowMs + LONG_MS / 10);
  while (!(await take())) await new Promise((resolve) => setImmediate(resolve));
}
