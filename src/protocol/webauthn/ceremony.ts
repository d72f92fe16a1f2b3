import type { JwkMembers } from "../jwk-thumbprint.ts";
import { COSE_ALGORITHMS, type CoseKey, coseOfJwk, isSoundKey, jwkOfCose } from "./cose-key.ts";
import type { PasskeyPolicy } from "./passkey-methods.ts";
import type { RelyingParty } from "./relying-party.ts";
import type { AuthenticationResponse, RegistrationResponse } from "./responses.ts";

// The verification of both ceremonies (WebAuthn Level 3 §7.1 and §7.2) is the library's. It and what it brings along take 30 MB and a
// quarter of a second, so they are loaded by the first ceremony, and not by a server that nobody uses a passkey with.
const library = () => import("@simplewebauthn/server");
const helpers = () => import("@simplewebauthn/server/helpers");

/** What an answer must fit. */
export interface Expected {
  readonly relyingParty: RelyingParty;
  readonly policy: PasskeyPolicy;
  /** base64url */
  readonly challenge: string;
}

/** A ceremony that failed; the cause is for the decision alone. */
export interface CeremonyRefused {
  readonly ok: false;
  readonly cause: string;
}

/** A passkey that was just made. */
export interface RegisteredPasskey {
  readonly ok: true;
  readonly webauthnId: Uint8Array;
  readonly publicJwk: JwkMembers;
  readonly signCount: number;
  readonly aaguid: string;
  readonly isUserVerified: boolean;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
  readonly transports: readonly string[];
}

/** A passkey that was just used. */
export interface UsedPasskey {
  readonly ok: true;
  readonly signCount: number;
  readonly isUserVerified: boolean;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
}

/** Verifies that a passkey was made as it was asked for (WebAuthn Level 3 §7.1). */
export async function verifyRegistration(
  response: RegistrationResponse,
  { relyingParty, policy, challenge }: Expected,
): Promise<RegisteredPasskey | CeremonyRefused> {
  const [{ verifyRegistrationResponse }, { isoCBOR }] = await Promise.all([library(), helpers()]);
  return refuseOnThrow(async () => {
    refuseCrossOrigin(response.response.clientDataJSON);
    refuseCertificates(isoCBOR.decodeFirst(Buffer.from(response.response.attestationObject, "base64url")));
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, response: { ...response.response, transports: [] }, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: [...relyingParty.origins],
      expectedRPID: relyingParty.id,
      requireUserVerification: policy.userVerification === "required",
      supportedAlgorithmIDs: COSE_ALGORITHMS.map(({ cose }) => cose),
    });
    if (!verified) throw new Error("the attestation is not what it says");
    const { credential, aaguid, userVerified, credentialDeviceType, credentialBackedUp } = registrationInfo;
    const publicJwk = jwkOfCose(isoCBOR.decodeFirst<CoseKey>(credential.publicKey));
    if (publicJwk === undefined) throw new Error("the key is of no algorithm that was asked for");
    if (!isSoundKey(publicJwk)) throw new Error("the key is none of its kind");
    const webauthnId = Buffer.from(credential.id, "base64url");
    refuseLength(webauthnId);
    return {
      ok: true,
      webauthnId,
      publicJwk,
      signCount: credential.counter,
      aaguid,
      isUserVerified: userVerified,
      isBackupEligible: credentialDeviceType === "multiDevice",
      isBackedUp: credentialBackedUp,
      transports: response.response.transports ?? [],
    };
  });
}

/** What is known of a passkey from when it was made. */
export interface StoredPasskey {
  readonly publicJwk: JwkMembers;
  readonly isBackupEligible: boolean;
}

/**
 * Verifies that a passkey was used as it was asked for (WebAuthn Level 3 §7.2). Whether its count goes up is judged where it is stored.
 *
 * @param stored of the passkey that the response names
 */
export async function verifyAuthentication(
  response: AuthenticationResponse,
  stored: StoredPasskey,
  { relyingParty, policy, challenge }: Expected,
): Promise<UsedPasskey | CeremonyRefused> {
  const [{ verifyAuthenticationResponse }, { isoCBOR }] = await Promise.all([library(), helpers()]);
  return refuseOnThrow(async () => {
    refuseCrossOrigin(response.response.clientDataJSON);
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: [...relyingParty.origins],
      expectedRPID: relyingParty.id,
      requireUserVerification: policy.userVerification === "required",
      credential: {
        id: response.id,
        publicKey: Uint8Array.from(isoCBOR.encode(coseOfJwk(stored.publicJwk))),
        counter: 0,
      },
    });
    if (!verified) throw new Error("the signature is wrong");
    const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = authenticationInfo;
    const isBackupEligible = credentialDeviceType === "multiDevice";
    // §7.2 step 18: a key is made to be copied or not, for as long as it lives.
    if (isBackupEligible !== stored.isBackupEligible) throw new Error("whether the key may be copied has changed");
    return {
      ok: true,
      signCount: newCounter,
      isUserVerified: userVerified,
      isBackupEligible,
      isBackedUp: credentialBackedUp,
    };
  });
}

function clientDataOf(clientDataJson: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(Buffer.from(clientDataJson, "base64url").toString("utf8"));
  if (typeof value !== "object" || value === null) throw new Error("the client data is no object");
  return { ...value };
}

// §7.1 step 10, §7.2 step 14: our ceremonies never run in another site's frame.
function refuseCrossOrigin(clientDataJson: string): void {
  const { crossOrigin, topOrigin } = clientDataOf(clientDataJson);
  if (crossOrigin === true || topOrigin !== undefined) throw new Error("the ceremony ran in another site's frame");
}

// No attestation is asked for, so that a client leaves none, or one by the passkey's own key (§5.4.7). One by certificates is refused before
// anything of it is read: who sends it chooses the certificates, and the library asks the addresses in them for revocations (rule 22).
function refuseCertificates(attestation: unknown): void {
  const member = (name: string): unknown => (attestation instanceof Map ? attestation.get(name) : undefined);
  const [format, statement] = [member("fmt"), member("attStmt")];
  const isOwn = format === "packed" && statement instanceof Map && !statement.has("x5c");
  if (format !== "none" && !isOwn) throw new Error("an attestation that nobody asked for");
}

const WEBAUTHN_ID_BYTES_MAX = 1_023;

// §7.1 step 25. No id at all would be everybody's.
function refuseLength({ length }: Uint8Array): void {
  if (length === 0 || length > WEBAUTHN_ID_BYTES_MAX) throw new Error("the passkey's id has no length of an id");
}

const CAUSE_LENGTH_MAX = 200;

// Whatever the library throws, it is about what was sent.
async function refuseOnThrow<T>(verify: () => Promise<T>): Promise<T | CeremonyRefused> {
  try {
    return await verify();
  } catch (error) {
    const cause = error instanceof Error ? error.message : "the response cannot be read";
    return { ok: false, cause: cause.slice(0, CAUSE_LENGTH_MAX).toWellFormed() };
  }
}
