import { setImmediate as nextTurn } from "node:timers/promises";
import { createBatchMeter, createDatabaseMeter } from "../../src/database/meter.ts";
import { openPostgresql } from "../../src/database/postgresql.ts";
import { newTraceId } from "../../src/http/trace-id.ts";
import { generateSigningKey, readPrivateKey, signBytes } from "../../src/keys/algorithms.ts";
import { createTokenMeter } from "../../src/oauth/token-meter.ts";
import { createClock } from "../../src/platform/clock.ts";
import { createLog } from "../../src/platform/log.ts";
import { listMetrics } from "../../src/platform/metric-table.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { createRandom } from "../../src/platform/random.ts";
import { quotasOf } from "../../src/protocol/live-count.ts";
import { createLiveCountRecorder } from "../../src/resources/live-count/recorder.ts";
import { type CountedToken, createTokenUsageRecorder } from "../../src/resources/token-usage/recorder.ts";
import { BENCH_SCOPE } from "../side.ts";
import { grantedLifetime } from "./lifetime.ts";
import { difference, measure, measureInTurn, sum, type Work } from "./measure.ts";
import { observedRequest } from "./observed-request.ts";
import type { BudgetPlan, Cost } from "./plan.ts";

/** So many calls between two looks at the clock. */
const CALLS = 200;
const JWT_BYTES = Buffer.alloc(700, "x");

const clock = createClock();
const random = createRandom();
const metrics = createMetrics(listMetrics());

/** Trace ids, the request log, metrics, quotas and the count of uses, by the functions that the server calls; the signature for comparison. */
export async function requestCosts(plan: BudgetPlan): Promise<Cost[]> {
  const { seconds, rounds } = plan;
  const of =
    <T>(work: Work<T>) =>
    () =>
      measure(work, { seconds, rounds, databasePid: undefined });
  const [quiet, logging] = [await observedRequest("silent", metrics), await observedRequest("info", metrics)];
  const key = readPrivateKey((await generateSigningKey("ES256")).privateKey);
  const [limits, usage] = [limitsOf(plan), usageOf(plan)];
  const cpu = await measureInTurn(
    {
      trace: of(repeated(() => Buffer.from(newTraceId(clock, random).toString("hex"), "hex"))),
      quiet: of(repeated(quiet)),
      logging: of(repeated(logging)),
      cells: of(repeated(meterRequest(plan.batchSize))),
      limits: of(limits.work),
      usage: of(usage.work),
      signature: of(repeated(() => signBytes("ES256", key, JWT_BYTES))),
    },
    rounds,
  );
  await Promise.all([limits.close(), usage.close()]);
  return [
    { feature: "trace", ...cpu.trace, means: "a trace id, written for the answer and read for the handler" },
    {
      feature: "log",
      ...difference(cpu.logging, cpu.quiet),
      means: "a line a request, level info against silent; the benchmarks log errors only",
    },
    {
      feature: "metrics",
      ...sum(cpu.quiet, cpu.cells),
      means: `the hooks of every request, and the cells of tokens, batches of ${plan.batchSize} and statements`,
    },
    { feature: "limits", ...cpu.limits, means: "quotas: the check in memory, and the count of what was issued" },
    { feature: "usage", ...cpu.usage, means: "a lifetime counted at the issue; an introspection counts an age" },
    { feature: "ES256 signature", ...cpu.signature, means: "of 700 bytes" },
  ].map(({ feature, server, means }) => ({ feature, server, means, isPaid: feature !== "log" }));
}

function repeated(call: () => unknown): Work<undefined> {
  return {
    prepare: () => undefined,
    run: async () => {
      for (let count = 0; count < CALLS; count += 1) call();
      await nextTurn(); // what is written behind the caller's back belongs to it, too
    },
    calls: CALLS,
  };
}

/** What a token request counts besides itself: its token, two batches and their statements, its share of each. */
function meterRequest(batchSize: number): () => void {
  const tokens = createTokenMeter(metrics);
  const batches = [createBatchMeter({ metrics }, "client"), createBatchMeter({ metrics }, "insert")];
  const database = createDatabaseMeter({ metrics }, clock);
  const lifetime = grantedLifetime(clock.nowSeconds());
  let calls = 0;
  return () => {
    tokens.request()(undefined);
    tokens.issued("client_credentials", "self_contained", lifetime);
    for (const batch of batches) batch.waited(1);
    calls += 1;
    if (calls % batchSize !== 0) return;
    for (const batch of batches) {
      batch.sent(batchSize);
      void database.connection(nothing);
      void database.statement("token.insert", nothing);
      batch.settled();
    }
  };
}

async function nothing(): Promise<void> {
  // what is measured is all that happens
}

/** Quotas as `quotas.ts` asks for them; the recorder writes its counts to the database as in the server. */
function limitsOf(plan: BudgetPlan): { work: Work<undefined>; close(): Promise<void> } {
  const database = openPostgresql({ url: plan.databaseUrl, poolSize: 2 });
  const recorder = createLiveCountRecorder({ database, clock, log: createLog("error") }, "token");
  const wanted = { quotas: quotasOf(undefined, undefined), mayUseReserve: false, clockOffsetSeconds: 0 };
  const { tenantId, realmId, applicationId } = plan.application;
  const key = { tenantId, realmId, applicationId };
  return {
    work: {
      prepare: () => undefined,
      run: async () => {
        for (let count = 0; count < CALLS; count += 1) {
          await recorder.findRefusal(key, wanted);
          const now = clock.nowSeconds();
          recorder.add(key, [{ issuedAt: now, endsAt: now + 3600 }]);
        }
      },
      calls: CALLS,
    },
    close: async () => {
      await recorder.flush();
      await database.close();
    },
  };
}

/** What is counted for right-sizing, of tokens as rows bring them: no name of theirs was looked up before. */
function usageOf(plan: BudgetPlan): { work: Work<readonly CountedToken[]>; close(): Promise<void> } {
  const database = openPostgresql({ url: plan.databaseUrl, poolSize: 2 });
  const recorder = createTokenUsageRecorder({ database, log: createLog("error") });
  const { tenantId, realmId, applicationId } = plan.application;
  const issuedAt = clock.nowSeconds();
  const text = JSON.stringify({ tenantId, realmId, applicationId, scope: BENCH_SCOPE, issuedAt });
  return {
    work: {
      prepare: () => Array.from({ length: CALLS }, () => ({ ...JSON.parse(text) })),
      run: (tokens) => {
        for (const [age, token] of tokens.entries()) recorder.used(token, issuedAt + age);
      },
      calls: CALLS,
    },
    close: async () => {
      await recorder.flush();
      await database.close();
    },
  };
}
