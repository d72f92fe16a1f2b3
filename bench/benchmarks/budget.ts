import { fileURLToPath } from "node:url";
import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { type BudgetPlan, type Cost, parseCosts } from "../budget/plan.ts";
import { runProgram, SERVER_CORE } from "../child-process.ts";
import { FIGURES } from "../comparison.ts";
import { requestText } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import type { BenchApplication } from "../mayfly-declaration.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type RunContext, runLoad, sideContext, waitForRest } from "../run-context.ts";
import { median } from "../statistics.ts";

const PROGRAM = fileURLToPath(new URL("../budget/program.ts", import.meta.url));
const SECONDS_A_LINE = 0.4;
const METRICS_SECONDS_MAX = 5;
const BATCH_SIZE_MAX = 64;

/**
 * What each feature costs a token request by client credentials with an ES256 JWT (settled 19): measured alone, by the functions
 * that the server calls, as microseconds and as a share of the whole request under load.
 */
export const budget: CustomBenchmark = {
  name: "budget",
  isHeavy: false,
  steps: ({ rounds }) => rounds + 1,
  async run(context) {
    const server = await startMayfly(sideContext(context, "budget"));
    try {
      await waitForRest(context);
      const loads = await loadServer(server, context);
      context.progress.step("budget: each feature alone");
      const program = {
        args: [PROGRAM],
        input: JSON.stringify(await planFor(server, context)),
        core: SERVER_CORE,
        signal: context.signal,
      };
      return describe(loads, parseCosts(await runProgram(program)));
    } finally {
      await server.stop();
    }
  },
};

async function loadServer(server: RunningMayfly, context: RunContext): Promise<LoadResult[]> {
  await issueToken(server, "ES256");
  const source = { kind: "cycle" as const, requests: [requestText(server.issue("ES256"), server.port)] };
  const loads: LoadResult[] = [];
  for (let round = 0; round < context.settings.rounds; round += 1) {
    context.progress.step(`budget: the whole request, round ${round + 1}`);
    loads.push(await runLoad(server, { source, expectedText: '"access_token":"' }, context));
  }
  return loads;
}

async function planFor(server: RunningMayfly, context: RunContext): Promise<BudgetPlan> {
  const { tenantId, database, login } = server;
  const application = server.services.find(({ format }) => format === "ES256");
  if (application === undefined) throw new Error("no application issues ES256");
  const named = ({ realmId, applicationId, resourceServerId, identityId }: BenchApplication) => ({
    ...{ tenantId, realmId, applicationId, resourceServerId, identityId },
  });
  return {
    databaseUrl: database.url,
    superuserUrl: database.superuserUrl,
    ...(context.database.pid === undefined ? {} : { databasePid: context.database.pid }),
    batchSize: await meanBatchSize(server.operationsPort),
    application: named(application),
    login: named(login),
    seconds: SECONDS_A_LINE,
    rounds: context.settings.rounds,
  };
}

/** How many token requests shared an insert, by the server's own metrics. */
async function meanBatchSize(operationsPort: number): Promise<number> {
  const signal = AbortSignal.timeout(METRICS_SECONDS_MAX * 1000);
  const text = await (await fetch(`http://127.0.0.1:${operationsPort}/metrics`, { signal })).text();
  const read = (part: string) =>
    Number(new RegExp(`^mayfly_batch_size_${part}\\{batch="insert"\\} (\\S+)$`, "m").exec(text)?.[1]);
  const mean = Math.round(read("sum") / read("count"));
  if (!Number.isInteger(mean)) throw new Error("the metrics tell no size of insert batches");
  return Math.min(BATCH_SIZE_MAX, Math.max(1, mean));
}

function describe(loads: LoadResult[], costs: Cost[]): Row[] {
  const server = median(loads.map(FIGURES.cpuMicroseconds));
  const database = median(loads.map(FIGURES.databaseCpuMicroseconds));
  const whole = server + (Number.isNaN(database) ? 0 : database);
  const row = (label: string, own: Pick<Cost, "server" | "database" | "means">): Row => {
    const value = own.server + (own.database ?? 0);
    const share = ((100 * value) / whole).toFixed(1);
    const parts = `Mayfly ${own.server.toFixed(1)}, PostgreSQL ${own.database?.toFixed(1) ?? "-"}`;
    return { label, value, unit: "us", note: `${share} %; ${parts}; ${own.means}` };
  };
  const paid = costs.filter((cost) => cost.isPaid);
  const rest = {
    server: paid.reduce((left, cost) => left - cost.server, server),
    database: paid.reduce((left, cost) => left - (cost.database ?? 0), database),
  };
  return [
    row("the whole request, JWT ES256", { server, database, means: "under load, 64 connections" }),
    ...costs.map((cost) => row(cost.feature, cost)),
    row("the rest", { ...rest, means: "HTTP, routing, parsing, JSON, commits, and what the lines above miss" }),
  ];
}
