import { PASSKEY_SCRIPT } from "../../http/browser-scripts.ts";
import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Texts } from "../../http/texts/index.ts";
import { requestOptions } from "../../protocol/webauthn/options.ts";
import { passkeyPlaceOf } from "../passkey/place.ts";
import type { Visit } from "../visit.ts";
import { cancelButton, describedBy, loginPage, openForm, problem } from "./login-page.ts";

const REFUSED_STATUS = 400;

/** What the first page of a login shows besides its ways in. */
export interface SignIn {
  readonly typed: string | undefined;
  readonly problem?: "address" | "passkey";
}

/** The first page of a login: every way in that the application allows. */
export function signInPage(visit: Visit, shown: SignIn): Page {
  const { texts, stored } = visit;
  const byMail = visit.methods.some(({ type }) => type === "email_one_time_password");
  const place = passkeyPlaceOf(visit);
  const options =
    place && stored.challenge ? requestOptions(place.relyingParty, place.policy, stored.challenge) : undefined;
  return loginPage(visit, {
    status: shown.problem === undefined ? 200 : REFUSED_STATUS,
    title: texts.login.address.title,
    script: options && PASSKEY_SCRIPT,
    content: html`<h1>${texts.login.address.title}</h1>
${introduce(texts, { byMail, byPasskey: options !== undefined })}
${openForm(visit)}
${stored.earlierYes && html`<p class="done" role="status">${texts.login.address.again}</p>`}${problemOf(texts, shown.problem)}${byMail ? mailFields(texts, shown) : undefined}${
  options && passkeyFields(texts, JSON.stringify(options), byMail)
}
${cancelButton(visit)}
</form>`,
  });
}

function introduce(
  { login, passkey }: Texts,
  { byMail, byPasskey }: { readonly byMail: boolean; readonly byPasskey: boolean },
): Html {
  if (byMail) return html`<p>${login.address.intro}</p>`;
  return byPasskey ? html`<p>${passkey.intro}</p>` : html`<p role="alert">${passkey.noWayIn}</p>`;
}

function mailFields({ login: { address } }: Texts, { typed, problem: wrong }: SignIn): Html {
  return html`<label for="email">${address.label}</label>
<input id="email" name="email" type="email" autocomplete="username webauthn" inputmode="email" autocapitalize="none" spellcheck="false"
 maxlength="254" required autofocus value="${typed ?? ""}"${describedBy(wrong === "address")}>
<button class="main" name="action" value="send">${address.send}</button>
`;
}

// The script shows what is hidden where the browser can use passkeys, and sends the form in the button's name.
function passkeyFields({ passkey }: Texts, options: string, isSecond: boolean): Html {
  return html`<div data-passkey-request="${options}" hidden>
${isSecond ? html`<p class="or"><span>${passkey.or}</span></p>` : undefined}
<button class="${isSecond ? "other" : "main"}" type="button" data-passkey-start>${passkey.signIn}</button>
<input type="hidden" name="credential" value="">
<button name="action" value="passkey" formnovalidate hidden></button>
</div>
<p class="wrong" role="alert" data-passkey-problem hidden>${passkey.notUsed}</p>
${isSecond ? undefined : html`<p class="hint" data-passkey-missing>${passkey.missing}</p>`}
`;
}

function problemOf({ login, passkey }: Texts, wrong: SignIn["problem"]): Html | undefined {
  if (wrong === undefined) return undefined;
  return problem(wrong === "address" ? login.address.wrong : passkey.refused);
}
