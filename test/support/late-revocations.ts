import { tokenRevocationsJob } from "../../src/jobs/token-revocations.ts";
import { LATE_MS } from "../../src/resources/token-revocation/rules.ts";
import type { TestServer } from "./test-server.ts";

/** Ends many tokens at once as somebody does who waited until no request can be under way any more. */
export async function endTokensLate({ deps }: Pick<TestServer, "deps">): Promise<void> {
  const { clock } = deps;
  await tokenRevocationsJob.run({ ...deps, clock: { ...clock, nowMs: () => clock.nowMs() + LATE_MS } });
}
