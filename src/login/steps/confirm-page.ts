import { type Html, html, type Page } from "../../http/pages.ts";
import { scopesOfClaims } from "../../protocol/claims-request.ts";
import { isOpenidScope } from "../../protocol/scope.ts";
import type { Visit } from "../visit.ts";
import { CANCEL, loginPage, openForm } from "./login-page.ts";

/** What OpenID scopes give, in words. */
const GIVES: Readonly<Record<string, string>> = {
  openid: "who you are",
  profile: "your name and profile",
  email: "your email address",
  phone: "your phone number",
  address: "your postal address",
  offline_access: "access while you are away",
};

/** Asks the person who is known to go on. */
export function confirmPage(visit: Visit, person: string): Page {
  const { displayName } = visit.context.client;
  return loginPage(visit, {
    status: 200,
    title: "Continue",
    content: html`<h1>Continue to ${displayName}?</h1>
<p>You are signed in as <strong>${person}</strong>.</p>
${renderScopes(visit)}${openForm(visit)}
<button class="main" name="action" value="continue" autofocus>Continue</button>
<div class="more"><button name="action" value="other_account">Use another account</button></div>
${CANCEL}
</form>`,
  });
}

function renderScopes({ stored, context }: Visit): Html | undefined {
  const { client } = context;
  const mayHave = (scope: string): boolean =>
    isOpenidScope(scope) ? client.type === "oidc" : client.allowedScopes.includes(scope);
  const wanted = [...(stored.parameters.scope ?? []), ...scopesOfClaims(stored.parameters.claims)];
  const asked = [...new Set(wanted)].filter(mayHave);
  if (asked.length === 0) return undefined;
  return html`<p>${client.displayName} asks for:</p>
<ul>${asked.map(
    (scope) => html`
<li>${GIVES[scope] ?? scope}</li>`,
  )}
</ul>
`;
}
