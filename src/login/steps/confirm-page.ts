import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Visit } from "../visit.ts";
import { cancelButton, loginPage, openForm } from "./login-page.ts";

/** Asks the person who is known to go on. */
export function confirmPage(visit: Visit, person: string | undefined): Page {
  const { name } = visit.context;
  const { confirm } = visit.texts.login;
  return loginPage(visit, {
    status: 200,
    title: confirm.title,
    content: html`<h1>${confirm.heading(name)}</h1>
<p>${confirm.signedInAs(person ?? confirm.nobody)}</p>
${openForm(visit)}
<button class="main" name="action" value="continue" autofocus>${confirm.goOn}</button>
<div class="more"><button name="action" value="other_account">${confirm.otherAccount}</button></div>
${cancelButton(visit)}
</form>`,
  });
}
