import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import type { Job, JobDeps } from "./job.ts";
import { runJob, startJobs } from "./runner.ts";

const random = createRandom();
const NOW_MS = 1_800_000_000_000;

async function twoNodes(): Promise<{ one: JobDeps; other: JobDeps; pass: (ms: number) => void }> {
  const { database, secondNode } = await sharedDatabase();
  let nowMs = NOW_MS;
  const clock = { ...createClock(), nowMs: () => nowMs, nowSeconds: () => Math.floor(nowMs / 1_000) };
  const sealer = createSealer([random.bytes(32)], random);
  const others = { clock, random, sealer, log: createLog("silent"), metrics: createMetrics(listMetrics()) };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { one: { ...others, database }, other: { ...others, database: secondNode }, pass };
}

function counting(): Job & { readonly runs: () => number } {
  let runs = 0;
  const run = async (): Promise<void> => {
    runs += 1;
  };
  return { name: `test-${hexId(random)}`, everySeconds: 60, run, runs: () => runs };
}

test("of two nodes one runs a job, and again when its interval is over", async () => {
  const { one, other, pass } = await twoNodes();
  const job = counting();
  await Promise.all([runJob(one, job, "a"), runJob(other, job, "b")]);
  assert.equal(job.runs(), 1);
  pass(59_999);
  await Promise.all([runJob(one, job, "c"), runJob(other, job, "d")]);
  assert.equal(job.runs(), 1);
  pass(1);
  await Promise.all([runJob(one, job, "a"), runJob(other, job, "b")]);
  assert.equal(job.runs(), 2);
});

test("a node that dies while it runs a job loses the lease after ten minutes", async () => {
  const { one, other, pass } = await twoNodes();
  const job = counting();
  let give: () => void = () => undefined;
  let begun: () => void = () => undefined;
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const hanging: Job = {
    ...job,
    run: () => {
      begun();
      return new Promise((resolve) => {
        give = resolve;
      });
    },
  };
  const dead = runJob(one, hanging, "dead");
  await hasBegun;
  pass(599_999);
  await runJob(other, job, "b");
  assert.equal(job.runs(), 0);
  pass(1);
  await runJob(other, job, "b");
  assert.equal(job.runs(), 1);
  give();
  await dead;
});

test("a job's error is reported and the job runs again", async () => {
  const { one } = await twoNodes();
  const job = counting();
  const failing: Job = { ...job, run: () => Promise.reject(new Error("no")) };
  assert.equal(await runJob(one, failing, "a"), false);
  assert.equal(await runJob(one, job, "a"), true);
  assert.equal(job.runs(), 1);
  const snapshots = await one.metrics.snapshot();
  const valuesOf = (name: string) => snapshots.find((metric) => metric.name === name)?.values ?? [];
  const runs = valuesOf(METRICS.jobRuns.name).map(({ labels, value }) => [labels.job, labels.result, value]);
  assert.deepEqual(runs, [
    [job.name, "failed", 1],
    [job.name, "done", 1],
  ]);
  assert.ok(valuesOf(METRICS.jobSeconds.name).some(({ labels, value }) => labels.job === job.name && value === 2));
});

test("jobs run at once, and stopping waits for the run that is under way", async () => {
  const { one } = await twoNodes();
  let isFinished = false;
  let begun: () => void = () => undefined;
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const job: Job = {
    name: `test-${hexId(random)}`,
    everySeconds: 60,
    run: async ({ database }) => {
      begun();
      await database.maintain((session) => session.query("SELECT 1"));
      isFinished = true;
    },
  };
  const runner = startJobs(one, [job]);
  await hasBegun;
  await runner.stop();
  assert.equal(isFinished, true);
});
