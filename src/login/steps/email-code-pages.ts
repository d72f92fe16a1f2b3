import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { CODE_LIFETIME_SECONDS } from "../one-time-code.ts";
import type { Visit } from "../visit.ts";
import { cancelButton, describedBy, loginPage, openForm, problem } from "./login-page.ts";
import type { Notice } from "./step.ts";

const MINUTES = CODE_LIFETIME_SECONDS / 60;
const REFUSED_STATUS = 400;

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
  const { name } = visit.context;
  const { triesSpent } = visit.texts.login;
  return loginPage(visit, {
    status: REFUSED_STATUS,
    title: triesSpent.title,
    content: html`<h1>${triesSpent.title}</h1>
<p role="alert">${triesSpent.advice(name)}</p>
${openForm(visit)}
<button class="main" name="action" value="cancel">${visit.texts.login.backTo(name)}</button>
</form>`,
  });
}

function done(text: string): Html {
  return html`<p class="done" role="status">${text}</p>
`;
}
