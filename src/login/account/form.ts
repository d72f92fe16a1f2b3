import { createHmac } from "node:crypto";
import { isSentByOurPage } from "../../http/form-origin.ts";
import { type Html, html } from "../../http/html.ts";
import { headerOf } from "../../http/route.ts";
import { equalBytes } from "../../platform/hash.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { parseForm } from "../../protocol/parameters.ts";
import { accountPath } from "../../resources/account-path.ts";
import type { FormFields } from "../form.ts";
import type { AccountVisit } from "./visit.ts";

const FORM = "application/x-www-form-urlencoded";

/** What only a page of ours in this browser knows: keyed by the secret of the session's cookie, which changes with each login. */
function formTokenOf({ secret, session }: AccountVisit): string {
  return createHmac("sha256", secret).update(`account ${session.key.sessionId}`).digest("base64url");
}

/** Begins a form of the page. */
export function openForm(visit: AccountVisit): Html {
  return html`<form method="post" action="${accountPath(visit.realm)}">
<input type="hidden" name="form_token" value="${formTokenOf(visit)}">`;
}

/**
 * Reads a form of ours, sent from a page of ours in this browser.
 *
 * @throws OAuthError 415 for another media type, 400 for a malformed one, 403 for one that another site sent or that is of an earlier login
 */
export function readAccountForm(visit: AccountVisit): FormFields {
  const { http } = visit;
  const mediaType = (headerOf(http, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== FORM) throw new OAuthError("invalid_request", `send the form as ${FORM}`, { status: 415 });
  if (!isSentByOurPage(http, visit.services.deps.config.publicUrl)) {
    throw new OAuthError("invalid_request", "the form was sent by another site", { status: 403 });
  }
  const { values } = parseForm(http.bytes);
  if (!equalBytes(Buffer.from(values.get("form_token") ?? ""), Buffer.from(formTokenOf(visit)))) {
    throw new OAuthError("invalid_request", "the form was not made by our page for this browser", { status: 403 });
  }
  return values;
}
