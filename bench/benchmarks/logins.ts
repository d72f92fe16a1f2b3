import type { CustomBenchmark, Row } from "../benchmark.ts";
import { requestText } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import { enrol, type LoginPlace, logIn } from "../logins/people.ts";
import { startMayfly } from "../mayfly-server.ts";
import { type RunContext, runLoad, sideContext, waitForRest } from "../run-context.ts";
import { median } from "../statistics.ts";

const PEOPLE = 50;
const LOGINS = 1_000;
/** Logins under way at once. */
const LOGINS_AT_ONCE = 8;
/** Token requests a second beside them: far below what the server can, so that what they wait for is the logins. */
const TOKENS_PER_SECOND = 200;
const TOKEN_CONNECTIONS = 64;
const MARGIN_SECONDS = 1;

/** A thousand logins by passkey with real keys and signatures, while tokens are issued; and what these wait for it (issue 5). */
export const logins: CustomBenchmark = {
  name: "logins",
  isHeavy: false,
  steps: ({ rounds }) => 1 + 2 * rounds,
  async run(context) {
    const server = await startMayfly(sideContext(context, "logins"));
    try {
      context.progress.step(`logins: ${PEOPLE} people make a passkey`);
      const place = await enrol(server, PEOPLE);
      for (const passkey of place.passkeys.slice(0, LOGINS_AT_ONCE)) await logIn(server, passkey);
      await waitForRest(context);
      return await measure(place, context);
    } finally {
      await server.stop();
    }
  },
};

async function measure(place: LoginPlace, context: RunContext): Promise<Row[]> {
  const calm: LoadResult[] = [];
  const beside: LoadResult[] = [];
  const runs: LoginRun[] = [];
  for (let round = 1; round <= context.settings.rounds; round += 1) {
    context.progress.step(`logins: tokens alone, round ${round}`);
    calm.push(await issueTokens(place, context, context.settings.seconds));
    context.progress.step(`logins: ${LOGINS} logins beside them, round ${round}`);
    // The load is as long as the logins were the last time, and is measured while they run.
    const seconds = Math.max(
      context.settings.seconds,
      (runs.at(-1)?.seconds ?? context.settings.seconds) - MARGIN_SECONDS,
    );
    const [run, tokens] = await Promise.all([logInAll(place, context.signal), issueTokens(place, context, seconds)]);
    runs.push(run);
    beside.push(tokens);
  }
  const of = (pick: (run: LoginRun) => number): number => median(runs.map(pick));
  const p99 = (results: LoadResult[]): number => median(results.map(({ p99Milliseconds }) => p99Milliseconds));
  return [
    {
      label: `logins by passkey that failed, of ${LOGINS}`,
      value: of(({ failed }) => failed),
      unit: "logins",
      target: { atMost: 0 },
    },
    {
      label: `logins by passkey, ${LOGINS_AT_ONCE} at once, beside ${TOKENS_PER_SECOND} tokens a second`,
      value: of(({ failed, seconds }) => (LOGINS - failed) / seconds),
      unit: "logins/s",
      note: "each six requests: authorize, page, passkey, answer, redirect, exchange; the browsers' work in the same process as the client's",
    },
    {
      label: "p99 of a login, from /authorize to its tokens",
      value: of(({ p99Milliseconds }) => p99Milliseconds),
      unit: "ms",
      note: `median ${of(({ p50Milliseconds }) => p50Milliseconds).toFixed(1)} ms`,
    },
    {
      label: "p99 of a token request beside the logins, for that alone",
      value: p99(beside) / p99(calm),
      unit: "x",
      note: `${p99(beside).toFixed(1)} ms for ${p99(calm).toFixed(1)} ms`,
    },
  ];
}

function issueTokens({ server }: LoginPlace, context: RunContext, seconds: number): Promise<LoadResult> {
  return runLoad(
    server,
    {
      source: { kind: "cycle", requests: [requestText(server.issue("ES256"), server.port)] },
      expectedText: '"access_token":"',
      connections: TOKEN_CONNECTIONS,
      ratePerSecond: TOKENS_PER_SECOND,
      warmupSeconds: MARGIN_SECONDS,
      seconds,
    },
    context,
  );
}

interface LoginRun {
  readonly seconds: number;
  readonly failed: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

async function logInAll({ server, passkeys }: LoginPlace, signal: AbortSignal): Promise<LoginRun> {
  const taken: number[] = [];
  let left = LOGINS;
  const startedAt = performance.now();
  // A passkey is one device: its logins follow one another, and those of others run beside them.
  const lane = async (own: typeof passkeys): Promise<void> => {
    while (left > 0) {
      for (const passkey of own) {
        if (left <= 0) return;
        left -= 1;
        signal.throwIfAborted();
        const begunAt = performance.now();
        try {
          await logIn(server, passkey);
          taken.push(performance.now() - begunAt);
        } catch (error) {
          process.stderr.write(`a login failed: ${error instanceof Error ? error.message : error}\n`);
        }
      }
    }
  };
  const lanes = Array.from({ length: LOGINS_AT_ONCE }, (_, index) =>
    lane(passkeys.filter((_passkey, number) => number % LOGINS_AT_ONCE === index)),
  );
  await Promise.all(lanes);
  const sorted = taken.sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const seconds = (performance.now() - startedAt) / 1_000;
  return { seconds, failed: LOGINS - taken.length, p50Milliseconds: at(0.5), p99Milliseconds: at(0.99) };
}
