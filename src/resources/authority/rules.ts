import type { Caller } from "../../http/caller.ts";
import { ManagementError } from "../../http/management-error.ts";
import { type Authority, covers, listLacking, NO_AUTHORITY } from "../../protocol/authority.ts";
import type { ApplicationSettings } from "../application/schema.ts";

/** What a caller holds. */
export function authorityOf({ scopes, targetRealm }: Caller): Authority {
  return { scopes, reach: targetRealm };
}

/**
 * What an application may do through the management API: its scopes, where its resource server is the built-in one.
 *
 * @param isManaged whether the resource server that the settings name is that
 */
export function authorityOfApplication(
  { protocol_config, target_realm }: Pick<ApplicationSettings, "protocol_config" | "target_realm">,
  isManaged: boolean,
): Authority {
  return isManaged ? { scopes: new Set(protocol_config.allowed_scopes), reach: target_realm } : NO_AUTHORITY;
}

/** Whether a caller holds all that somebody holds, without the refusal: for what is left out of an answer (rule 1). */
export function isCovered(caller: Caller, affected: Authority): boolean {
  return covers(authorityOf(caller), affected);
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
