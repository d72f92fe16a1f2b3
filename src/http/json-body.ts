import { fieldViolations, ManagementError } from "./management-error.ts";

// Real clients post JSON strings through fetch without a media type, that is as text/plain (reference 2.1). Only a bearer
// header authenticates management routes, never a cookie, so a cross-site form gains nothing by it (rule 38).
const MEDIA_TYPES = new Set(["", "application/json", "text/plain", "text/json", "application/scim+json"]);

/** JSON is UTF-8 (RFC 8259 §8.1), of which ASCII is a part. */
const CHARSETS = new Set([undefined, "utf-8", "utf8", "us-ascii"]);
/** Most members of one object: far more than any resource has, and few enough to be looked at in no time. */
const MEMBERS_MAX = 1_000;

/** What a body is said to be: two headers. */
interface BodyHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/**
 * The text of a management route's body.
 *
 * @throws ManagementError 415 for a charset besides UTF-8 or a coding such as gzip, 400 for bytes that are no UTF-8
 */
export function readBodyText({ contentType = "", contentEncoding = "" }: BodyHeaders, body: Uint8Array): string {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (!CHARSETS.has(charset)) throw new ManagementError("unsupported_media_type", "send UTF-8");
  if (!["", "identity"].includes(contentEncoding.trim().toLowerCase())) {
    throw new ManagementError("unsupported_media_type", "send the body without a content coding");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (error) {
    throw new ManagementError("bad_request", "the body is not valid UTF-8", { cause: error });
  }
}

/**
 * The JSON of a management route's body.
 *
 * @throws ManagementError 415 for another media type, what `readBodyText` throws, 400 for what is no JSON or holds U+0000 (rule 10), or
 *   an object of too many members
 */
export function parseJsonBody(headers: BodyHeaders, body: unknown): unknown {
  const mediaType = (headers.contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!MEDIA_TYPES.has(mediaType)) throw new ManagementError("unsupported_media_type", "send application/json");
  const text = readBodyText(headers, body instanceof Uint8Array ? body : new Uint8Array());
  if (text === "") return {};
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
    if (!Array.isArray(value) && Object.keys(value).length > MEMBERS_MAX) {
      throw new ManagementError("bad_request", `an object in the body has more than ${MEMBERS_MAX} members`);
    }
    for (const [name, member] of Object.entries(value)) {
      checkStrings(name);
      checkStrings(member);
    }
  }
  return value;
}
