import type { Queryable } from "../../database/database.ts";
import { hexId } from "../../platform/random.ts";
import { authenticatorName } from "../../protocol/webauthn/authenticator-name.ts";
import { type CeremonyRefused, type RegisteredPasskey, verifyRegistration } from "../../protocol/webauthn/ceremony.ts";
import { creationOptions } from "../../protocol/webauthn/options.ts";
import { readRegistrationResponse } from "../../protocol/webauthn/responses.ts";
import { userHandleOf } from "../../protocol/webauthn/user-handle.ts";
import {
  type Credential,
  insertCredential,
  listUsableCredentials,
  PASSKEYS_MAX,
} from "../../resources/credential/queries.ts";
import { type EventActor, insertEvents } from "../../resources/event/queries.ts";
import { holdIdentity, type Identity, type IdentityKey } from "../../resources/identity/queries.ts";
import type { OutgoingMailKey } from "../../resources/outgoing-mail/queries.ts";
import { queuePasskeyNotice } from "../../resources/passkey-notice.ts";
import type { LoginServices } from "../services.ts";
import type { PasskeyPlace } from "./place.ts";

/** Where a passkey is made: on which page, for which challenge. */
export interface RegistrationPlace extends PasskeyPlace {
  /** base64url */
  readonly challenge: string;
  /** what the person calls the relying party */
  readonly realmName: string;
  readonly authenticatorConfigId: string | undefined;
}

/** What a browser needs to make a passkey for this person, as JSON for `navigator.credentials.create`. */
export async function beginRegistration(
  db: Queryable,
  identity: Pick<Identity, "key" | "displayName" | "traits">,
  place: RegistrationPlace,
): Promise<ReturnType<typeof creationOptions>> {
  const { relyingParty, policy, challenge, realmName } = place;
  const known = await listUsableCredentials(db, identity.key, relyingParty.id);
  return creationOptions({
    relyingParty,
    relyingPartyName: realmName,
    policy,
    challenge,
    person: {
      handle: userHandleOf(identity.key),
      name: identity.traits.primary_email_address ?? identity.traits.username,
      displayName: identity.displayName,
    },
    known: known.flatMap(idOf),
  });
}

function idOf({ webauthn }: Credential): string[] {
  return webauthn === undefined ? [] : [Buffer.from(webauthn.webauthnId).toString("base64url")];
}

/** Reads and verifies what a browser made. */
export async function finishRegistration(
  sent: string | undefined,
  place: RegistrationPlace,
): Promise<RegisteredPasskey | CeremonyRefused> {
  const response = readRegistrationResponse(sent);
  if (response === undefined) return { ok: false, cause: "the browser's answer cannot be read" };
  return verifyRegistration(response, place);
}

/** A passkey that was verified, and whose it becomes. */
export interface NewPasskey {
  readonly passkey: RegisteredPasskey;
  readonly owner: IdentityKey;
  readonly place: RegistrationPlace;
  readonly actor: EventActor;
  readonly traceId: Buffer;
  /** the header of the browser that made it */
  readonly userAgent: string | undefined;
}

/** A passkey that is stored, once its transaction is. */
export interface StoredPasskey {
  readonly credentialId: string;
  /** the mail that tells its owner, to be tried then (`deliverSoon`); undefined for whoever has no address */
  readonly noticeKey: OutgoingMailKey | undefined;
}

/**
 * Stores a passkey with the event that says so and the mail that tells its owner, in the caller's transaction.
 *
 * @returns undefined where the person has as many as there may be, or may not log in any more
 * @throws a conflict on `credentials_webauthn_id` where the realm knows it already
 */
export async function storePasskey(
  { deps }: Pick<LoginServices, "deps">,
  db: Queryable,
  { passkey, owner, place, actor, traceId, userAgent }: NewPasskey,
): Promise<StoredPasskey | undefined> {
  const { tenantId, realmId, identityId } = owner;
  const rpId = place.relyingParty.id;
  // Kept as it is until the passkey is there: whoever suspends or deletes the person meanwhile waits, and so does another passkey.
  const person = await holdIdentity(db, owner);
  if (person?.status !== "active") return undefined;
  if ((await listUsableCredentials(db, owner, rpId)).length >= PASSKEYS_MAX) return undefined;
  const credentialId = hexId(deps.random);
  const { webauthnId, publicJwk, signCount, aaguid, isBackupEligible, isBackedUp, transports } = passkey;
  const nowMs = deps.clock.nowMs();
  const displayName = authenticatorName(aaguid) ?? "Passkey";
  const credential = {
    ...({ identityId, csrType: "FIDO2", publicJwk, displayName } as const),
    authenticatorConfigId: place.authenticatorConfigId,
    webauthn: { webauthnId, rpId, aaguid, signCount, isBackupEligible, isBackedUp, transports },
  };
  await insertCredential(db, { tenantId, realmId, credentialId }, credential, nowMs);
  const facts = { identity_id: identityId, state: "ACTIVE", authenticator: displayName };
  const resource = { type: "Credential", id: credentialId };
  const source = { actor, traceId, atMs: nowMs };
  const event = { type: "CredentialChange", action: "CREATE", realmId, resource, facts } as const;
  await insertEvents(db, tenantId, [{ ...event, ...source }]);
  const change = { owner, credentialId, passkeyName: displayName, source, userAgent };
  const noticeKey = await queuePasskeyNotice(deps, db, { kind: "PASSKEY_ADDED", ...change });
  return { credentialId, noticeKey };
}
