import { type HttpRequest, headerOf } from "./route.ts";

/**
 * Whether a client has the version of this tag already. RFC 9110 §13.1.2: a list or "*", compared weakly; a proxy that compresses says W/
 * before our tag.
 */
export function isKnownTo(request: HttpRequest, etag: string): boolean {
  const sent = headerOf(request, "if-none-match")?.split(",") ?? [];
  const known = sent.map((one) => one.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
