import type { Queryable } from "../database/database.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { type LoginMethods, listLoginMethods } from "../resources/authenticator-config/queries.ts";
import { LOGIN_METHODS } from "../resources/authorization-request/schema.ts";
import { findRealm, findRealmFacts, type Realm, type RealmFacts } from "../resources/realm/queries.ts";

/** A realm with an account page, and how people log in to that. */
export interface AccountRealm {
  readonly facts: RealmFacts;
  readonly realm: Realm;
  /** by which people log in to an application of the realm on our pages; none where all of those have pages of their own */
  readonly methods: LoginMethods;
}

/** Reads it as it is at this moment: by the tenant's time it is judged whether a session is open. Undefined: there is no such realm. */
export async function findAccountRealm(db: Queryable, key: RealmKey): Promise<AccountRealm | undefined> {
  const found = [findRealmFacts(db, key), findRealm(db, key), listLoginMethods(db, key)] as const;
  const [facts, realm, methods] = await Promise.all(found);
  if (facts === undefined || realm === undefined) return undefined;
  return { facts, realm, methods: methods.filter(({ type }) => LOGIN_METHODS.some((own) => own === type)) };
}
