import type { Queryable } from "../database/database.ts";
import type { MailLook } from "../http/mail-layout.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { findRealmLook } from "./theme/queries.ts";
import { mailLookOf, THEME_DEFAULTS } from "./theme/rules.ts";

/** Reads how the mails of a realm look. Undefined when there is no such realm. */
export async function readMailLook(db: Queryable, realm: RealmKey): Promise<MailLook | undefined> {
  const found = await findRealmLook(db, realm);
  return found && mailLookOf(found.theme?.settings ?? THEME_DEFAULTS, found.realmName);
}
