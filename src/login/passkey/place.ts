import { ACR, meetsAnyAcr } from "../../protocol/acr.ts";
import { type PasskeyPolicy, passkeyPolicyOf } from "../../protocol/webauthn/passkey-methods.ts";
import { type RelyingParty, relyingPartyOf } from "../../protocol/webauthn/relying-party.ts";
import type { Visit } from "../visit.ts";

/** Whose passkeys are used on a page, and how they are asked for. */
export interface PasskeyPlace {
  readonly relyingParty: RelyingParty;
  readonly policy: PasskeyPolicy;
}

/** How passkeys are used on the pages of this login; undefined where they are not. */
export function passkeyPlaceOf({ authenticator, methods, services, stored }: Visit): PasskeyPlace | undefined {
  const policy = passkeyPolicyOf(methods);
  const relyingParty = relyingPartyOf(authenticator, services.deps.config.publicUrl);
  const isForeign = authenticator.type === "embedded" && stored.embedded === undefined;
  // The passkeys of an application's own pages belong to its host: ours cannot use them.
  if (policy === undefined || relyingParty === undefined || isForeign) return undefined;
  const { acrValues, acrIsEssential } = stored.parameters.claims;
  const mustVerify = acrIsEssential && !meetsAnyAcr(ACR.passkey, acrValues);
  return { relyingParty, policy: mustVerify ? { ...policy, userVerification: "required" } : policy };
}
