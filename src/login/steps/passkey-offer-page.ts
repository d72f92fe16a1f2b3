import { PASSKEY_SCRIPT } from "../../http/browser-scripts.ts";
import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Texts } from "../../http/texts/index.ts";
import type { creationOptions } from "../../protocol/webauthn/options.ts";
import { creationFields } from "../passkey/creation-fields.ts";
import type { Visit } from "../visit.ts";
import { loginPage, openForm, problem } from "./login-page.ts";

/** What the page that offers a passkey shows. */
export interface Offer {
  /** undefined where none can be made any more */
  readonly creation: ReturnType<typeof creationOptions> | undefined;
  readonly problem?: keyof Texts["passkey"]["problem"] | undefined;
}

/** Asks whether the person wants a passkey for the next time. */
export function offerPage(visit: Visit, offer: Offer): Page {
  const { passkey } = visit.texts;
  return loginPage(visit, {
    status: offer.problem === undefined ? 200 : 400,
    title: passkey.offer.title,
    script: PASSKEY_SCRIPT,
    content: html`<h1>${passkey.offer.title}</h1>
<p>${passkey.offer.intro}</p>
${openForm(visit)}
${offer.problem && problem(passkey.problem[offer.problem])}
${creationFields(visit.texts, offer.creation)}
<div class="more"><button name="action" value="later">${passkey.offer.later}</button></div>
</form>`,
  });
}
