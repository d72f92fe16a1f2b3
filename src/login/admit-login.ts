import type { HttpRequest } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { LoginServices } from "./services.ts";

/**
 * Counts a login that begins at the login pages, or an attempt that failed.
 *
 * @param record tells a decision by which limit it is one too many, once a minute
 * @throws OAuthError 429 where it is
 */
export async function admitLogin(
  { loginLimiter }: Pick<LoginServices, "loginLimiter">,
  { realm, http }: { readonly realm: RealmKey; readonly http: HttpRequest },
  record: (limit: unknown) => void,
): Promise<void> {
  try {
    await loginLimiter.admit(realm, http.remoteAddress);
  } catch (error) {
    if (error instanceof OAuthError && error.facts.recorded !== true) record(error.facts.limit);
    throw error;
  }
}
