import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { FIGURES, type Figure } from "../comparison.ts";
import { columnsOf, withOwner } from "../crowd/rows.ts";
import { requestText, sendForObject } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import type { BenchApplication } from "../mayfly-declaration.ts";
import { type ApiClient, createApiClient, type RunningMayfly, startMayfly } from "../mayfly-server.ts";
import { type Load, type RunContext, type RunSettings, runLoad, sideContext, waitForRest } from "../run-context.ts";
import { median } from "../statistics.ts";

const TOKENS_FULL = 100_000;
const TOKENS = 10_000;
const SECONDS_MIN = 5;
const SECONDS_MIN_FULL = 20;
/** After the warm-up, within the measured time. */
const REVOKE_AFTER_MS = 1_500;
const ASK_EVERY_MS = 250;
const WAIT_MS_MAX = 120_000;
const P99_RATIO_MAX = 1.25;

type Round = { calm: LoadResult; beside: LoadResult; seconds: number };

/** Tokens of one application revoked at once, beside token requests of another: the load's p99 against that without it (issue 6). */
export const many: CustomBenchmark = {
  name: "many",
  isHeavy: true,
  steps: ({ rounds }) => rounds * 3,
  async run(context) {
    const server = await startMayfly(sideContext(context, "many"));
    try {
      const bearer = String((await sendForObject(server.manage(), server.port)).access_token);
      const parts = { server, context, bearer, call: createApiClient(server.port, bearer) };
      const rounds: Round[] = [];
      for (let round = 0; round < context.settings.rounds; round += 1) rounds.push(await runRound(parts, round));
      return describe(rounds, context.settings);
    } finally {
      await server.stop();
    }
  },
};

type Parts = { server: RunningMayfly; context: RunContext; call: ApiClient; bearer: string };

async function runRound(parts: Parts, round: number): Promise<Round> {
  const { server, context } = parts;
  const count = tokensOf(context.settings);
  const doomed = applicationOf(server);
  context.progress.step(`many: making ${count} tokens, round ${round + 1}`);
  await makeTokens(server, doomed, count);
  await waitForRest(context);
  const load = loadOf(server, context.settings);
  const calm = () => {
    context.progress.step(`many: load without it, round ${round + 1}`);
    return runLoad(server, load, context);
  };
  const before = round % 2 === 0 ? await calm() : undefined;
  context.progress.step(`many: load with it, round ${round + 1}`);
  const [beside, seconds] = await Promise.all([runLoad(server, load, context), revokeLater(parts, doomed, count)]);
  if (beside.errors > 0) throw new Error(`${beside.errors} requests failed, the first: ${beside.firstError}`);
  return { calm: before ?? (await calm()), beside, seconds };
}

function loadOf(server: RunningMayfly, { seconds, isFull }: RunSettings): Load {
  const source = { kind: "cycle" as const, requests: [requestText(server.issue("opaque"), server.port)] };
  return { source, expectedText: "access_token", seconds: Math.max(isFull ? SECONDS_MIN_FULL : SECONDS_MIN, seconds) };
}

function applicationOf({ services }: RunningMayfly): BenchApplication {
  const application = services.find(({ format }) => format === "ES256");
  if (application === undefined) throw new Error("no application for ES256");
  return application;
}

/** Copies of a token that the server has just issued, in its partition. */
async function makeTokens(server: RunningMayfly, { applicationId }: BenchApplication, count: number): Promise<void> {
  await issueToken(server, "ES256");
  await withOwner(server.database.superuserUrl, async (session) => {
    const columns = await columnsOf(session, "tokens");
    const id =
      "substring(t.id FROM 1 FOR 6) || substring(decode(md5(n::text), 'hex') FROM 1 FOR 10) || substring(t.id FROM 17)";
    const values = columns.map((name) => (name === "id" ? id : `t.${name}`));
    await session.query(
      `INSERT INTO tokens (${columns.join(", ")}) SELECT ${values.join(", ")}
       FROM (SELECT * FROM tokens WHERE tenant_id = $1 AND application_id = $2 ORDER BY id DESC LIMIT 1) t
       CROSS JOIN generate_series(1, $3::integer) n`,
      [server.tenantId, applicationId, count],
    );
    await session.query("CHECKPOINT");
  });
}

/** Revokes all tokens of the application, and waits for the row of each. Returns how many seconds that took. */
async function revokeLater({ server, call, bearer }: Parts, doomed: BenchApplication, count: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, REVOKE_AFTER_MS));
  const path = `/v1/tenants/${server.tenantId}/realms/${doomed.realmId}/token-revocations`;
  const filter = { application_id: doomed.applicationId };
  const startedAt = performance.now();
  const { id } = await call("POST", path, { token_revocation: { filter } });
  while (performance.now() - startedAt < WAIT_MS_MAX) {
    const { receipt } = await sendForObject({ path: `${path}/${String(id)}`, bearer }, server.port);
    if (changedOf(receipt) >= count) return (performance.now() - startedAt) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new Error(`${count} tokens were not revoked within ${WAIT_MS_MAX} ms`);
}

function changedOf(receipt: unknown): number {
  const isThere = typeof receipt === "object" && receipt !== null && "changed" in receipt;
  return isThere ? Number(receipt.changed) : 0;
}

function tokensOf({ isFull }: RunSettings): number {
  return isFull ? TOKENS_FULL : TOKENS;
}

function describe(rounds: Round[], settings: RunSettings): Row[] {
  const ratio = (figure: Figure) => median(rounds.map(({ calm, beside }) => figure(beside) / figure(calm)));
  const label = `token requests while ${tokensOf(settings).toLocaleString("en-US")} tokens are revoked at once`;
  const seconds = median(rounds.map((round) => round.seconds)).toFixed(1);
  const calmP99 = median(rounds.map(({ calm }) => FIGURES.p99Milliseconds(calm))).toFixed(1);
  return [
    {
      label,
      value: ratio(FIGURES.p99Milliseconds),
      unit: "x p99",
      target: { atMost: P99_RATIO_MAX },
      note: `p99 ${calmP99} ms without; the rows in ${seconds} s, all dead at once`,
    },
    { label, value: ratio(FIGURES.requestsPerSecond), unit: "x requests/s" },
  ];
}
