import { passkeyPolicyOf } from "../../protocol/webauthn/passkey-methods.ts";
import { relyingPartyOf } from "../../protocol/webauthn/relying-party.ts";
import { listAuthenticatorConfigs } from "../../resources/authenticator-config/queries.ts";
import type { PasskeyPlace } from "../passkey/place.ts";
import type { AccountVisit } from "./visit.ts";

/** Authenticator configs of a realm that are looked at. */
const CONFIGS_MAX = 200;

/**
 * How passkeys are made on the account page: for our own pages, as any of the realm's applications that log in there takes them.
 *
 * @returns undefined where none of them takes passkeys
 */
export async function findPasskeyPlace({ services, realm }: AccountVisit): Promise<PasskeyPlace | undefined> {
  const db = services.deps.database.tenants([realm.tenantId]);
  const configs = await listAuthenticatorConfigs(db, realm, { after: "", limit: CONFIGS_MAX });
  const ours = configs.map(({ settings }) => settings.config).filter(({ type }) => type !== "embedded");
  const policy = passkeyPolicyOf(ours.flatMap(({ authentication_methods }) => authentication_methods ?? []));
  const relyingParty = relyingPartyOf({ type: "hosted_web" }, services.deps.config.publicUrl);
  return policy && relyingParty && { relyingParty, policy };
}
