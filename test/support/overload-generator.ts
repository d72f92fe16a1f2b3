/**
 * Offers the loads of a plan (overload.ts) that it reads from standard input, and prints what became of them. A program of its own,
 * so that when it sends depends on nothing but its clock.
 */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { latencyHistogram } from "../../bench/latency-histogram.ts";
import { type Answer, type LoadConnection, openLoadConnection } from "../../bench/load-connection.ts";
import { rssBytesOf } from "../../bench/process-usage.ts";
import { findBetween } from "../../bench/request-source.ts";
import { type OverloadPhase, type OverloadPlan, type PhaseResult, parseOverloadPlan } from "./overload.ts";

const PACE_MS = 1;
/** What could not be sent so long after it was due is not sent any more: it would measure the generator. */
const LAG_MS_MAX = 20;
/** So long a request waits for a free connection; more would measure the number of connections. */
const PATIENCE_MS = 2;
const RSS_EVERY_MS = 250;
/** Where a first phase brought nothing. */
const RATE_MIN = 1;
const DRAIN_MS_MAX = 10_000;
const TOKENS_MAX = 200_000;
const FAILURE_TEXT_MAX = 500;
const OPENED_AT_ONCE = 64;

const TOKEN_PLACE = { after: '"access_token":"', before: '"' };
/** What every refusal has (specification section 1). */
const REFUSAL_PARTS = ["\r\nretry-after: ", "\r\nx-trace-id: ", '{"error":"temporarily_unavailable"'].map((part) =>
  Buffer.from(part),
);

/** A connection, and what it was sent last. */
interface Member {
  connection: LoadConnection;
  dueAt: number;
  tally: Tally;
}

type Tally = ReturnType<typeof createTally>;

const plan = parseOverloadPlan(await text(process.stdin));
process.stdout.write(`${JSON.stringify(await offer(plan))}\n`, () => process.exit(0));

async function offer(plan: OverloadPlan): Promise<PhaseResult[]> {
  const request = Buffer.from(plan.request, "latin1");
  const tallies = plan.phases.map(createTally);
  const [first] = tallies;
  if (first === undefined) throw new Error("there is no phase");
  const idle: Member[] = [];
  let phase: Phase | undefined;
  let inFlight = 0;

  const send = (member: Member, dueAt: number, tally: Tally): void => {
    member.dueAt = dueAt;
    member.tally = tally;
    inFlight += 1;
    tally.sent(performance.now() - dueAt);
    member.connection.send(request);
  };
  const answered = (member: Member, answer: Answer): void => {
    inFlight -= 1;
    member.tally.answered(answer, member.dueAt);
    if ("failure" in answer) return;
    idle.push(member);
    phase?.pump();
  };
  await openAll(plan, { idle, answered, tally: first });

  for (const [index, tally] of tallies.entries()) {
    const settings = plan.phases[index];
    if (settings === undefined) continue;
    const { timesCapacity } = settings;
    const rate = timesCapacity === undefined ? 0 : Math.max(RATE_MIN, timesCapacity * first.acceptedPerSecond());
    const ways = { idle, send, tally };
    tally.start(rate);
    phase = rate > 0 ? openLoop(rate, ways) : closedLoop(settings.closedLoop ?? 1, ways);
    await run(phase, { seconds: settings.seconds, watch: () => tally.watch(rssBytesOf(plan.serverPid)) });
    phase = undefined;
    tally.stop();
  }
  for (const endAt = performance.now() + DRAIN_MS_MAX; inFlight > 0 && performance.now() < endAt; ) await sleep(10);
  return tallies.map((tally) => tally.total());
}

async function run(phase: Phase, { seconds, watch }: { seconds: number; watch: () => void }): Promise<void> {
  phase.pump();
  const pacers = [setInterval(phase.pump, PACE_MS), setInterval(watch, RSS_EVERY_MS)];
  await sleep(seconds * 1_000);
  for (const pacer of pacers) clearInterval(pacer);
}

/** Opens the connections, not too many at once for a server's backlog. */
async function openAll(
  plan: OverloadPlan,
  { idle, answered, tally }: { idle: Member[]; answered: (member: Member, answer: Answer) => void; tally: Tally },
): Promise<void> {
  while (idle.length < plan.connections) {
    const count = Math.min(OPENED_AT_ONCE, plan.connections - idle.length);
    const opening = Array.from({ length: count }, async () => {
      const connection: LoadConnection = await openLoadConnection(plan, (answer) => answered(member, answer));
      const member: Member = { connection, dueAt: 0, tally };
      return member;
    });
    idle.push(...(await Promise.all(opening)));
  }
}

interface Phase {
  /** Sends what is to be sent now. */
  pump(): void;
}

interface Ways {
  readonly idle: Member[];
  readonly send: (member: Member, dueAt: number, tally: Tally) => void;
  readonly tally: Tally;
}

