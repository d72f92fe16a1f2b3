import type { Caller } from "../../http/caller.ts";
import { ManagementError } from "../../http/management-error.ts";
import { type Authority, covers, listLacking } from "../../protocol/authority.ts";

/** What a caller holds. */
export function authorityOf({ scopes, targetRealm }: Caller): Authority {
  return { scopes, reach: targetRealm };
}

/**
 * Refuses what would give the caller, or anybody through it, power that the caller lacks (rule 1): the affected authority, before and
 * after a change, has to be part of the caller's own.
 *
 * @throws ManagementError 403 that names what is lacking: whoever asks holds the scope that lets it be read
 */
export function demandCover(caller: Caller, affected: readonly Authority[]): void {
  const held = authorityOf(caller);
  const beyond = affected.filter((authority) => !covers(held, authority));
  if (beyond.length === 0) return;
  const lacking = [...new Set(beyond.flatMap((authority) => listLacking(held, authority)))].sort();
  const description =
    lacking.length > 0
      ? "this concerns somebody who holds a scope that the token lacks"
      : "this concerns somebody who reaches a realm that the token does not";
  const detail = { type: "ResourceInfo", resource_type: "Scope", id: lacking.join(" "), description } as const;
  throw new ManagementError("forbidden", "forbidden", { details: [detail] });
}
