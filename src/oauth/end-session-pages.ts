import { html } from "../http/html.ts";
import { type Page, pageReply } from "../http/pages.ts";
import type { HttpReply } from "../http/route.ts";
import { textsIn } from "../http/texts/index.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import type { Language } from "../protocol/language.ts";

/** For whom a page is, and in what language. */
interface Shown {
  readonly context: ApplicationContext;
  readonly language: Language;
}

/** Asks whether the person wants to be logged out. */
export function confirmLogoutPage(asked: Shown & { readonly path: string; readonly formToken: string }): HttpReply {
  const { ask } = textsIn(asked.language).logout;
  const { client } = asked.context;
  return pageReply({
    ...surroundings(asked),
    title: ask.title,
    content: html`<h1>${ask.heading}</h1>
<p>${ask.meaning(client.displayName)}</p>
<form method="post" action="${asked.path}">
<input type="hidden" name="form_token" value="${asked.formToken}">
<input type="hidden" name="client_id" value="${client.clientId}">
<input type="hidden" name="ui_locales" value="${asked.language}">
<button class="main" autofocus>${ask.signOut}</button>
</form>
<p class="hint">${ask.hint}</p>`,
  });
}

/** Says that nobody is logged in here any more. */
export function signedOutPage(shown: Shown & { readonly setCookies: readonly string[] }): HttpReply {
  const { done } = textsIn(shown.language).logout;
  return pageReply({
    ...surroundings(shown),
    title: done.title,
    setCookies: shown.setCookies,
    content: html`<h1>${done.heading}</h1>
<p>${done.advice(shown.context.client.displayName)}</p>`,
  });
}

function surroundings({
  context: { client, realm, tenant },
  language,
}: Shown): Pick<Page, "status" | "language" | "application" | "isTestTenant"> {
  return {
    status: 200,
    language,
    application: { name: client.displayName, realm: realm.displayName },
    isTestTenant: tenant.kind === "test",
  };
}