function openLoop(ratePerSecond: number, { idle, send, tally }: Ways): Phase {
  const startedAt = performance.now();
  const intervalMs = 1_000 / ratePerSecond;
  let taken = 0;
  let wasFull = false;
  const dueNext = () => startedAt + taken * intervalMs;
  return {
    pump: () => {
      const now = performance.now();
      const oldestDueAt = now - (wasFull ? PATIENCE_MS : LAG_MS_MAX);
      for (let dueAt = dueNext(); dueAt <= now; dueAt = dueNext()) {
        if (dueAt < oldestDueAt) tally.missed(wasFull);
        else {
          const member = idle.pop();
          if (member === undefined) break;
          send(member, dueAt, tally);
        }
        taken += 1;
      }
      wasFull = idle.length === 0;
    },
  };
}

function closedLoop(connections: number, { idle, send, tally }: Ways): Phase {
  return {
    pump: () => {
      while (tally.inFlight() < connections) {
        const member = idle.pop();
        if (member === undefined) return;
        send(member, performance.now(), tally);
      }
    },
  };
}

function createTally({ name, collects = false }: OverloadPhase) {
  const answers = createAnswers(collects);
  const lags = latencyHistogram();
  const rssBytes: number[] = [];
  const missed = { bySlowness: 0, byConnections: 0 };
  const times = { startedAt: 0, seconds: 0, rate: 0, cpu: process.cpuUsage(), utilisation: 0, acceptedInTime: 0 };
  let sent = 0;
  return {
    start: (rate: number) => {
      times.startedAt = performance.now();
      times.rate = rate;
      times.cpu = process.cpuUsage();
    },
    stop: () => {
      const { user, system } = process.cpuUsage(times.cpu);
      times.seconds = (performance.now() - times.startedAt) / 1_000;
      times.utilisation = (user + system) / 1e6 / times.seconds;
      times.acceptedInTime = answers.counts().accepted;
    },
    watch: (bytes: number | undefined) => {
      if (bytes !== undefined) rssBytes.push(bytes);
    },
    sent: (lagMs: number) => {
      sent += 1;
      lags.record(lagMs);
    },
    missed: (wasFull: boolean) => {
      missed[wasFull ? "byConnections" : "bySlowness"] += 1;
    },
    inFlight: () => sent - answers.counts().all,
    acceptedPerSecond: () => times.acceptedInTime / times.seconds,
    answered: (answer: Answer, dueAt: number) =>
      answers.add(answer, dueAt - times.startedAt, performance.now() - dueAt),
    total: (): PhaseResult => ({
      name,
      seconds: times.seconds,
      duePerSecond: times.rate,
      sentPerSecond: sent / times.seconds,
      missedBySlowness: missed.bySlowness,
      missedByConnections: missed.byConnections,
      lagP99Ms: lags.quantile(0.99),
      rssBytes,
      generatorUtilisation: times.utilisation,
      ...answers.total(sent),
    }),
  };
}

/** What became of a phase's requests; times in milliseconds. */
function createAnswers(collects: boolean) {
  const accepted = latencyHistogram();
  const refused = latencyHistogram();
  const bySecond: number[][] = [];
  const tokens: string[] = [];
  const texts: { firstFailure?: string; refusal?: string } = {};
  let failed = 0;
  let lastRefusedMs = 0;

  function accept(dueMs: number, tookMs: number, token: string): void {
    accepted.record(tookMs);
    const second = Math.floor(dueMs / 1_000);
    bySecond[second] ??= [];
    bySecond[second].push(tookMs);
    if (collects && tokens.length < TOKENS_MAX) tokens.push(token);
  }
  function refuse(dueMs: number, tookMs: number, text: Buffer): void {
    refused.record(tookMs);
    lastRefusedMs = Math.max(lastRefusedMs, dueMs);
    texts.refusal ??= text.toString("latin1");
  }
  return {
    add: (answer: Answer, dueMs: number, tookMs: number): void => {
      const bytes = "failure" in answer ? Buffer.from(answer.failure) : answer.bytes;
      const status = "failure" in answer ? 0 : answer.status;
      const token = status === 200 ? findBetween(bytes, TOKEN_PLACE) : undefined;
      if (token !== undefined) accept(dueMs, tookMs, token);
      else if (status === 503 && REFUSAL_PARTS.every((part) => bytes.includes(part))) refuse(dueMs, tookMs, bytes);
      else {
        failed += 1;
        texts.firstFailure ??= bytes.toString("latin1", 0, FAILURE_TEXT_MAX);
      }
    },
    counts: () => ({ accepted: accepted.count(), all: accepted.count() + refused.count() + failed }),
    total: (sent: number) => ({
      accepted: accepted.count(),
      refused: refused.count(),
      // Who was not answered at all failed, too.
      failed: sent - accepted.count() - refused.count(),
      acceptedP50Ms: accepted.quantile(0.5),
      acceptedP99Ms: accepted.quantile(0.99),
      acceptedP99MsBySecond: Array.from(bySecond, (one = []) => quantileOf(one, 0.99)),
      refusedP99Ms: refused.quantile(0.99),
      lastRefusedMs,
      ...texts,
      tokens,
    }),
  };
}

function quantileOf(values: readonly number[], part: number): number {
  const ascending = values.toSorted((one, other) => one - other);
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))] ?? Number.MAX_SAFE_INTEGER;
}
