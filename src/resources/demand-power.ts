import type { RealmKey } from "../protocol/client-metadata.ts";
import { type PowerHolders, readPowerOf } from "./authority/queries.ts";
import { demandCover } from "./authority/rules.ts";
import type { Call } from "./call.ts";

/** Whom a change concerns. */
export interface ConcernedPeople extends PowerHolders {
  /** the scopes of a role of the built-in resource server after the change */
  readonly scopesAfter?: readonly string[] | undefined;
}

/**
 * Rule 1: what people hold whom a change concerns, and what they come to hold by it, is part of what the caller holds.
 *
 * @throws ManagementError 403 otherwise
 */
export async function demandPowerOver(
  { caller, db }: Pick<Call<unknown, unknown>, "caller" | "db">,
  realm: RealmKey,
  { scopesAfter = [], ...holders }: ConcernedPeople,
): Promise<void> {
  const power = await readPowerOf(db, realm, holders);
  if (power !== undefined) demandCover(caller, [power, { scopes: new Set(scopesAfter), reach: power.reach }]);
}
