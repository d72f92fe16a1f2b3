import type { Queryable } from "../database/database.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { findAuthenticatorConfig } from "./authenticator-config/queries.ts";
import type { AuthenticatorSettings } from "./authenticator-config/schema.ts";

/** Where and how people log in to an application; undefined where it has no authenticator config, or not any more. */
export async function findAuthenticatorOf(
  db: Queryable,
  { key, client }: Pick<ApplicationContext, "key" | "client">,
): Promise<AuthenticatorSettings | undefined> {
  const { authenticatorConfigId } = client;
  if (authenticatorConfigId === undefined) return undefined;
  return (await findAuthenticatorConfig(db, { ...key, authenticatorConfigId }))?.settings.config;
}
