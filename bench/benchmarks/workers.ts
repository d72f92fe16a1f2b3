import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { FIGURES, type Figure, medianRatio } from "../comparison.ts";
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
      const [one = [], two = []] = await measure(nodes, context);
      return describe(one, two);
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
};

/** Returns the results of each node, round by round. */
async function measure(nodes: RunningSide[], context: RunContext): Promise<LoadResult[][]> {
  for (const node of nodes) await issueToken(node, "ES256");
  await waitForRest(context);
  const results: LoadResult[][] = nodes.map(() => []);
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const [index, node] of nodes.entries()) {
      context.progress.step(`MAYFLY_WORKERS=${WORKERS[index]}, round ${round + 1}`);
      const source = { kind: "cycle" as const, requests: [requestText(node.issue("ES256"), node.port)] };
      results[index]?.push(await runLoad(node, { source, expectedText: '"access_token":"' }, context));
    }
  }
  return results;
}

function describe(one: LoadResult[], two: LoadResult[]): Row[] {
  const ratio = (figure: Figure) => medianRatio(two, one, figure);
  const middle = (node: LoadResult[], figure: Figure) => median(node.map(figure)).toFixed(0);
  const both = (figure: Figure) => `${middle(two, figure)} against ${middle(one, figure)}`;
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
