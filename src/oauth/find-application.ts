import { applicationKeyOf, type HttpRequest } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { Services } from "./services.ts";

/**
 * The application that a path names, from the node's cache.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findApplication(services: Services, request: HttpRequest): Promise<ApplicationContext> {
  const key = applicationKeyOf(request);
  const context = key === undefined ? undefined : await services.contexts.get(key);
  if (context === undefined) throw unknownApplication();
  return context;
}

/** 404 `invalid_client`: the same for an unknown tenant, realm or application (rule 38). */
export function unknownApplication(): OAuthError {
  return new OAuthError("invalid_client", "no such application", { status: 404 });
}
