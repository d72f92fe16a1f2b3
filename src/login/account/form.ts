import { createHmac } from "node:crypto";
import { type Html, html } from "../../http/html.ts";
import { type FormFields, readPageForm } from "../../http/page-form.ts";
import { accountAddress } from "./address.ts";
import type { AccountVisit } from "./visit.ts";

/** What only a page of ours in this browser knows: keyed by the secret of the session's cookie, which changes with each login. */
function formTokenOf({ secret, session }: AccountVisit): string {
  return createHmac("sha256", secret).update(`account ${session.key.sessionId}`).digest("base64url");
}

/** Begins a form of the page. */
export function openForm(visit: AccountVisit): Html {
  return html`<form method="post" action="${accountAddress(visit)}">
<input type="hidden" name="form_token" value="${formTokenOf(visit)}">`;
}

/** Reads a form of the page: what `readPageForm` says, keyed by the session's secret, so that one of an earlier login is none. */
export function readAccountForm(visit: AccountVisit): FormFields {
  const { publicUrl } = visit.services.deps.config;
  return readPageForm(visit.http, { publicUrl, token: formTokenOf(visit) });
}
