import { issueToken } from "../access-token.ts";
import type { Benchmark, BenchmarkCase } from "../benchmark.ts";
import { requestText } from "../http-request.ts";
import type { TokenFormat } from "../side.ts";

const TITLES: Record<TokenFormat, string> = {
  opaque: "client credentials, opaque",
  ES256: "client credentials, JWT ES256",
  RS256: "client credentials, JWT RS256",
};
const TARGETS: Record<TokenFormat, number> = { opaque: 3, ES256: 2.5, RS256: 1.4 };

/** `/token` by client credentials, in each format. The peer records its opaque tokens only, Mayfly all of them. */
export const issue: Benchmark = {
  name: "issue",
  cases: [issueCase("opaque"), issueCase("ES256"), issueCase("RS256")],
};

function issueCase(format: TokenFormat): BenchmarkCase {
  const baseline = { side: "peer-postgresql", format } as const;
  return {
    title: TITLES[format],
    contenders: [{ side: "mayfly", format }, { side: "peer-memory", format }, baseline],
    baseline,
    targetRatio: TARGETS[format],
    async prepare(side) {
      await issueToken(side, format);
      const requests = [requestText(side.issue(format), side.port)];
      return () => ({ source: { kind: "cycle", requests }, expectedText: '"access_token":"' });
    },
  };
}
