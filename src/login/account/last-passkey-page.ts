import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Credential } from "../../resources/credential/queries.ts";
import { accountAddress } from "./address.ts";
import { openForm } from "./form.ts";
import type { AccountVisit } from "./visit.ts";

/** Says what it means to have no passkey any more, before the last one is removed. */
export function lastPasskeyPage(visit: AccountVisit, { key, displayName }: Credential): Page {
  const { last } = visit.texts.account.passkeys;
  return {
    ...visit.surroundings,
    status: 200,
    title: last.title,
    content: html`<h1>${last.title}</h1>
<p>${last.meaning(displayName, visit.realmName)}</p>
${openForm(visit)}
<input type="hidden" name="credential_id" value="${key.credentialId}">
<input type="hidden" name="last" value="yes">
<button class="main" name="action" value="remove_passkey">${last.remove}</button>
</form>
<p class="back"><a href="${accountAddress(visit)}">${last.keep}</a></p>`,
  };
}
