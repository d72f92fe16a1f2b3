import { type RealmKey, realmPath } from "../protocol/client-metadata.ts";

/** Where people look after their own account in a realm. */
export function accountPath(realm: RealmKey): string {
  return `/authenticator${realmPath(realm)}/account`;
}

/** Where a login to that page begins. */
export function accountLoginPath(realm: RealmKey): string {
  return `${accountPath(realm)}/login`;
}
