import type { Benchmark, BenchmarkCase } from "../benchmark.ts";
import { type BenchRequest, requestText, sendForObject } from "../http-request.ts";
import type { RunningSide } from "../side.ts";

const format = "ES256";
const baseline = { side: "peer-postgresql", format } as const;

/** What clients read before they ask for anything; neither side needs its database for it. */
export const metadata: Benchmark = {
  name: "metadata",
  cases: [
    metadataCase("discovery", (side) => side.discovery(), "token_endpoint"),
    metadataCase("JWKS", (side) => side.jwks(format), "keys"),
  ],
};

function metadataCase(title: string, requestOf: (side: RunningSide) => BenchRequest, member: string): BenchmarkCase {
  return {
    title,
    contenders: [{ side: "mayfly", format }, baseline],
    baseline,
    targetRatio: 4,
    async prepare(side) {
      const request = requestOf(side);
      const answer = await sendForObject(request, side.port);
      if (answer[member] === undefined) throw new Error(`${side.name} answered ${title} without ${member}`);
      const requests = [requestText(request, side.port)];
      return () => ({ source: { kind: "cycle", requests }, expectedText: `"${member}":` });
    },
  };
}
