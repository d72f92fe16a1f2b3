import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/server";
import { COSE_ALGORITHMS } from "./cose-key.ts";
import type { PasskeyPolicy } from "./passkey-methods.ts";
import type { RelyingParty } from "./relying-party.ts";

/** How long a ceremony may take, in milliseconds (reference 3.5). */
const CEREMONY_MS = 300_000;

/** What a new passkey is asked for. */
export interface RegistrationWish {
  readonly relyingParty: RelyingParty;
  /** what the person calls it: the realm */
  readonly relyingPartyName: string;
  readonly policy: PasskeyPolicy;
  /** base64url, of 32 random bytes */
  readonly challenge: string;
  readonly person: { readonly handle: Uint8Array; readonly name: string; readonly displayName: string };
  /** what authenticators call those that need not be made again, base64url */
  readonly known: readonly string[];
}

/** The options of `navigator.credentials.create` as JSON (WebAuthn Level 3 §5.4, reference 3.5). */
export function creationOptions(wish: RegistrationWish): PublicKeyCredentialCreationOptionsJSON {
  const { relyingParty, relyingPartyName, policy, challenge, person, known } = wish;
  return {
    rp: { id: relyingParty.id, name: relyingPartyName },
    user: { id: Buffer.from(person.handle).toString("base64url"), name: person.name, displayName: person.displayName },
    challenge,
    pubKeyCredParams: COSE_ALGORITHMS.map(({ cose }) => ({ type: "public-key", alg: cose })),
    timeout: CEREMONY_MS,
    attestation: "none",
    authenticatorSelection: {
      residentKey: "required", // found without a name: a login names nobody before
      requireResidentKey: true,
      userVerification: policy.userVerification,
      ...(policy.attachment === undefined ? {} : { authenticatorAttachment: policy.attachment }),
    },
    excludeCredentials: known.map((id) => ({ id, type: "public-key" })),
  };
}

/**
 * The options of `navigator.credentials.get` as JSON (WebAuthn Level 3 §5.5): any passkey of this relying party. They never name one, so
 * that nobody learns who has an account.
 */
export function requestOptions(
  relyingParty: RelyingParty,
  { userVerification }: PasskeyPolicy,
  challenge: string,
): PublicKeyCredentialRequestOptionsJSON {
  return { rpId: relyingParty.id, challenge, userVerification, timeout: CEREMONY_MS };
}
