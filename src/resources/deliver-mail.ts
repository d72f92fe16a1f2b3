import type { Deps } from "../deps.ts";
import type { Mail } from "../platform/mail.ts";
import { hexId } from "../platform/random.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { insertMail } from "./mail/queries.ts";

/** What delivering a mail needs of the world. */
export type MailDeps = Pick<Deps, "database" | "clock" | "mail" | "random">;

/** Whose mail it is. */
export interface MailOwner {
  readonly realm: RealmKey;
  readonly tenantKind: "production" | "test";
}

/** Sends a mail, or keeps it where the tenant is a test tenant (rule 41). Throws when the mail server does not take it. */
export async function deliverMail(deps: MailDeps, { realm, tenantKind }: MailOwner, mail: Mail): Promise<void> {
  const { database, clock, mail: transport, random } = deps;
  if (tenantKind !== "test") return transport.send(mail);
  const stored = { mailId: hexId(random), recipient: mail.to, subject: mail.subject, body: mail.text };
  await insertMail(database.tenants([realm.tenantId]), realm, { ...stored, createdAtMs: clock.nowMs() });
}
