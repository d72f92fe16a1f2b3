import { type HttpRequest, headerOf } from "../http/route.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { type ParameterOptions, parseForm, type RequestParameters } from "../protocol/parameters.ts";

const FORM = "application/x-www-form-urlencoded";

/**
 * The parameters of an auth route's body.
 *
 * @throws OAuthError `invalid_request`: 415 for another media type (rule 38), 400 for what `parseForm` refuses
 */
export function readForm(request: HttpRequest, options: ParameterOptions = {}): RequestParameters {
  const mediaType = (headerOf(request, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== FORM) throw new OAuthError("invalid_request", `send the parameters as ${FORM}`, { status: 415 });
  return parseForm(request.bytes, options);
}
