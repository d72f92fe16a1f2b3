import { issueToken } from "../access-token.ts";
import type { Benchmark } from "../benchmark.ts";
import { requestText, sendForObject, sendRequest } from "../http-request.ts";
import { VALUE_MARKER } from "../request-template.ts";
import { type RunContext, runLoad, spendingLoad } from "../run-context.ts";
import type { RunningSide, TokenFormat } from "../side.ts";

const baseline = { side: "peer-postgresql", format: "opaque" } as const;

const TOKENS_PER_SECOND = 4000;
const ISSUE_SECONDS_MAX = 120;

/**
 * `/revoke` by the token's own client, each token once. The peer refuses to revoke JWTs, so its opaque tokens are compared; its
 * memory store would forget the tokens before they are revoked.
 */
export const revocation: Benchmark = {
  name: "revocation",
  cases: [
    {
      title: "revocation",
      contenders: [{ side: "mayfly", format: "opaque" }, { side: "mayfly", format: "ES256" }, baseline],
      baseline,
      targetRatio: 2.7,
      async prepare(side, format, context) {
        await expectRevoked(side, format);
        const template = requestText(side.revoke(format, VALUE_MARKER), side.port);
        return async () => {
          const values = await issueTokens(side, format, context);
          return spendingLoad({ template, values, expectedText: "" });
        };
      },
    },
  ],
};

/** An answer of 200 says nothing (RFC 7009 section 2.2): introspection must say that the token is gone. */
async function expectRevoked(side: RunningSide, format: TokenFormat): Promise<void> {
  const token = await issueToken(side, format);
  const isActive = async () => (await sendForObject(side.introspect(format, token), side.port)).active;
  if ((await isActive()) !== true) throw new Error(`${side.name} issued a token that is not active`);
  await sendRequest(side.revoke(format, token), side.port);
  if ((await isActive()) !== false) throw new Error(`${side.name} did not revoke a token`);
}

async function issueTokens(side: RunningSide, format: TokenFormat, context: RunContext): Promise<string[]> {
  const { values } = await runLoad(
    side,
    {
      source: { kind: "cycle", requests: [requestText(side.issue(format), side.port)] },
      expectedText: '"access_token":"',
      warmupSeconds: 0,
      seconds: ISSUE_SECONDS_MAX,
      requestsMax: TOKENS_PER_SECOND * context.settings.seconds,
      collect: { after: '"access_token":"', before: '"' },
    },
    context,
  );
  return values;
}
