import { applicationKeyOf, type HttpRequest } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { Services } from "./services.ts";

/** An application as it is configured at this moment, and its tenant's time. */
export interface LiveApplication {
  readonly context: ApplicationContext;
  /** seconds of tenant time */
  readonly now: number;
}

/**
 * The application that a path names, read strictly: a redirect URI that was just removed is not sent to any more.
 *
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findLiveApplication(services: Services, request: HttpRequest): Promise<LiveApplication> {
  const key = applicationKeyOf(request);
  const live = key === undefined ? undefined : await services.readClient(key);
  const context = key === undefined || live === undefined ? undefined : await services.contexts.fresh(key, live.stamp);
  if (live === undefined || context === undefined)
    throw new OAuthError("invalid_client", "no such application", { status: 404 });
  return { context, now: services.deps.clock.nowSeconds() + live.clockOffsetSeconds };
}
