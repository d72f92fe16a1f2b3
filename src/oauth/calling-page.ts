import { type HttpReply, type HttpRequest, headerOf } from "../http/route.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { embeddedPagesOf, trustsOrigin } from "../resources/authenticator-config/rules.ts";
import type { AuthenticatorSettings } from "../resources/authenticator-config/schema.ts";

/**
 * The origin of the page that calls by script, where the application takes people to its login page itself (reference 3.5): one that its
 * own authenticator config trusts. Undefined for whoever is no page, and where browsers are sent here and nobody calls.
 *
 * @throws OAuthError 403 for a page of any other origin: nothing is begun for it
 */
export function findCallingPage(
  request: HttpRequest,
  authenticator: AuthenticatorSettings | undefined,
): string | undefined {
  const origin = headerOf(request, "origin");
  if (origin === undefined || authenticator === undefined) return undefined;
  if (embeddedPagesOf(authenticator)?.invocation !== "manual") return undefined;
  if (trustsOrigin(authenticator, origin)) return origin;
  throw new OAuthError("invalid_request", "the authenticator config does not trust this origin", { status: 403 });
}

/** A page's call without what its browser sends along by itself: who is signed in there is nothing that a script finds out. */
export function withoutCookies(request: HttpRequest): HttpRequest {
  return { ...request, headers: { ...request.headers, cookie: undefined } };
}

/** Lets a page read an answer (Fetch, CORS protocol). Never with credentials: none was looked at. */
export function shareWithPage(reply: HttpReply, origin: string): HttpReply {
  const shared = {
    vary: "origin",
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "retry-after, x-trace-id",
  };
  return { ...reply, headers: { ...reply.headers, ...shared } };
}
