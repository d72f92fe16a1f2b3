import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { scopesOfClaims } from "../../protocol/claims-request.ts";
import { isOpenidScope } from "../../protocol/scope.ts";
import type { Visit } from "../visit.ts";
import { cancelButton, loginPage, openForm } from "./login-page.ts";

/** Scopes come from outside: there may be no words for one. */
interface Asked {
  readonly asksFor: (application: string) => string;
  readonly gives: Readonly<Record<string, string>>;
}

/** Asks the person who is known to go on. */
export function confirmPage(visit: Visit, person: string | undefined): Page {
  const { displayName } = visit.context.client;
  const { confirm } = visit.texts.login;
  return loginPage(visit, {
    status: 200,
    title: confirm.title,
    content: html`<h1>${confirm.heading(displayName)}</h1>
<p>${confirm.signedInAs(person ?? confirm.nobody)}</p>
${renderScopes(visit)}${openForm(visit)}
<button class="main" name="action" value="continue" autofocus>${confirm.goOn}</button>
<div class="more"><button name="action" value="other_account">${confirm.otherAccount}</button></div>
${cancelButton(visit)}
</form>`,
  });
}

function renderScopes({ stored, context, texts }: Visit): Html | undefined {
  const { client } = context;
  const mayHave = (scope: string): boolean =>
    isOpenidScope(scope) ? client.type === "oidc" : client.allowedScopes.includes(scope);
  const wanted = [...(stored.parameters.scope ?? []), ...scopesOfClaims(stored.parameters.claims)];
  const asked = [...new Set(wanted)].filter(mayHave);
  if (asked.length === 0) return undefined;
  const { asksFor, gives }: Asked = texts.login.confirm;
  return html`<p>${asksFor(client.displayName)}</p>
<ul>${asked.map(
    (scope) => html`
<li>${gives[scope] ?? scope}</li>`,
  )}
</ul>
`;
}
