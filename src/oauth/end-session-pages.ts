import { html } from "../http/html.ts";
import { type PageSurroundings, pageReply } from "../http/pages.ts";
import type { HttpReply } from "../http/route.ts";
import { textsIn } from "../http/texts/index.ts";
import type { ClientMetadata, RealmKey } from "../protocol/client-metadata.ts";
import { accountLink } from "../resources/account-link.ts";

/** Which application is left, and what is around its pages. */
interface Shown {
  readonly client: ClientMetadata;
  readonly realm: RealmKey;
  readonly surroundings: PageSurroundings;
}

/** Asks whether the person wants to be logged out. */
export function confirmLogoutPage(asked: Shown & { readonly path: string; readonly formToken: string }): HttpReply {
  const { client, surroundings } = asked;
  const { ask } = textsIn(surroundings.language).logout;
  return pageReply({
    ...surroundings,
    status: 200,
    title: ask.title,
    content: html`<h1>${ask.heading}</h1>
<p>${ask.meaning(client.displayName)}</p>
<form method="post" action="${asked.path}">
<input type="hidden" name="form_token" value="${asked.formToken}">
<input type="hidden" name="client_id" value="${client.clientId}">
<input type="hidden" name="ui_locales" value="${surroundings.language}">
<button class="main" autofocus>${ask.signOut}</button>
</form>
<p class="hint">${ask.hint}</p>
${accountLink(asked.realm, surroundings.language)}`,
  });
}

/** Says that nobody is logged in here any more. */
export function signedOutPage(shown: Shown & { readonly setCookies: readonly string[] }): HttpReply {
  const { client, surroundings, setCookies } = shown;
  const { done } = textsIn(surroundings.language).logout;
  return pageReply({
    ...surroundings,
    status: 200,
    title: done.title,
    setCookies,
    content: html`<div class="sign good" aria-hidden="true">✓</div>
<h1>${done.heading}</h1>
<p>${done.advice(client.displayName)}</p>
${accountLink(shown.realm, surroundings.language)}`,
  });
}
