import { type Html, html } from "../http/html.ts";
import { textsIn } from "../http/texts/index.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import type { Language } from "../protocol/language.ts";
import { accountPathIn } from "./account-path.ts";

/** Leads from the last line of a page to the person's own account. */
export function accountLink(realm: RealmKey, language: Language): Html {
  return html`<p class="back"><a href="${accountPathIn(realm, language)}">${textsIn(language).account.title}</a></p>`;
}
