import { applicationKeyOf, type HttpRequest, headerOf } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { issuerModeOf } from "./at-issuer.ts";
import { usesBearer } from "./bearer.ts";
import type { Services } from "./services.ts";

/** Where an application is served besides its issuer. */
export interface ServedOptions {
  /** An administrator's token names no client: whether its bearer finds the application below its own path whatever its issuer. */
  readonly isForBearers?: boolean;
}

/**
 * The application that a path names, from the node's cache.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findApplication(
  services: Services,
  request: HttpRequest,
  options: ServedOptions = {},
): Promise<ApplicationContext> {
  return (await findKeptApplication(services, request, options)).context;
}

/**
 * The same with what authenticates it, for those who let the database say whether it is still so.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findKeptApplication(
  services: Services,
  request: HttpRequest,
  { isForBearers = false }: ServedOptions = {},
): Promise<CurrentApplication> {
  const key = applicationKeyOf(request);
  const kept = key === undefined ? undefined : await services.contexts.get(key);
  const mode = issuerModeOf(request);
  const isFound = isForBearers && mode === "application" && usesBearer(headerOf(request, "authorization"));
  // Rule 11: an application is served where its issuer is, and nowhere else.
  if (kept === undefined || (kept.context.client.issuerMode !== mode && !isFound)) throw unknownApplication();
  return kept;
}

/** 404 `invalid_client`: the same for an unknown tenant, realm or application (rule 38). */
export function unknownApplication(): OAuthError {
  return new OAuthError("invalid_client", "no such application", { status: 404 });
}
