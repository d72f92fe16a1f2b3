import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { CODE_LIFETIME_SECONDS } from "../one-time-code.ts";
import type { Visit } from "../visit.ts";
import { cancelButton, loginPage, openForm } from "./login-page.ts";
import type { Notice } from "./step.ts";

const MINUTES = CODE_LIFETIME_SECONDS / 60;
const REFUSED_STATUS = 400;

/** Asks for the address. */
export function addressPage(
  visit: Visit,
  shown: { readonly typed: string | undefined; readonly isWrong?: boolean },
): Page {
  const isWrong = shown.isWrong ?? false;
  const { address } = visit.texts.login;
  return loginPage(visit, {
    status: isWrong ? REFUSED_STATUS : 200,
    title: address.title,
    content: html`<h1>${address.title}</h1>
<p>${address.intro}</p>
${openForm(visit)}
${isWrong ? problem(address.wrong) : undefined}
<label for="email">${address.label}</label>
<input id="email" name="email" type="email" autocomplete="email" inputmode="email" autocapitalize="none" spellcheck="false"
 maxlength="254" required autofocus value="${shown.typed ?? ""}"${describedBy(isWrong)}>
<button class="main" name="action" value="send">${address.send}</button>
${cancelButton(visit)}
</form>`,
  });
}

/** Asks for the code. It says the same of every address. */
export function codePage(
  visit: Visit,
  shown: { readonly problem?: "wrong" | "incomplete"; readonly notice?: Notice },
): Page {
  const isWrong = shown.problem !== undefined;
  const { code } = visit.texts.login;
  return loginPage(visit, {
    status: isWrong ? REFUSED_STATUS : 200,
    title: code.title,
    content: html`<h1>${code.heading}</h1>
<p>${code.intro(visit.stored.emailKey ?? "", MINUTES)}</p>
${openForm(visit)}
${shown.notice === "code_sent_again" ? done(code.sentAgain) : undefined}${shown.problem && problem(code[shown.problem])}
<label for="code">${code.label}</label>
<input class="code" id="code" name="code" type="text" autocomplete="one-time-code" inputmode="numeric" pattern="[0-9 \\-]{6,11}"
 maxlength="11" title="${code.format}" required autofocus${describedBy(isWrong)}>
<button class="main" name="action" value="verify">${code.verify}</button>
<div class="more"><button name="action" value="send_again" formnovalidate>${code.sendAgain}</button>
<button name="action" value="other_address" formnovalidate>${code.otherAddress}</button></div>
<p class="hint">${code.hint}</p>
${cancelButton(visit)}
</form>`,
  });
}

/** Says that no further code is looked at in this login. */
export function triesSpentPage(visit: Visit): Page {
  const { displayName } = visit.context.client;
  const { triesSpent } = visit.texts.login;
  return loginPage(visit, {
    status: REFUSED_STATUS,
    title: triesSpent.title,
    content: html`<h1>${triesSpent.title}</h1>
<p role="alert">${triesSpent.advice(displayName)}</p>
${openForm(visit)}
<button class="main" name="action" value="cancel">${visit.texts.login.backTo(displayName)}</button>
</form>`,
  });
}

function done(text: string): Html {
  return html`<p class="done" role="status">${text}</p>
`;
}

function problem(text: string): Html {
  return html`<p class="wrong" id="problem" role="alert">${text}</p>
`;
}

function describedBy(isWrong: boolean): Html | undefined {
  return isWrong ? html` aria-invalid="true" aria-describedby="problem"` : undefined;
}
