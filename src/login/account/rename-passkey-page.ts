import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Credential } from "../../resources/credential/queries.ts";
import { PASSKEY_NAME_MAX } from "../passkey/passkey-name.ts";
import { accountAddress } from "./address.ts";
import { openForm } from "./form.ts";
import type { AccountVisit } from "./visit.ts";

const REFUSED_STATUS = 400;

/**
 * Asks what a passkey is to be called.
 *
 * @param refused what was typed and is no name
 */
export function renamePasskeyPage(visit: AccountVisit, { key, displayName }: Credential, refused?: string): Page {
  const { rename } = visit.texts.account.passkeys;
  const isWrong = refused !== undefined;
  return {
    ...visit.surroundings,
    status: isWrong ? REFUSED_STATUS : 200,
    title: `${rename.title} · ${visit.realmName}`,
    content: html`<h1>${rename.title}</h1>
<p>${rename.intro}</p>
${openForm(visit)}
<input type="hidden" name="credential_id" value="${key.credentialId}">
${isWrong ? html`<p class="wrong" id="problem" role="alert">${rename.wrong(PASSKEY_NAME_MAX)}</p>` : undefined}
<label for="name">${rename.label}</label>
<input id="name" name="name" type="text" maxlength="${PASSKEY_NAME_MAX}" autocomplete="off" required autofocus value="${
      refused ?? displayName
    }"${isWrong ? html` aria-invalid="true" aria-describedby="problem"` : undefined}>
<button class="main" name="action" value="name_passkey">${rename.save}</button>
</form>
<p class="back"><a href="${accountAddress(visit)}">${visit.texts.account.passkeys.add.back}</a></p>`,
  };
}
