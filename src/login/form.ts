import { isSentByOurPage } from "../http/form-origin.ts";
import { headerOf } from "../http/route.ts";
import { equalBytes } from "../platform/hash.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseForm } from "../protocol/parameters.ts";
import { formToken } from "../resources/authorization-request/rules.ts";
import type { Visit } from "./visit.ts";

const FORM = "application/x-www-form-urlencoded";

/** The fields of a login form by name; empty ones are absent. */
export type FormFields = ReadonlyMap<string, string>;

/**
 * Reads a form of ours, sent from a page of ours in this browser.
 *
 * @throws OAuthError 415 for another media type, 400 for a malformed one, 403 for one that another site sent
 */
export function readLoginForm(visit: Visit): FormFields {
  const { http } = visit;
  const mediaType = (headerOf(http, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== FORM) throw new OAuthError("invalid_request", `send the form as ${FORM}`, { status: 415 });
  if (!isSentByOurPage(http, visit.services.deps.config.publicUrl)) {
    throw new OAuthError("invalid_request", "the form was sent by another site", { status: 403 });
  }
  const { values } = parseForm(http.bytes);
  const expected = Buffer.from(formToken(visit.secret, visit.stored.id));
  if (!equalBytes(Buffer.from(values.get("form_token") ?? ""), expected)) {
    throw new OAuthError("invalid_request", "the form was not made by our page for this browser", { status: 403 });
  }
  return values;
}
