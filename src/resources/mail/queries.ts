import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";

/** A mail of a test tenant: kept and readable, never sent (rule 41). */
export interface StoredMail {
  readonly mailId: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  /** milliseconds of real time */
  readonly createdAtMs: number;
}

/** The most mails that one list answers. */
const MAILS_LISTED_MAX = 200;

// The statement asks for the tenant's kind itself: whatever a caller forgets, no production tenant's mail is ever kept.
const insert = statement(
  "mail.insert",
  `INSERT INTO mails (tenant_id, realm_id, mail_id, recipient, subject, body, created_at_ms)
   SELECT $1, $2, $3, $4, $5, $6, $7::bigint FROM tenants WHERE tenant_id = $1 AND kind = 'test'
   RETURNING mail_id`,
);

const listNewest = statement(
  "mail.list_newest",
  `SELECT mail_id, recipient, subject, body, created_at_ms FROM mails
    WHERE tenant_id = $1 AND realm_id = $2
    ORDER BY created_at_ms DESC, mail_id DESC LIMIT $3`,
);

/** Keeps a mail instead of sending it. Tells whether it did: never in a production tenant (rule 41). */
export async function insertMail(db: Queryable, realm: RealmKey, mail: StoredMail): Promise<boolean> {
  const { mailId, recipient, subject, body, createdAtMs } = mail;
  const values = [realm.tenantId, realm.realmId, mailId, recipient, subject, body, createdAtMs];
  return (await db.run(insert, values)).length > 0;
}

/** The newest mails of a realm, newest first, at most `limit` and never more than `MAILS_LISTED_MAX`. */
export async function listMails(db: Queryable, realm: RealmKey, limit: number): Promise<StoredMail[]> {
  const rows = await db.run(listNewest, [realm.tenantId, realm.realmId, Math.min(limit, MAILS_LISTED_MAX)]);
  return rows.map(toMail);
}

/** Forgets at most 1,000 mails of any realm that were kept before then, in real time. Returns how many. */
export function deleteKeptMails(session: OwnerSession, beforeMs: number): Promise<number> {
  return deleteSome(session, "mails", "created_at_ms < $1", [beforeMs]);
}

function toMail(row: Row): StoredMail {
  return {
    mailId: row.mail_id as string,
    recipient: row.recipient as string,
    subject: row.subject as string,
    body: row.body as string,
    createdAtMs: row.created_at_ms as number,
  };
}
