import type { ApplicationContext } from "../protocol/client-metadata.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import { findAuthenticatorConfig } from "../resources/authenticator-config/queries.ts";
import type { Services } from "./services.ts";

/** The ways to log in that the application's authenticator config allows; undefined where it has none. */
export async function readLoginMethods(
  services: Services,
  { key, client }: ApplicationContext,
): Promise<readonly AuthenticationMethod[] | undefined> {
  const { authenticatorConfigId } = client;
  if (authenticatorConfigId === undefined) return undefined;
  const db = services.deps.database.tenants([key.tenantId]);
  const config = await findAuthenticatorConfig(db, { ...key, authenticatorConfigId });
  return config?.settings.config.authentication_methods;
}
