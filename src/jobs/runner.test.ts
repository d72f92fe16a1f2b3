import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import { readConfig } from "../config.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import type { Job, JobDeps } from "./job.ts";
import { runJob, secondsUntilNext, startJobs } from "./runner.ts";

const random = createRandom();
const NOW_MS = 1_800_000_000_000;

async function twoNodes(): Promise<{ one: JobDeps; other: JobDeps; pass: (ms: number) => void }> {
  const { database, secondNode } = await sharedDatabase();
  let nowMs = NOW_MS;
  const clock = { ...createClock(), nowMs: () => nowMs, nowSeconds: () => Math.floor(nowMs / 1_000) };
  const sealer = createSealer([random.bytes(32)], random);
  const mail = { send: () => Promise.reject(new Error("nobody mails here")), close: () => undefined };
  const world = { config: readConfig({}), mail, log: createLog("silent"), metrics: createMetrics(listMetrics()) };
  const others = { ...world, clock, random, sealer };
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

/** A job that runs until it is let go. */
function hanging(job: Job): { readonly job: Job; readonly hasBegun: Promise<void>; readonly finish: () => void } {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const run = (): Promise<void> => {
    begun.resolve();
    return end.promise;
  };
  return { job: { ...job, run }, hasBegun: begun.promise, finish: end.resolve };
}

/** Timers whose time comes when the test says so. */
function manualTimers() {
  const due: { readonly ms: number; readonly work: () => void }[] = [];
  return { due, timers: { nowMs: () => 0, after: (ms: number, work: () => void) => void due.push({ ms, work }) } };
}

test("a node that dies while it runs a job loses the lease after half a minute", async () => {
  const { one, other, pass } = await twoNodes();
  const job = counting();
  const long = hanging(job);
  const dead = runJob(one, long.job, "dead", manualTimers().timers);
  await long.hasBegun;
  pass(29_999);
  assert.equal(await runJob(other, job, "b"), "elsewhere");
  pass(1);
  assert.equal(await runJob(other, job, "b"), "done");
  assert.equal(job.runs(), 1);
  long.finish();
  await dead;
});

test("a node that runs a job for long keeps its lease", async () => {
  const { one, other, pass } = await twoNodes();
  const job = counting();
  const long = hanging(job);
  const { due, timers } = manualTimers();
  const running = runJob(one, long.job, "a", timers);
  await long.hasBegun;
  for (let turn = 0; turn < 10; turn += 1) {
    const next = due.shift();
    assert.ok(next !== undefined && next.ms < 30_000 / 2, "the lease is not renewed in time");
    pass(next.ms);
    next.work();
    while (due.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  pass(29_999);
  assert.equal(await runJob(other, job, "b"), "elsewhere");
  long.finish();
  assert.equal(await running, "done");
  assert.equal(await runJob(other, job, "b"), "done", "it was due again long ago");
});

test("after a run that failed no node tries at once", async () => {
  const { one, other, pass } = await twoNodes();
  const job = counting();
  await runJob(one, { ...job, run: () => Promise.reject(new Error("no")) }, "a");
  pass(59_999);
  assert.equal(await runJob(other, job, "b"), "elsewhere");
  pass(1);
  assert.equal(await runJob(other, job, "b"), "done");
});

test("a job's error is reported and the job runs again", async () => {
  const { one } = await twoNodes();
  const job = counting();
  const failing: Job = { ...job, run: () => Promise.reject(new Error("no")) };
  assert.equal(await runJob(one, failing, "a"), "failed");
  assert.equal(await runJob(one, job, "a"), "done");
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

test("a run that does not end holds its node up for ten seconds, and no longer", async (t) => {
  const { one } = await twoNodes();
  const long = hanging(counting());
  const lines: string[] = [];
  const log = createLog("warn", { write: (line) => void lines.push(line) });
  const runner = startJobs({ ...one, log }, [long.job]);
  await long.hasBegun;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isStopped = false;
  const stopped = runner.stop().then(() => {
    isStopped = true;
  });
  t.mock.timers.tick(9_999);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isStopped, false, "the run had less time than it should");
  t.mock.timers.tick(1);
  await stopped;
  assert.match(lines.join(""), new RegExp(long.job.name));
  t.mock.timers.reset();
  long.finish();
});

test("a job that failed is tried again soon, then ever later, and never later than a minute or its interval", () => {
  const after = (everySeconds: number, failures: number) => secondsUntilNext({ everySeconds }, "failed", failures);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 100].map((failures) => after(3_600, failures)),
    [5, 10, 20, 40, 60, 60],
  );
  assert.deepEqual([after(2, 1), after(30, 4)], [2, 30]);
  assert.equal(secondsUntilNext({ everySeconds: 3_600 }, "done", 0), 3_600);
  assert.equal(secondsUntilNext({ everySeconds: 3_600 }, "elsewhere", 0), 20);
});

test("a node's own job runs again after a failure, whatever its lease says to others", async () => {
  const { one, other } = await twoNodes();
  let runs = 0;
  const run = async (): Promise<void> => {
    runs += 1;
    if (runs === 1) throw new Error("the first run fails");
  };
  const job: Job = { name: `test-${hexId(random)}`, everySeconds: 60, run };
  assert.equal(await runJob(one, job, "a"), "failed");
  assert.equal(await runJob(other, job, "b"), "elsewhere");
  assert.equal(await runJob(one, job, "a"), "done");
});
