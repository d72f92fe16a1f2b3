import type { FormFields } from "../../../http/page-form.ts";
import type { RealmKey } from "../../../protocol/client-metadata.ts";
import { HEX_ID } from "../../../protocol/id-grammar.ts";
import type { CredentialKey } from "../../../resources/credential/queries.ts";

/** The passkey that a form names; whose it is, the statements ask. */
export function readCredentialKey(realm: RealmKey, fields: FormFields): CredentialKey | undefined {
  const credentialId = fields.get("credential_id") ?? "";
  return HEX_ID.test(credentialId) ? { ...realm, credentialId } : undefined;
}
