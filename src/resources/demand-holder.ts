import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { findApplication } from "./application/queries.ts";
import { readSecretRulesOf } from "./application-place/queries.ts";
import { authoritiesOf, demandCover } from "./authority/rules.ts";
import type { Call } from "./call.ts";
import { demandPowerOver } from "./demand-power.ts";

/** Whose a token is. */
export interface TokenHolder extends ApplicationKey {
  /** undefined where it is of its client alone */
  readonly identityId: string | undefined;
}

/**
 * Rule 1: who ends a token could do all that the person may do whose it is, or without one its client.
 *
 * @throws ManagementError 403 otherwise
 */
export async function demandHolder(
  { db, caller }: Pick<Call<unknown, unknown>, "db" | "caller">,
  { identityId, ...key }: TokenHolder,
): Promise<void> {
  if (identityId !== undefined) return demandPowerOver({ db, caller }, key, { identityIds: [identityId] });
  const [application, rules] = await Promise.all([findApplication(db, key), readSecretRulesOf(db, key)]);
  demandCover(caller, application === undefined ? [] : authoritiesOf(application, rules));
}
