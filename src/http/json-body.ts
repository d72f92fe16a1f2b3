import { fieldViolations, ManagementError } from "./management-error.ts";

// Real clients post JSON strings through fetch without a media type, that is as text/plain (reference 2.1). Only a bearer
// header authenticates management routes, never a cookie, so a cross-site form gains nothing by it (rule 38).
const MEDIA_TYPES = new Set(["", "application/json", "text/plain", "text/json", "application/scim+json"]);

/**
 * The JSON of a management route's body.
 *
 * @throws ManagementError 415 for another media type, 400 for bytes that are no UTF-8 or no JSON or hold U+0000 (rule 10)
 */
export function parseJsonBody(contentType: string | undefined, body: unknown): unknown {
  const mediaType = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!MEDIA_TYPES.has(mediaType)) throw new ManagementError("unsupported_media_type", "send application/json");
  if (!(body instanceof Uint8Array) || body.length === 0) return {};
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (error) {
    throw new ManagementError("bad_request", "the body is not valid UTF-8", { cause: error });
  }
  try {
    return checkStrings(JSON.parse(text));
  } catch (error) {
    if (error instanceof ManagementError) throw error;
    // A SyntaxError, or a RangeError from nesting that no honest client sends.
    throw new ManagementError("bad_request", "the body is not valid JSON", { cause: error });
  }
}

/** Refuses a query with a string that the database cannot take (rule 10). Throws ManagementError 400 naming the parameter. */
export function checkQueryStrings(query: unknown): void {
  if (typeof query !== "object" || query === null) return;
  const bad = Object.entries(query).filter(([, value]) => [value].flat().some(isUnstorable));
  if (bad.length > 0) throw fieldViolations(bad.map(([field]) => ({ field, description: UNSTORABLE })));
}

/** What is wrong with a string that `isUnstorable`. */
export const UNSTORABLE = "holds U+0000 or a lone surrogate";

/** Whether something is a string that the database cannot take. */
export function isUnstorable(value: unknown): boolean {
  return typeof value === "string" && (value.includes("\u0000") || !value.isWellFormed());
}

function checkStrings(value: unknown): unknown {
  if (isUnstorable(value)) throw new ManagementError("bad_request", `a string in the body ${UNSTORABLE}`);
  if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      checkStrings(name);
      checkStrings(member);
    }
  }
  return value;
}
