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
  const { realm, client } = visit.context;
  return {
    ...place,
    challenge,
    realmName: realm.displayName,
    authenticatorConfigId: client.authenticatorConfigId,
  };
}

/** Whether a person who logged in by mail is asked to make a passkey: who has one here is not, and an application's own pages ask themselves. */
export async function isPasskeyOffered(visit: Visit, person: IdentityKey): Promise<boolean> {
  return visit.stored.embedded === undefined && (await lacksPasskey(visit, person));
}

/** Whether a person has no passkey where this login is, and could have one. */
export async function lacksPasskey(visit: Visit, person: IdentityKey): Promise<boolean> {
  const place = registrationPlaceOf(visit);
  if (place === undefined) return false;
  const db = visit.services.deps.database.tenants([person.tenantId]);
  return (await listUsableCredentials(db, person, place.relyingParty.id)).length === 0;
}
