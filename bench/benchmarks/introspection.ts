import { issueToken } from "../access-token.ts";
import type { Benchmark } from "../benchmark.ts";
import { requestText, sendForObject } from "../http-request.ts";

/** How many different tokens are introspected in turn; the peer's memory store forgets the older of 1,000. */
const TOKENS = 256;

const baseline = { side: "peer-postgresql", format: "opaque" } as const;

/** Introspection by the token's own client. The peer cannot introspect its JWTs, so its opaque tokens are compared. */
export const introspection: Benchmark = {
  name: "introspection",
  cases: [
    {
      title: "introspection",
      contenders: [
        { side: "mayfly", format: "opaque" },
        { side: "mayfly", format: "ES256" },
        { side: "peer-memory", format: "opaque" },
        baseline,
      ],
      baseline,
      targetRatio: 4,
      async prepare(side, format) {
        const requests: string[] = [];
        for (let index = 0; index < TOKENS; index += 1) {
          const post = side.introspect(format, await issueToken(side, format));
          if (index === 0 && (await sendForObject(post, side.port)).active !== true) {
            throw new Error(`${side.name} says that a token it has just issued is not active`);
          }
          requests.push(requestText(post, side.port));
        }
        return () => ({ source: { kind: "cycle", requests }, expectedText: '"active":true' });
      },
    },
  ],
};
