import { passkeyPolicyOf } from "../../protocol/webauthn/passkey-methods.ts";
import { relyingPartyOf } from "../../protocol/webauthn/relying-party.ts";
import type { PasskeyPlace } from "../passkey/place.ts";
import type { AccountVisit } from "./visit.ts";

/**
 * How passkeys are made on the account page: for our own pages, as any of the realm's applications that log in there takes them.
 *
 * @returns undefined where none of them takes passkeys
 */
export function findPasskeyPlace({ services, methods }: AccountVisit): PasskeyPlace | undefined {
  const policy = passkeyPolicyOf(methods);
  const relyingParty = relyingPartyOf({ type: "hosted_web" }, services.deps.config.publicUrl);
  return policy && relyingParty && { relyingParty, policy };
}
