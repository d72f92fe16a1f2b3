import { type RealmKey, realmPath } from "../protocol/client-metadata.ts";
import type { Language } from "../protocol/language.ts";

/** Where people look after their own account in a realm. */
export function accountPath(realm: RealmKey): string {
  return `/authenticator${realmPath(realm)}/account`;
}

/**
 * The same with a query.
 *
 * @param language undefined: the one that the browser prefers
 */
export function accountPathIn(
  realm: RealmKey,
  language: Language | undefined,
  query: Readonly<Record<string, string>> = {},
): string {
  const members = new URLSearchParams({ ...query, ...(language !== undefined && { ui_locales: language }) });
  return members.size === 0 ? accountPath(realm) : `${accountPath(realm)}?${members}`;
}

/** Where a login to that page begins. */
export function accountLoginPath(realm: RealmKey): string {
  return `${accountPath(realm)}/login`;
}
