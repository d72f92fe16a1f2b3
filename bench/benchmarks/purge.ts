import { dropForgotten } from "../../src/database/partitions.ts";
import { openPostgresql } from "../../src/database/postgresql.ts";
import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { FIGURES, type Figure } from "../comparison.ts";
import { makeExpired } from "../crowd/expired.ts";
import { findToken, withOwner } from "../crowd/rows.ts";
import { requestText } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import { type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type Load, type RunContext, type RunSettings, runLoad, sideContext, waitForRest } from "../run-context.ts";
import { BENCH_SCOPE } from "../side.ts";
import { median } from "../statistics.ts";

const PARTITIONS = 4;
const ROWS_EACH_FULL = 250_000;
const ROWS_EACH = 50_000;
const SECONDS_MIN = 5;
/** After the warm-up, within the measured time. */
const PURGE_AFTER_MS = 2_000;
const INTROSPECTED = 64;
const CPU_RATIO_MAX = 1.05;
const P99_RATIO_MAX = 1.25;
const FOR_EVER_MS = 86_400_000;

type Round = { calm: LoadResult; purged: LoadResult; purgeMs: number };

/**
 * Issue and introspection in turn, while partitions with a million expired tokens are detached and dropped by the function that the
 * server's job calls, against the same load without it (settled 8).
 */
export const purge: CustomBenchmark = {
  name: "purge",
  isHeavy: true,
  steps: ({ rounds }) => rounds * 3,
  async run(context) {
    const server = await startMayfly(sideContext(context, "purge"));
    try {
      await waitForRest(context);
      await holdPartitionJob(server);
      const load = await prepare(server, context.settings);
      const rounds: Round[] = [];
      for (let round = 0; round < context.settings.rounds; round += 1) {
        rounds.push(await runRound({ server, load, context }, round));
      }
      return describe(rounds, context.settings);
    } finally {
      await server.stop();
    }
  },
};

/** What is to be dropped must not go before its time: the server's own job does not get its lease. */
async function holdPartitionJob({ database }: RunningMayfly): Promise<void> {
  await withOwner(database.superuserUrl, (session) =>
    session.query("UPDATE leases SET holder = 'bench', until_ms = $1 WHERE name = 'token-partitions'", [
      Date.now() + FOR_EVER_MS,
    ]),
  );
}

async function prepare(server: RunningMayfly, { seconds }: RunSettings): Promise<Load> {
  const issue = requestText(server.issue("opaque"), server.port);
  const requests: string[] = [];
  for (let index = 0; index < INTROSPECTED; index += 1) {
    const token = await issueToken(server, "opaque");
    requests.push(issue, requestText(server.introspect("opaque", token), server.port));
  }
  const source = { kind: "cycle" as const, requests };
  return { source, expectedText: `"scope":"${BENCH_SCOPE}"`, seconds: Math.max(SECONDS_MIN, seconds) };
}

type Parts = { server: RunningMayfly; load: Load; context: RunContext };

async function runRound({ server, load, context }: Parts, round: number): Promise<Round> {
  const rowsEach = rowsEachOf(context.settings);
  context.progress.step(`purge: making ${PARTITIONS * rowsEach} expired tokens, round ${round + 1}`);
  await withOwner(server.database.superuserUrl, async (session) => {
    const application = server.services.find(({ format }) => format === "opaque");
    const from = await findToken(session, {
      tenantId: server.tenantId,
      applicationId: application?.applicationId ?? "",
    });
    await makeExpired(session, from, { partitions: PARTITIONS, rowsEach });
    await session.query("CHECKPOINT");
  });
  await waitForRest(context);
  const calm = () => {
    context.progress.step(`purge: load without it, round ${round + 1}`);
    return runLoad(server, load, context);
  };
  const before = round % 2 === 0 ? await calm() : undefined;
  context.progress.step(`purge: load with it, round ${round + 1}`);
  const [purged, purgeMs] = await Promise.all([runLoad(server, load, context), purgeLater(server)]);
  if (purged.errors > 0) throw new Error(`${purged.errors} requests failed, the first: ${purged.firstError}`);
  return { calm: before ?? (await calm()), purged, purgeMs };
}

async function purgeLater({ database: { url } }: RunningMayfly): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, PURGE_AFTER_MS));
  const database = openPostgresql({ url, poolSize: 1 });
  try {
    const startedAt = performance.now();
    let left = PARTITIONS;
    // As the job: what somebody reads for too long is left to the next run.
    for (let run = 0; run < PARTITIONS && left > 0; run += 1) {
      left -= (await dropForgotten(database, Math.floor(Date.now() / 1_000))).length;
    }
    if (left > 0) throw new Error(`${left} partitions could not be dropped`);
    return performance.now() - startedAt;
  } finally {
    await database.close();
  }
}

function rowsEachOf({ isFull }: RunSettings): number {
  return isFull ? ROWS_EACH_FULL : ROWS_EACH;
}

function describe(rounds: Round[], settings: RunSettings): Row[] {
  const ratio = (figure: Figure) => median(rounds.map(({ calm, purged }) => figure(purged) / figure(calm)));
  const label = `${(PARTITIONS * rowsEachOf(settings)).toLocaleString("en-US")} expired tokens purged under load`;
  const note = `purged in ${median(rounds.map(({ purgeMs }) => purgeMs)).toFixed(0)} ms; ${median(rounds.map(({ calm }) => FIGURES.requestsPerSecond(calm))).toFixed(0)} requests/s without`;
  return [
    {
      label,
      value: ratio(FIGURES.cpuMicroseconds),
      unit: "x CPU/request",
      target: { atMost: CPU_RATIO_MAX },
      note: `of the database ${ratio(FIGURES.databaseCpuMicroseconds).toFixed(2)}x; ${note}`,
    },
    { label, value: ratio(FIGURES.p99Milliseconds), unit: "x p99", target: { atMost: P99_RATIO_MAX } },
  ];
}
