import type { Caller } from "../../http/caller.ts";
import { ManagementError } from "../../http/management-error.ts";
import { type Authority, covers, listLacking, NO_AUTHORITY } from "../../protocol/authority.ts";
import type { Application } from "../application/queries.ts";
import type { ApplicationSettings } from "../application/schema.ts";
import type { SecretRules } from "../application-place/queries.ts";

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

/** What an application gets by exchange (`may_be_exchanged_by`): as much as those may do whose tokens it may exchange. */
export function listExchangeable(
  { exchangeable }: Pick<SecretRules, "exchangeable">,
  applicationId: string | undefined,
): Authority[] {
  const listing = exchangeable.filter(({ by }) => applicationId !== undefined && by.includes(applicationId));
  return listing.map(({ authority }) => authority);
}

/** What a stored application may do through the management API, by its own tokens and by those that it may exchange. */
export function authoritiesOf({ key, settings }: Application, rules: SecretRules): readonly Authority[] {
  const { resource_server_id: id } = settings;
  const isManaged = id !== undefined && id === rules.managedServerId;
  return [authorityOfApplication(settings, isManaged), ...listExchangeable(rules, key.applicationId)];
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
