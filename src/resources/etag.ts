import { ManagementError } from "../http/management-error.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";

const ETAG_LIST = /^\s*(W\/)?"[\x21\x23-\x7e]*"(\s*,\s*(W\/)?"[\x21\x23-\x7e]*")*\s*$/;
const ETAGS = /(W\/)?"[\x21\x23-\x7e]*"/g;

/** The entity tag of a version of a resource (RFC 9110 §8.8.3). */
export function formatEtag(version: number): string {
  return `"${version}"`;
}

/**
 * Refuses a change of another version than its `If-Match` names (RFC 9110 §13.1.1), so that nobody overwrites what he has not seen.
 * Without the header every version may be changed.
 *
 * @throws ManagementError 412 for another version, 400 for a header that is no list of entity tags
 */
export function demandVersion(request: HttpRequest, version: number): void {
  const header = headerOf(request, "if-match");
  if (header === undefined || header.trim() === "*") return;
  if (!ETAG_LIST.test(header)) throw new ManagementError("bad_request", "If-Match is not a list of entity tags");
  // A weak tag never matches: RFC 9110 §13.1.1 asks for the strong comparison.
  const tags: readonly string[] = header.match(ETAGS) ?? [];
  if (tags.includes(formatEtag(version))) return;
  const message = "the resource was changed: read it again";
  throw new ManagementError("precondition_failed", message, { headers: { etag: formatEtag(version) } });
}
