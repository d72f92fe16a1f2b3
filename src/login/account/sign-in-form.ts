import { type Html, html } from "../../http/html.ts";
import { askedLanguage } from "../../http/visitor-language.ts";
import { accountLoginPath } from "../../resources/account-path.ts";
import { BY_PASSKEY } from "./begin-login.ts";
import type { AccountPlace } from "./visit.ts";

/** What leads to a login. */
export interface SignInForm {
  readonly label: string;
  /** whether it is all that there is to do on the page */
  readonly isMain: boolean;
  /** whether only a passkey is enough */
  readonly byPasskey: boolean;
}

/** Leads to a login that ends at the page; nothing where nobody can log in on our pages. */
export function signInForm(place: AccountPlace, { label, isMain, byPasskey }: SignInForm): Html | undefined {
  if (place.methods.length === 0) return undefined;
  const language = askedLanguage(place.http);
  return html`<form method="get" action="${accountLoginPath(place.realm)}">
${language && html`<input type="hidden" name="ui_locales" value="${language}">`}${
  byPasskey ? html`<input type="hidden" name="${BY_PASSKEY.name}" value="${BY_PASSKEY.value}">` : undefined
}
<button class="${isMain ? "main" : "other"}">${label}</button>
</form>`;
}
