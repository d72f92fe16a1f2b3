import { askedLanguage } from "../../http/visitor-language.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Language } from "../../protocol/language.ts";
import { accountPath } from "../../resources/account-path.ts";
import type { AccountPlace } from "./visit.ts";

/** The address of the page, in the language that was asked for where the person is now. */
export function accountAddress(
  { http, realm }: Pick<AccountPlace, "http" | "realm">,
  query: Readonly<Record<string, string>> = {},
): string {
  return accountAddressIn(realm, askedLanguage(http), query);
}

/**
 * The address of a realm's page.
 *
 * @param language undefined: the one that the browser prefers
 */
export function accountAddressIn(
  realm: RealmKey,
  language: Language | undefined,
  query: Readonly<Record<string, string>> = {},
): string {
  const members = new URLSearchParams({ ...query, ...(language !== undefined && { ui_locales: language }) });
  return members.size === 0 ? accountPath(realm) : `${accountPath(realm)}?${members}`;
}
