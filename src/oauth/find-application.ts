import { applicationKeyOf, type HttpRequest } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { issuerModeOf } from "./at-issuer.ts";
import type { Services } from "./services.ts";

/**
 * The application that a path names, from the node's cache.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findApplication(services: Services, request: HttpRequest): Promise<ApplicationContext> {
  return (await findKeptApplication(services, request)).context;
}

/**
 * The same with what authenticates it, for those who let the database say whether it is still so.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findKeptApplication(services: Services, request: HttpRequest): Promise<CurrentApplication> {
  const key = applicationKeyOf(request);
  const kept = key === undefined ? undefined : await services.contexts.get(key);
  // Rule 11: an application is served where its issuer is, and nowhere else.
  if (kept === undefined || kept.context.client.issuerMode !== issuerModeOf(request)) throw unknownApplication();
  return kept;
}

/** 404 `invalid_client`: the same for an unknown tenant, realm or application (rule 38). */
export function unknownApplication(): OAuthError {
  return new OAuthError("invalid_client", "no such application", { status: 404 });
}
