import { equalBytes } from "../platform/hash.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseForm } from "../protocol/parameters.ts";
import { isSentByOurPage } from "./form-origin.ts";
import { type HttpRequest, headerOf } from "./route.ts";

const FORM = "application/x-www-form-urlencoded";

/** The fields of a form by name; empty ones are absent. */
export type FormFields = ReadonlyMap<string, string>;

/** What only a page of ours in this browser knows, and whose pages are ours. */
export interface FormProof {
  readonly publicUrl: string;
  /** what the form's `form_token` must be */
  readonly token: string;
}

/**
 * Reads a form of ours, sent from a page of ours in this browser.
 *
 * @throws OAuthError 415 for another media type, 400 for a malformed one, 403 for one that another site sent or that is of another page
 */
export function readPageForm(http: HttpRequest, { publicUrl, token }: FormProof): FormFields {
  const mediaType = (headerOf(http, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== FORM) throw new OAuthError("invalid_request", `send the form as ${FORM}`, { status: 415 });
  if (!isSentByOurPage(http, publicUrl)) {
    throw new OAuthError("invalid_request", "the form was sent by another site", { status: 403 });
  }
  const { values } = parseForm(http.bytes);
  if (!equalBytes(Buffer.from(values.get("form_token") ?? ""), Buffer.from(token))) {
    throw new OAuthError("invalid_request", "the form was not made by our page for this browser", { status: 403 });
  }
  return values;
}
