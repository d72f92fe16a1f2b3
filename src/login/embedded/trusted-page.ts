import { type HttpRequest, headerOf } from "../../http/route.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { trustsOrigin } from "../../resources/authenticator-config/rules.ts";
import type { AuthenticatorSettings } from "../../resources/authenticator-config/schema.ts";

/**
 * Refuses what a page sends whose origin this authenticator does not trust: the realm may have others, which trust other pages. Who sends
 * no origin is no page of another.
 *
 * @throws OAuthError 403
 */
export function demandTrustedPage(http: HttpRequest, authenticator: AuthenticatorSettings): void {
  const origin = headerOf(http, "origin");
  if (origin === undefined || trustsOrigin(authenticator, origin)) return;
  throw new OAuthError("invalid_request", "the authenticator config does not trust this origin", { status: 403 });
}
