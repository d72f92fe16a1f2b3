import { askedLanguage } from "../../http/visitor-language.ts";
import { accountPathIn } from "../../resources/account-path.ts";
import type { AccountPlace } from "./visit.ts";

/** The address of the page, in the language that was asked for where the person is now. */
export function accountAddress(
  { http, realm }: Pick<AccountPlace, "http" | "realm">,
  query: Readonly<Record<string, string>> = {},
): string {
  return accountPathIn(realm, askedLanguage(http), query);
}
