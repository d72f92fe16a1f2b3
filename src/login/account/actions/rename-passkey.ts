import type { FormFields } from "../../../http/page-form.ts";
import { type Credential, findCredential, renameCredential } from "../../../resources/credential/queries.ts";
import { insertEvents } from "../../../resources/event/queries.ts";
import { transactionWithEvents } from "../../../resources/event-transaction.ts";
import { readPasskeyName } from "../../passkey/passkey-name.ts";
import { renamePasskeyPage } from "../rename-passkey-page.ts";
import { type AccountVisit, sourceOf } from "../visit.ts";
import type { AccountAction } from "./action.ts";
import { readCredentialKey } from "./read-credential-key.ts";

/** The person wants to call a passkey something else. */
export const renamePasskey: AccountAction = {
  name: "rename_passkey",
  needsRecent: true,
  changesPasskeys: true,
  act: async (visit, fields) => {
    const passkey = await findOwn(visit, fields);
    return passkey === undefined ? { kind: "done" } : { kind: "page", page: renamePasskeyPage(visit, passkey) };
  },
};

/** The name is typed. By names people choose what they remove: nobody gives them who may not remove. */
export const namePasskey: AccountAction = {
  name: "name_passkey",
  needsRecent: true,
  changesPasskeys: true,
  act: async (visit, fields) => {
    const passkey = await findOwn(visit, fields);
    if (passkey === undefined) return { kind: "done" };
    const displayName = readPasskeyName(fields.get("name"));
    if (displayName === undefined) {
      return { kind: "page", page: renamePasskeyPage(visit, passkey, fields.get("name") ?? "") };
    }
    await rename(visit, passkey, displayName);
    return { kind: "done", notice: "passkeyRenamed" };
  },
};

async function findOwn(visit: AccountVisit, fields: FormFields): Promise<Credential | undefined> {
  const { services, realm, session } = visit;
  const key = readCredentialKey(realm, fields);
  const found =
    key && (await findCredential(services.deps.database.tenants([realm.tenantId]), key, session.identityId));
  return found?.state === "ACTIVE" ? found : undefined;
}

async function rename(visit: AccountVisit, passkey: Credential, displayName: string): Promise<void> {
  const { tenantId, realmId, credentialId } = passkey.key;
  const source = sourceOf(visit);
  await transactionWithEvents(visit.services.deps, tenantId, async (db) => {
    if (!(await renameCredential(db, passkey, { displayName, atMs: source.atMs }))) return;
    const event = { type: "CredentialChange", action: "UPDATE", realmId } as const;
    const facts = { identity_id: passkey.identityId, changed: ["display_name"] };
    await insertEvents(db, tenantId, [
      { ...event, ...source, resource: { type: "Credential", id: credentialId }, facts },
    ]);
  });
}
