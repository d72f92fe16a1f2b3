import type { ApplicationContext } from "../protocol/client-metadata.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import { findAuthenticatorConfig } from "../resources/authenticator-config/queries.ts";
import type { AuthenticatorSettings } from "../resources/authenticator-config/schema.ts";
import type { Services } from "./services.ts";

/** Where and how people log in to an application; undefined where it has no authenticator config. */
export async function readAuthenticator(
  services: Services,
  { key, client }: ApplicationContext,
): Promise<AuthenticatorSettings | undefined> {
  const { authenticatorConfigId } = client;
  if (authenticatorConfigId === undefined) return undefined;
  const db = services.deps.database.tenants([key.tenantId]);
  const config = await findAuthenticatorConfig(db, { ...key, authenticatorConfigId });
  return config?.settings.config;
}

/** The ways to log in that the application's authenticator config allows; undefined where it has none. */
export async function readLoginMethods(
  services: Services,
  context: ApplicationContext,
): Promise<readonly AuthenticationMethod[] | undefined> {
  return (await readAuthenticator(services, context))?.authentication_methods;
}
