import { applicationKeyOf, type HttpRequest } from "../http/route.ts";
import type { ApplicationContext, ApplicationKey } from "../protocol/client-metadata.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { issuerModeOf } from "./at-issuer.ts";
import { unknownApplication } from "./find-application.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** An application as it is configured at this moment, and its tenant's time. */
export interface LiveApplication {
  readonly context: ApplicationContext;
  /** seconds of tenant time */
  readonly now: number;
}

/** Reads an application as it is at this moment; undefined when tenant, realm or application are gone. */
export async function readCurrentApplication(
  services: Services,
  key: ApplicationKey,
): Promise<CurrentApplication | undefined> {
  const live = await services.readClient(key);
  return live === undefined ? undefined : services.contexts.fresh(key, live);
}

/**
 * The application that a path names, read strictly: a redirect URI that was just removed is not sent to any more.
 *
 * @param at whether its issuer must be the one that the request came to (rule 11)
 * @throws OAuthError 404 `invalid_client`, the same for an unknown tenant, realm or application (rule 38)
 */
export async function findLiveApplication(
  services: Services,
  request: HttpRequest,
  at: "its issuer" | "any" = "its issuer",
): Promise<LiveApplication> {
  const key = applicationKeyOf(request);
  const current = key === undefined ? undefined : await readCurrentApplication(services, key);
  if (current === undefined) throw unknownApplication();
  const { context, live } = current;
  if (at === "its issuer" && context.client.issuerMode !== issuerModeOf(request)) throw unknownApplication();
  return { context, now: tenantNow(services, live) };
}
