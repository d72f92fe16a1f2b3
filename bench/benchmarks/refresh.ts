import type { Benchmark } from "../benchmark.ts";
import { requestText, sendForObject } from "../http-request.ts";
import { VALUE_MARKER } from "../request-template.ts";
import { CONNECTIONS } from "../run-context.ts";
import type { RunningSide } from "../side.ts";
import { exchangeCode, expectTokens } from "./exchange.ts";

const format = "ES256";
const baseline = { side: "peer-postgresql", format } as const;

/** `/token` by a refresh token that is spent and replaced: each connection is a family and goes on with the last answer's token. */
export const refresh: Benchmark = {
  name: "refresh",
  cases: [
    {
      title: "refresh with rotation, JWT ES256 with ID token",
      contenders: [{ side: "mayfly", format }, { side: "peer-memory", format }, baseline],
      baseline,
      targetRatio: 4,
      async prepare(side) {
        await expectRotation(side);
        const template = requestText(side.refresh(VALUE_MARKER), side.port);
        const next = { after: '"refresh_token":"', before: '"' };
        return async () => {
          const values: string[] = [];
          while (values.length < CONNECTIONS) values.push(await exchangeCode(side));
          return { source: { kind: "chain", template, values, next }, expectedText: '"id_token":"' };
        };
      },
    },
  ],
};

async function expectRotation(side: RunningSide): Promise<void> {
  const first = await exchangeCode(side);
  const second = expectTokens(side, await sendForObject(side.refresh(first), side.port));
  if (second === first) throw new Error(`${side.name} did not rotate the refresh token`);
}
