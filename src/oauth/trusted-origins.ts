import type { OriginTrust } from "../http/cross-origin.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import type { Services } from "./services.ts";

/**
 * Which pages may call a realm's routes: those of the origins that its authenticator configs trust. A tenant's administrators come from
 * its admin realm, so what that realm trusts may call the management routes of the whole tenant.
 */
export function createOriginTrust({ directory }: Pick<Services, "directory">): OriginTrust {
  return async ({ kind }, { tenant = "", realm = "" }, origin) => {
    if (!HEX_ID.test(tenant)) return false;
    const own: RealmKey | undefined = HEX_ID.test(realm) ? { tenantId: tenant, realmId: realm } : undefined;
    if (own !== undefined && (await directory.trustedOrigins(own)).has(origin)) return true;
    const admin = kind === "management" ? await directory.adminRealm(tenant) : undefined;
    return admin !== undefined && (await directory.trustedOrigins(admin)).has(origin);
  };
}
