import type { ApplicationKey, RealmKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { PresentedClient } from "./client-authentication/method.ts";
import type { Services } from "./services.ts";

/** Who a request says it comes from: an application, and the credentials to be judged. */
export interface NamedClient {
  readonly key: ApplicationKey;
  readonly presented: PresentedClient;
}

/**
 * Answers the client that a request to a realm presents. Which application a `client_id` names is known from up to two seconds ago: where
 * that one is refused and has the `client_id` no more, the one that has it now is asked for (rule 7).
 *
 * @param answer authenticates the client; throws OAuthError `invalid_client` where it is not that application
 * @throws OAuthError `invalid_client`
 */
export async function asNamedClient<T>(
  services: Services,
  realm: RealmKey,
  presented: PresentedClient | undefined,
  answer: (client: NamedClient) => Promise<T>,
): Promise<T> {
  if (presented === undefined) throw unknownClient();
  const known = await services.directory.applicationOf(realm, presented.clientId);
  if (known === undefined) throw unknownClient();
  try {
    return await answer({ key: known, presented });
  } catch (error) {
    if (!(error instanceof OAuthError && error.code === "invalid_client")) throw error;
    const judged = await services.contexts.get(known); // just read by whoever refused
    if (judged?.context.client.clientId === presented.clientId) throw error;
    const current = await services.directory.currentApplicationOf(realm, presented.clientId);
    if (current === undefined || current.applicationId === known.applicationId) throw error;
    return answer({ key: current, presented });
  }
}

/** The refusal of a client that a realm does not have. */
export function unknownClient(): OAuthError {
  return new OAuthError("invalid_client", "the client is unknown in this realm");
}
