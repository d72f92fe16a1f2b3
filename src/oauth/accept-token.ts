import { findCauseOfDeath, USED_UP } from "../protocol/token-state.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/**
 * Why a token cannot be accepted at this moment; undefined when it is alive and, where it is bounded by uses, one was taken for this
 * (rule 17). Whoever only looks at a token calls `findCauseOfInactivity`.
 */
export async function findCauseToRefuse(services: Services, token: TokenFacts): Promise<string | undefined> {
  const now = tenantNow(services, token);
  const cause = findCauseOfDeath(token, now);
  if (cause !== undefined) return cause;
  if (token.usesLeft !== undefined && !(await services.takeUse(token))) return USED_UP;
  services.tokenUsage.used(token, now);
  return undefined;
}

/** Why a token is not active for those who are told of it without using it up; undefined when it is. */
export function findCauseOfInactivity(services: Services, token: TokenFacts): string | undefined {
  const now = tenantNow(services, token);
  const cause = findCauseOfDeath(token, now);
  if (cause === undefined) services.tokenUsage.used(token, now);
  return cause;
}
