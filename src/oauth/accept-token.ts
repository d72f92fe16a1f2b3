import { findCauseOfDeath } from "../protocol/token-state.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import type { Services } from "./services.ts";

/**
 * Why a token cannot be accepted at this moment; undefined when it is alive and, where it is bounded by uses, one was taken for this
 * (rule 17). Whoever only looks at a token calls `findCauseOfDeath`.
 */
export async function findCauseToRefuse(services: Services, token: TokenFacts): Promise<string | undefined> {
  const now = services.deps.clock.nowSeconds() + token.clockOffsetSeconds;
  const cause = findCauseOfDeath(token, now);
  if (cause !== undefined || token.usesLeft === undefined) return cause;
  return (await services.takeUse(token)) ? undefined : "used up";
}
