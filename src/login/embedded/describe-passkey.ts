import { formatInstant } from "../../platform/clock.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { findCredential } from "../../resources/credential/queries.ts";
import type { Identity } from "../../resources/identity/queries.ts";
import { findRealm } from "../../resources/realm/queries.ts";
import { findTenant } from "../../resources/tenant/queries.ts";
import type { LoginServices } from "../services.ts";

/** What a browser may remember of a passkey that was just made in it (reference 3.3): nothing of it is secret. */
export async function describePasskey(
  { deps, findRealmFacts }: LoginServices,
  { key, displayName, traits }: Identity,
  credentialId: string,
): Promise<Readonly<Record<string, unknown>>> {
  const db = deps.database.tenants([key.tenantId]);
  const [credential, tenant, realm, facts] = await Promise.all([
    findCredential(db, { ...key, credentialId }, key.identityId),
    findTenant(db, key.tenantId),
    findRealm(db, key),
    findRealmFacts(key),
  ]);
  if (credential?.webauthn === undefined) throw new OAuthError("invalid_grant", "the passkey was deleted meanwhile");
  const { logo_url_light, logo_url_dark, support_url } = facts?.theme ?? {};
  return {
    id: credentialId,
    api_base_url: deps.config.publicUrl,
    key_handle: Buffer.from(credential.webauthn.webauthnId).toString("base64url"),
    key_type: "webauthn",
    state: credential.state,
    create_time: formatInstant(credential.createdAtMs),
    update_time: formatInstant(credential.updatedAtMs),
    tenant: { id: key.tenantId, display_name: tenant?.settings.display_name },
    realm: { id: key.realmId, display_name: realm?.settings.display_name },
    identity: {
      id: key.identityId,
      display_name: displayName,
      username: traits.username,
      primary_email_address: traits.primary_email_address,
    },
    theme: { logo_url_light, logo_url_dark, support_url },
  };
}
