/**
 * The load generator, a process of its own: reads a plan (load-plan.ts) from standard input, sends it to a server on
 * loopback and prints a result as one JSON line.
 */
import { text } from "node:stream/consumers";
import { latencyHistogram } from "./latency-histogram.ts";
import { type LoadPlan, type LoadResult, parseLoadPlan } from "./load-plan.ts";
import { type Outcome, startLoadRun } from "./load-run.ts";
import { cpuSecondsOf, rssBytesOf } from "./process-usage.ts";

const DRAIN_SECONDS_MAX = 10;
const ERROR_TEXT_MAX = 300;
const LOOPBACK = new Set(["127.0.0.1", "::1"]);

const plan = parseLoadPlan(await text(process.stdin));
if (!LOOPBACK.has(plan.host)) throw new Error("the load generator talks to loopback addresses only");
// What collects tokens prints more than a pipe holds: exit only when it is written.
process.stdout.write(`${JSON.stringify(await load(plan))}\n`, () => process.exit(0));

async function load(plan: LoadPlan): Promise<LoadResult> {
  const tally = createTally();
  const run = await startLoadRun(plan, tally.record);
  await run.wait(plan.warmupSeconds, plan.warmupRequestsMax);
  const before = sample(plan);
  tally.measure();
  await run.wait(plan.seconds, plan.requestsMax);
  const measured = tally.stop();
  const after = sample(plan);
  const unanswered = await run.drain(DRAIN_SECONDS_MAX);
  const { errors, firstError, values } = tally.total();
  return {
    ...measured,
    errors: errors + unanswered,
    ...(firstError === undefined ? {} : { firstError }),
    ...difference(before, after),
    values,
  };
}

/** Counts outcomes: all of them, and those of the measured time. */
function createTally() {
  let histogram = latencyHistogram();
  let statuses = new Map<string, number>();
  let errors = 0;
  let firstError: string | undefined;
  const values: string[] = [];
  const reset = () => {
    histogram = latencyHistogram();
    statuses = new Map();
  };
  return {
    record({ milliseconds, status, failure, value }: Outcome) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (value !== undefined) values.push(value);
      if (failure === undefined) return histogram.record(milliseconds);
      errors += 1;
      firstError ??= failure.slice(0, ERROR_TEXT_MAX);
    },
    measure: reset,
    stop() {
      const result = {
        requests: histogram.count(),
        statuses: Object.fromEntries(statuses),
        p50Milliseconds: histogram.quantile(0.5),
        p99Milliseconds: histogram.quantile(0.99),
      };
      reset();
      return result;
    },
    total: () => ({ errors, firstError, values }),
  };
}

type Sample = {
  milliseconds: number;
  serverCpu: number | undefined;
  databaseCpu: number | undefined;
  rss: number | undefined;
  own: number;
};

function sample({ serverPid, databasePid }: LoadPlan): Sample {
  const own = process.cpuUsage();
  return {
    milliseconds: performance.now(),
    serverCpu: cpuSecondsOf(serverPid),
    databaseCpu: databasePid === undefined ? undefined : cpuSecondsOf(databasePid),
    rss: rssBytesOf(serverPid),
    own: (own.user + own.system) / 1e6,
  };
}

function difference(before: Sample, after: Sample) {
  const seconds = (after.milliseconds - before.milliseconds) / 1000;
  const serverCpuSeconds = subtract(after.serverCpu, before.serverCpu);
  const databaseCpuSeconds = subtract(after.databaseCpu, before.databaseCpu);
  return {
    seconds,
    ...(serverCpuSeconds === undefined ? {} : { serverCpuSeconds }),
    ...(databaseCpuSeconds === undefined ? {} : { databaseCpuSeconds }),
    ...(after.rss === undefined ? {} : { serverRssBytes: after.rss }),
    generatorUtilisation: (after.own - before.own) / seconds,
  };
}

function subtract(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}
