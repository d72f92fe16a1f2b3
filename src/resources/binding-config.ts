import { fieldViolations } from "../http/management-error.ts";
import { holdBindingConfig } from "./binding-place/queries.ts";
import { realmOf } from "./call.ts";
import type { BindingTarget } from "./credential-binding-job/schema.ts";
import type { WriteCall } from "./operations.ts";

/**
 * Keeps the authenticator config that a link is to lead to until the transaction ends, where one is named. Throws 400 where there is
 * none.
 *
 * @param path of the body's member that names it
 */
export async function demandBindingConfig(
  call: WriteCall<unknown, unknown>,
  { authenticator_config_id: authenticatorConfigId }: BindingTarget,
  path: string,
): Promise<void> {
  if (authenticatorConfigId === undefined) return;
  if (await holdBindingConfig(call.db, { ...realmOf(call), authenticatorConfigId })) return;
  const field = `${path}.authenticator_config_id`;
  throw fieldViolations([{ field, description: "is no authenticator config of the realm" }]);
}
