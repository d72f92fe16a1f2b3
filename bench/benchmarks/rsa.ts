import { fileURLToPath } from "node:url";
import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { runProgram, SERVER_CORE } from "../child-process.ts";
import { requestText } from "../http-request.ts";
import { CONNECTIONS, type RunContext, runLoad, startSide, waitForRest } from "../run-context.ts";
import type { RunningSide } from "../side.ts";
import { parseSigningResult, type SigningPlan } from "../signing-plan.ts";
import { median } from "../statistics.ts";

const PROGRAM = fileURLToPath(new URL("../signing.ts", import.meta.url));
const SECONDS = 1.5;
const STEPS_A_ROUND = 4;
const POOL_RATIO_MIN = 1.3;
const CORE_SHARE_MIN = 0.85;

type Round = { core: number; tokens: number; loop: number; service: number };

/** RS256 against what RSA itself allows: tokens of the whole server, and signatures alone with every core free. */
export const rsa: CustomBenchmark = {
  name: "rsa",
  isHeavy: false,
  steps: ({ rounds }) => rounds * STEPS_A_ROUND,
  async run(context) {
    const side = await startSide("mayfly", context);
    try {
      await issueToken(side, "RS256");
      await waitForRest(context);
      const rounds: Round[] = [];
      for (let round = 0; round < context.settings.rounds; round += 1) rounds.push(await runRound(side, context));
      return describe(rounds);
    } finally {
      await side.stop();
    }
  },
};

async function runRound(side: RunningSide, context: RunContext): Promise<Round> {
  const signatures = async (label: string, plan: Pick<SigningPlan, "way">, core?: number) => {
    context.progress.step(`RS256: ${label}`);
    const whole = { ...plan, concurrency: CONNECTIONS, seconds: SECONDS };
    const program = { args: [PROGRAM], input: JSON.stringify(whole), core, signal: context.signal };
    const printed = await runProgram(program);
    return parseSigningResult(printed).signaturesPerSecond;
  };
  const core = await signatures("one core alone", { way: "loop" }, SERVER_CORE);
  context.progress.step("RS256: tokens of the server on that core");
  const source = { kind: "cycle" as const, requests: [requestText(side.issue("RS256"), side.port)] };
  const { requests, seconds } = await runLoad(side, { source, expectedText: '"access_token":"' }, context);
  const loop = await signatures("on the event loop, every core free", { way: "loop" });
  const service = await signatures("as Mayfly signs, every core free", { way: "service" });
  return { core, tokens: requests / seconds, loop, service };
}

function describe(rounds: Round[]): Row[] {
  const middle = (figure: (round: Round) => number) => median(rounds.map(figure));
  const perSecond = (figure: (round: Round) => number) => middle(figure).toFixed(0);
  return [
    {
      label: "client credentials, JWT RS256: share of the core's RSA rate",
      value: middle((round) => round.tokens / round.core),
      unit: "x",
      target: { atLeast: CORE_SHARE_MIN },
      note: `${perSecond((round) => round.tokens)} tokens/s, ${perSecond((round) => round.core)} signatures/s`,
    },
    {
      label: "RS256 signatures as Mayfly makes them, every core free, against the event loop",
      value: middle((round) => round.service / round.loop),
      unit: "x",
      target: { atLeast: POOL_RATIO_MIN },
      note: `${perSecond((round) => round.service)} against ${perSecond((round) => round.loop)} signatures/s`,
    },
  ];
}
