import { hasGrownTooOld } from "../../protocol/session.ts";
import { AUTHORIZATION_REQUEST_LIFETIME_SECONDS } from "../../resources/authorization-request/schema.ts";
import { listUsableCredentials } from "../../resources/credential/queries.ts";
import type { IdentityKey } from "../../resources/identity/queries.ts";
import type { Visit } from "../visit.ts";
import { passkeyPlaceOf } from "./place.ts";
import type { RegistrationPlace } from "./register.ts";

/** Where a person who has just logged in may make a passkey; undefined where none can be made. */
export function registrationPlaceOf(visit: Visit): RegistrationPlace | undefined {
  const place = passkeyPlaceOf(visit);
  const { challenge } = visit.stored;
  if (place === undefined || challenge === undefined) return undefined;
  const { realm, application } = visit.context;
  return {
    ...place,
    challenge,
    realmName: realm.displayName,
    authenticatorConfigId: application?.client.authenticatorConfigId,
  };
}

/**
 * Whether a person who logged in by mail is asked to make a passkey: who has one here is not, and an application's own pages and the
 * account page ask themselves. Nor is anybody kept at it of whom the client wants a login that would have grown too old meanwhile (`max_age`).
 */
export async function isPasskeyOffered(visit: Visit, person: IdentityKey): Promise<boolean> {
  const { embedded, parameters } = visit.stored;
  if (hasGrownTooOld(parameters.maxAgeSeconds, 0, AUTHORIZATION_REQUEST_LIFETIME_SECONDS)) return false;
  if (embedded !== undefined || visit.context.application === undefined) return false;
  return lacksPasskey(visit, person);
}

/** Whether a person has no passkey where this login is, and could have one. */
export async function lacksPasskey(visit: Visit, person: IdentityKey): Promise<boolean> {
  const place = registrationPlaceOf(visit);
  if (place === undefined) return false;
  const db = visit.services.deps.database.tenants([person.tenantId]);
  return (await listUsableCredentials(db, person, place.relyingParty.id)).length === 0;
}
