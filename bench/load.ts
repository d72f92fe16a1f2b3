/**
 * A closed-loop load generator, a process of its own: each connection sends its next request when the answer to the
 * last one is there. Reads a plan (load-plan.ts) from standard input, prints a result as one JSON line. Plain sockets,
 * because an HTTP client in Node would need more CPU than the servers it measures.
 */
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { findResponseEnd } from "./http-response.ts";
import { latencyHistogram } from "./latency-histogram.ts";
import { type LoadPlan, type LoadResult, parseLoadPlan } from "./load-plan.ts";
import { cpuSecondsOf, rssBytesOf } from "./process-usage.ts";

const READ_BUFFER_BYTES = 16 * 1024;
const DRAIN_SECONDS_MAX = 10;
const ERROR_TEXT_MAX = 300;
const LOOPBACK = new Set(["127.0.0.1", "::1"]);

const plan = parseLoadPlan(await text(process.stdin));
if (!LOOPBACK.has(plan.host)) throw new Error("the load generator talks to loopback addresses only");
process.stdout.write(`${JSON.stringify(await load(plan))}\n`);
process.exit(0);

/** What all connections share. */
type Run = {
  plan: LoadPlan;
  requests: Buffer[];
  expected: Buffer;
  next: number;
  sent: number;
  stopped: boolean;
  inFlight: number;
  /** Called for each answer; `failure` is what was wrong with it. */
  answered(milliseconds: number, failure: string | undefined): void;
};

async function load(plan: LoadPlan): Promise<LoadResult> {
  let histogram = latencyHistogram();
  let errors = 0;
  let firstError: string | undefined;
  const run: Run = {
    plan,
    requests: plan.requests.map((request) => Buffer.from(request, "latin1")),
    expected: Buffer.from(plan.expectedText),
    next: 0,
    sent: 0,
    stopped: false,
    inFlight: 0,
    answered(milliseconds, failure) {
      if (failure === undefined) return histogram.record(milliseconds);
      errors += 1;
      firstError ??= failure.slice(0, ERROR_TEXT_MAX);
    },
  };
  const sockets = await Promise.all(Array.from({ length: plan.connections }, () => openConnection(run)));
  await sleepOrLimit(run, plan.warmupSeconds);
  histogram = latencyHistogram();
  const before = sample(plan.serverPid);
  await sleepOrLimit(run, plan.seconds);
  const after = sample(plan.serverPid);
  const measured = histogram;
  histogram = latencyHistogram();
  run.stopped = true;
  await drain(run);
  errors += run.inFlight;
  for (const socket of sockets) socket.destroy();
  return {
    requests: measured.count(),
    errors,
    ...(firstError === undefined ? {} : { firstError }),
    p50Milliseconds: measured.quantile(0.5),
    p99Milliseconds: measured.quantile(0.99),
    ...difference(before, after),
  };
}

type Sample = { milliseconds: number; serverCpu: number | undefined; rss: number | undefined; own: number };

function sample(serverPid: number): Sample {
  const own = process.cpuUsage();
  return {
    milliseconds: performance.now(),
    serverCpu: cpuSecondsOf(serverPid),
    rss: rssBytesOf(serverPid),
    own: (own.user + own.system) / 1e6,
  };
}

function difference(before: Sample, after: Sample) {
  const seconds = (after.milliseconds - before.milliseconds) / 1000;
  const cpu =
    after.serverCpu === undefined || before.serverCpu === undefined ? undefined : after.serverCpu - before.serverCpu;
  return {
    seconds,
    ...(cpu === undefined ? {} : { serverCpuSeconds: cpu }),
    ...(after.rss === undefined ? {} : { serverRssBytes: after.rss }),
    generatorUtilisation: (after.own - before.own) / seconds,
  };
}

/** Waits for a time, or less when the plan's number of requests has been sent. */
function sleepOrLimit(run: Run, seconds: number): Promise<void> {
  return pollUntil(() => run.sent >= run.plan.requestsMax, seconds);
}

/** Lets the requests in flight be answered, for a bounded time. */
function drain(run: Run): Promise<void> {
  return pollUntil(() => run.inFlight === 0, DRAIN_SECONDS_MAX);
}

function pollUntil(done: () => boolean, secondsMax: number): Promise<void> {
  const end = performance.now() + secondsMax * 1000;
  return new Promise((resolve) => {
    const step = () => {
      const left = end - performance.now();
      if (left <= 0 || done()) return resolve();
      setTimeout(step, Math.min(left, 20));
    };
    step();
  });
}

function openConnection(run: Run): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let pending: Buffer | undefined;
    let sentAt = 0;
    let opened = false;
    const socket = connect({
      host: run.plan.host,
      port: run.plan.port,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES), callback: received },
    });
    socket.once("connect", () => {
      opened = true;
      resolve(socket);
      send();
    });
    socket.once("error", (error) => (opened ? undefined : reject(error)));
    // A server that closes a connection under load is at fault: the connection ends there and counts once.
    socket.once("close", () => {
      if (!opened || sentAt === 0) return;
      run.inFlight -= 1;
      run.answered(0, "the connection was closed before the answer");
    });

    function send(): void {
      if (run.stopped || run.sent >= run.plan.requestsMax) return;
      const request = run.requests[run.next];
      if (request === undefined) return;
      run.next = (run.next + 1) % run.requests.length;
      run.sent += 1;
      run.inFlight += 1;
      sentAt = performance.now();
      socket.write(request);
    }

    function received(size: number, buffer: Uint8Array): boolean {
      const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, size);
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      const response = findResponseEnd(bytes);
      if (response === undefined) {
        pending = pending === undefined ? Buffer.from(chunk) : bytes;
        return true;
      }
      pending = undefined;
      const milliseconds = performance.now() - sentAt;
      sentAt = 0;
      run.inFlight -= 1;
      const good = response.status === 200 && bytes.includes(run.expected);
      run.answered(milliseconds, good ? undefined : bytes.toString("latin1"));
      send();
      return true;
    }
  });
}
