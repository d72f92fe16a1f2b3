import type { Queryable } from "../../../database/database.ts";
import { headerOf } from "../../../http/route.ts";
import {
  type Credential,
  type CredentialKey,
  holdCredential,
  listActiveCredentials,
  revokeCredential,
} from "../../../resources/credential/queries.ts";
import { deliverSoon } from "../../../resources/deliver-mail.ts";
import { insertEvents } from "../../../resources/event/queries.ts";
import { transactionWithEvents } from "../../../resources/event-transaction.ts";
import { holdIdentity } from "../../../resources/identity/queries.ts";
import type { OutgoingMailKey } from "../../../resources/outgoing-mail/queries.ts";
import { queuePasskeyNotice } from "../../../resources/passkey-notice.ts";
import { lastPasskeyPage } from "../last-passkey-page.ts";
import { type AccountVisit, sourceOf } from "../visit.ts";
import type { AccountAction } from "./action.ts";
import { readCredentialKey } from "./read-credential-key.ts";

/** The person removes a passkey: nobody logs in with it any more, from this moment. The last one goes only after a warning. */
export const removePasskey: AccountAction = {
  name: "remove_passkey",
  needsRecent: true,
  changesPasskeys: true,
  act: async (visit, fields) => {
    const key = readCredentialKey(visit.realm, fields);
    if (key === undefined) return { kind: "done", notice: "passkeyRemoved" };
    const isWarned = fields.get("last") === "yes";
    const { deps, afterReply } = visit.services;
    const { last, mailKey } = await transactionWithEvents(deps, visit.realm.tenantId, (db) =>
      remove(visit, db, { key, isWarned }),
    );
    if (last !== undefined) return { kind: "page", page: lastPasskeyPage(visit, last) };
    if (mailKey !== undefined) deliverSoon(afterReply, deps, mailKey);
    return { kind: "done", notice: "passkeyRemoved" };
  },
};

interface Removal {
  readonly key: CredentialKey;
  /** whether the person has read what it means to have none */
  readonly isWarned: boolean;
}

interface Removed {
  /** the passkey that was left, because it is the last and the person has not been warned */
  readonly last?: Credential;
  /** what tells the person, once it is durable */
  readonly mailKey?: OutgoingMailKey | undefined;
}

async function remove(visit: AccountVisit, db: Queryable, { key, isWarned }: Removal): Promise<Removed> {
  const owner = { ...visit.realm, identityId: visit.session.identityId };
  // One at a time: of two that are removed at once the second one is the last, and is known as that.
  await holdIdentity(db, owner);
  const credential = await holdCredential(db, key, owner.identityId);
  if (credential === undefined || credential.state !== "ACTIVE") return {};
  if (!isWarned && (await listActiveCredentials(db, owner)).length === 1) return { last: credential };
  const source = sourceOf(visit);
  await revokeCredential(db, key, source.atMs);
  const event = { type: "CredentialChange", action: "UPDATE", realmId: key.realmId } as const;
  const resource = { type: "Credential", id: key.credentialId };
  const facts = { identity_id: owner.identityId, state: "REVOKED" };
  await insertEvents(db, key.tenantId, [{ ...event, ...source, resource, facts }]);
  const mailKey = await queuePasskeyNotice(visit.services.deps, db, {
    ...{ kind: "PASSKEY_REMOVED", owner, source },
    credentialId: key.credentialId,
    passkeyName: credential.displayName,
    userAgent: headerOf(visit.http, "user-agent"),
  });
  return { mailKey };
}
