import { expectFormat } from "../access-token.ts";
import type { Benchmark } from "../benchmark.ts";
import { requestText, sendForObject } from "../http-request.ts";
import { VALUE_MARKER } from "../request-template.ts";
import { spendingLoad } from "../run-context.ts";
import type { RunningSide } from "../side.ts";

const format = "ES256";
const baseline = { side: "peer-postgresql", format } as const;

/** More than either side can exchange, and less than a round's codes may cost to make. */
const CODES_PER_SECOND = 3000;

/**
 * `/token` by a code, PKCE S256, once each, for an access token, an ID token and a refresh token. The peer's memory store would
 * forget the codes before they are exchanged.
 */
export const exchange: Benchmark = {
  name: "exchange",
  cases: [
    {
      title: "authorization code exchange, JWT ES256 with ID token",
      contenders: [{ side: "mayfly", format }, baseline],
      baseline,
      targetRatio: 3,
      async prepare(side, _format, { settings }) {
        await exchangeCode(side);
        const template = requestText(side.exchange(VALUE_MARKER), side.port);
        return async () => {
          const values = await side.makeCodes(CODES_PER_SECOND * settings.seconds);
          return spendingLoad({ template, values, expectedText: '"id_token":"' });
        };
      },
    },
  ],
};

/** Exchanges one code and returns the refresh token; throws unless the answer holds all that is to be measured. */
export async function exchangeCode(side: RunningSide): Promise<string> {
  const [code] = await side.makeCodes(1);
  if (code === undefined) throw new Error(`${side.name} made no code`);
  return expectTokens(side, await sendForObject(side.exchange(code), side.port));
}

/** Checks an answer of `/token` after a login and returns its refresh token. */
export function expectTokens(side: RunningSide, answer: Record<string, unknown>): string {
  expectFormat(`${side.name}'s access token`, answer.access_token, format);
  expectFormat(`${side.name}'s ID token`, answer.id_token, format);
  return expectFormat(`${side.name}'s refresh token`, answer.refresh_token, "opaque");
}
