import { MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import type { Call, ManagementClient } from "./management-client.ts";
import { RefusedRequest } from "./token-client.ts";

/**
 * Asks with one scope, and where that is refused again with all that the profile may have: who ends a token of somebody with power has to
 * hold as much (rule 1). Most have none, and then a command's token is good for nothing else.
 *
 * @param ask throws RefusedRequest where it is refused
 */
export async function askWithPower<T>(scope: string, ask: (scopes: readonly string[]) => Promise<T>): Promise<T> {
  try {
    return await ask([scope]);
  } catch (error) {
    if (!(error instanceof RefusedRequest) || error.status !== 403) throw error;
    return ask(MANAGEMENT_SCOPES);
  }
}

/** Calls a route that needs a scope, and power besides where it concerns somebody who has some. Throws CliError. */
export function callWithPower(
  client: ManagementClient,
  { scope, ...call }: Omit<Call, "scopes"> & { readonly scope: string },
): Promise<unknown> {
  return askWithPower(scope, (scopes) => client.call({ ...call, scopes }));
}
