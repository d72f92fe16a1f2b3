import type { Deps } from "../../deps.ts";
import { type RealmKey, realmPath } from "../../protocol/client-metadata.ts";

/** Where SCIM is, as operations name their paths. */
export const SCIM = "/v1/tenants/{tenant}/realms/{realm}/scim/v2";

/** The URL of a realm's SCIM service. */
export function scimBaseOf({ config }: Deps, realm: RealmKey): string {
  return `${config.publicUrl}${realmPath(realm)}/scim/v2`;
}
