import { oldestOpen } from "../../protocol/session.ts";
import { listConsents, listUnaskedAccess, type UnaskedAccess } from "../../resources/consent/queries.ts";
import { type Credential, listActiveCredentials } from "../../resources/credential/queries.ts";
import { listOpenSessions, type Session } from "../../resources/session/queries.ts";
import { findPasskeyPlace } from "./passkey-place.ts";
import type { AccountVisit } from "./visit.ts";

/** What a person has let an application have. */
export type NamedConsent = Awaited<ReturnType<typeof listConsents>>[number];

/** What the page shows of an account. */
export interface Account {
  /** the browser's own is the first */
  readonly sessions: readonly Session[];
  readonly passkeys: readonly Credential[];
  /** whether another one can be made here */
  readonly takesPasskeys: boolean;
  readonly consents: readonly NamedConsent[];
  /** applications that have something of the person, who was not asked */
  readonly unasked: readonly UnaskedAccess[];
}

/** Reads what belongs to the person who is at the page. */
export async function readAccount(visit: AccountVisit): Promise<Account> {
  const { services, realm, session, sessionPolicy, now } = visit;
  const db = services.deps.database.tenants([realm.tenantId]);
  const person = { ...realm, identityId: session.identityId };
  const [open, passkeys, consents, unasked] = await Promise.all([
    listOpenSessions(db, person, oldestOpen(sessionPolicy, undefined, now)),
    listActiveCredentials(db, person),
    listConsents(db, person),
    listUnaskedAccess(db, person, now),
  ]);
  const others = open.filter(({ key }) => key.sessionId !== session.key.sessionId);
  return {
    sessions: [session, ...others],
    passkeys,
    takesPasskeys: findPasskeyPlace(visit) !== undefined,
    consents,
    unasked,
  };
}
