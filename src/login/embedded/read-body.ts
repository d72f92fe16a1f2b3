import { parseJsonBody } from "../../http/json-body.ts";
import { ManagementError } from "../../http/management-error.ts";
import { type HttpRequest, headerOf } from "../../http/route.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";

/** A schema as it is asked. */
interface Schema<T> {
  Check(value: unknown): value is T;
}

/**
 * The JSON that a page of an application sends: `application/json`, or `text/plain` so that no preflight is needed.
 *
 * @throws OAuthError 415 for another media type, 400 for what is no JSON or not of this schema
 */
export function readBody<T>(http: HttpRequest, schema: Schema<T>): T {
  const value = parse(http);
  if (!schema.Check(value)) throw new OAuthError("invalid_request", "the body has other members than it must");
  return value;
}

function parse(http: HttpRequest): unknown {
  const headers = { contentType: headerOf(http, "content-type"), contentEncoding: headerOf(http, "content-encoding") };
  try {
    return parseJsonBody(headers, http.bytes);
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    throw new OAuthError("invalid_request", error.message, { status: error.status, cause: error });
  }
}
