import { setLoginCookie } from "../http/cookies.ts";
import { redirectReply } from "../http/pages.ts";
import { type HttpReply, type HttpRequest, jsonReply } from "../http/route.ts";
import { type EmbeddedSecrets, signAuthenticateUrl } from "../keys/embedded-request.ts";
import type { EmbeddedPages } from "../resources/authenticator-config/rules.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import { completionPath, loginPath } from "../resources/authorization-request/rules.ts";
import { AUTHORIZATION_REQUEST_LIFETIME_SECONDS } from "../resources/authorization-request/schema.ts";
import type { Services } from "./services.ts";

/** A request that has been stored, on its way to where its person logs in. */
export interface Departure {
  readonly request: HttpRequest;
  readonly stored: AuthorizationRequest;
  /** the application's own pages, and what they must bring; undefined: ours */
  readonly embedded: { readonly pages: EmbeddedPages; readonly secrets: EmbeddedSecrets } | undefined;
  /** the browser's own */
  readonly browserSecret: Uint8Array;
  /** seconds of tenant time */
  readonly now: number;
}

/**
 * Where a login goes on (reference 1.4): at our pages, or at those of its application, which is told in JSON where those are if it takes
 * people there itself. Such a login belongs to no browser until it is over.
 */
export async function leaveForLogin(services: Services, departure: Departure): Promise<HttpReply> {
  const { request, stored, embedded, browserSecret, now } = departure;
  const url =
    embedded &&
    (await signAuthenticateUrl(services, stored, {
      invokeUrl: embedded.pages.invokeUrl,
      secrets: embedded.secrets,
      now,
    }));
  if (embedded?.pages.invocation === "manual") return jsonReply(200, { authenticate_url: url }, { vary: "origin" });
  const place = { publicUrl: services.deps.config.publicUrl, realmId: stored.realmId, requestId: stored.id };
  const login = { secret: browserSecret, lifetimeSeconds: AUTHORIZATION_REQUEST_LIFETIME_SECONDS };
  return redirectReply(addressOf(stored, url), setLoginCookie(request, place, login));
}

function addressOf(stored: AuthorizationRequest, url: string | undefined): string {
  if (stored.state === "arrived") return completionPath(stored);
  // Whoever is known already is asked at a page of ours.
  return stored.state === "email" && url !== undefined ? url : loginPath(stored);
}
