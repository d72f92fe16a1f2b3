import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { FIGURES, type Figure } from "../comparison.ts";
import { requestText } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import { type RunContext, runLoad, startSide, waitForRest } from "../run-context.ts";
import type { RunningSide } from "../side.ts";
import { median } from "../statistics.ts";

const CPU_RATIO_MAX = 1.15;
const WORKERS = [1, 2];

/** What a second process costs: CPU time a request over all processes of a node, every core free for both nodes. */
export const workers: CustomBenchmark = {
  name: "workers",
  isHeavy: false,
  steps: ({ rounds }) => rounds * WORKERS.length,
  async run(context) {
    const nodes: RunningSide[] = [];
    try {
      for (const count of WORKERS) {
        const environment = { MAYFLY_WORKERS: String(count) };
        nodes.push(await startSide("mayfly", context, { environment, isUnpinned: true }));
      }
      return describe(await measure(nodes, context));
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
};

/** One round: the node of one worker, and the node of two. */
type Round = LoadResult[];

async function measure(nodes: RunningSide[], context: RunContext): Promise<Round[]> {
  for (const node of nodes) await issueToken(node, "ES256");
  await waitForRest(context);
  const rounds: Round[] = [];
  for (let round = 0; round < context.settings.rounds; round += 1) {
    const results: Round = [];
    for (const [index, node] of nodes.entries()) {
      context.progress.step(`MAYFLY_WORKERS=${WORKERS[index]}, round ${round + 1}`);
      const source = { kind: "cycle" as const, requests: [requestText(node.issue("ES256"), node.port)] };
      results.push(await runLoad(node, { source, expectedText: '"access_token":"' }, context));
    }
    rounds.push(results);
  }
  return rounds;
}

function describe(rounds: Round[]): Row[] {
  const ratio = (figure: Figure) =>
    median(
      rounds.map(([one, two]) => (one === undefined || two === undefined ? Number.NaN : figure(two) / figure(one))),
    );
  const middle = (index: number, figure: Figure) =>
    median(rounds.flatMap((results) => (results[index] === undefined ? [] : [figure(results[index])]))).toFixed(0);
  const both = (figure: Figure) => `${middle(1, figure)} against ${middle(0, figure)}`;
  return [
    {
      label: "CPU a request of two workers against one, JWT ES256",
      value: ratio(FIGURES.cpuMicroseconds),
      unit: "x",
      target: { atMost: CPU_RATIO_MAX },
      note: `${both(FIGURES.cpuMicroseconds)} us`,
    },
    {
      label: "requests/s of two workers against one, JWT ES256",
      value: ratio(FIGURES.requestsPerSecond),
      unit: "x",
      note: `${both(FIGURES.requestsPerSecond)}/s; load and PostgreSQL have the same cores`,
    },
  ];
}
