import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { secretsOf, verifyClient } from "./client-authentication/index.ts";
import type { PresentedClient } from "./client-authentication/method.ts";
import { readCurrentApplication } from "./find-live-application.ts";
import type { Services } from "./services.ts";

/** A client whose credentials are right by what this node keeps, or by what was read for this request. */
export interface AuthenticatedClient {
  readonly current: CurrentApplication;
  /** what a look-up is to judge along with its own question; undefined when `current` was read for this request */
  readonly basis: CurrentApplication | undefined;
  /**
   * Judges the client again by what the database says now, unless a look-up has said that its basis still held.
   *
   * @throws OAuthError `invalid_client`
   */
  confirm(isBasisCurrent: boolean): Promise<void>;
}

/**
 * Authenticates the client of a request that goes on to look something up (rule 7). The configuration that this node keeps comes
 * first, so that one statement answers both questions; what it refuses may have changed since, and is asked of the database.
 *
 * @param credentials what the request presents, undefined when it names no client; and what is thrown if the application is gone
 * @throws OAuthError `invalid_client`
 */
export async function authenticateClient(
  services: Services,
  key: ApplicationKey,
  credentials: { readonly presented: PresentedClient | undefined; readonly unknown: () => OAuthError },
): Promise<AuthenticatedClient> {
  const { presented } = credentials;
  const readLive = async (): Promise<CurrentApplication> => {
    const current = await readCurrentApplication(services, key);
    if (current === undefined) throw credentials.unknown();
    verifyClient(presented, current.context.client, secretsOf(services, current));
    return current;
  };
  const kept = await services.contexts.get(key);
  if (kept === undefined || !isRight(services, presented, kept)) {
    return { current: await readLive(), basis: undefined, confirm: async () => undefined };
  }
  return {
    current: kept,
    basis: kept,
    confirm: async (isBasisCurrent) => {
      if (!isBasisCurrent) await readLive();
    },
  };
}

function isRight(services: Services, presented: PresentedClient | undefined, current: CurrentApplication): boolean {
  try {
    verifyClient(presented, current.context.client, secretsOf(services, current));
    return true;
  } catch (error) {
    if (error instanceof OAuthError) return false;
    throw error;
  }
}
