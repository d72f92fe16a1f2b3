import { html, type Page, pageReply } from "../http/pages.ts";
import type { HttpReply } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";

/** Asks whether the person wants to be logged out. */
export function confirmLogoutPage(asked: {
  readonly context: ApplicationContext;
  readonly path: string;
  readonly formToken: string;
}): HttpReply {
  return pageReply({
    ...surroundings(asked.context),
    title: "Sign out",
    content: html`<h1>Sign out?</h1>
<p>You will be signed out of <strong>${asked.context.client.displayName}</strong> and of everything else that you use with this account
in this browser.</p>
<form method="post" action="${asked.path}">
<input type="hidden" name="form_token" value="${asked.formToken}">
<input type="hidden" name="client_id" value="${asked.context.client.clientId}">
<button class="main" autofocus>Sign out</button>
</form>
<p class="hint">If you did not ask for this, close this page: you stay signed in.</p>`,
  });
}

/** Says that nobody is logged in here any more. */
export function signedOutPage(context: ApplicationContext, setCookies: readonly string[]): HttpReply {
  return pageReply({
    ...surroundings(context),
    title: "Signed out",
    setCookies,
    content: html`<h1>You are signed out</h1>
<p>You can close this page, or go back to <strong>${context.client.displayName}</strong> to sign in again.</p>`,
  });
}

function surroundings({
  client,
  realm,
  tenant,
}: ApplicationContext): Pick<Page, "status" | "application" | "isTestTenant"> {
  return {
    status: 200,
    application: { name: client.displayName, realm: realm.displayName },
    isTestTenant: tenant.kind === "test",
  };
}
