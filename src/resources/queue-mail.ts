import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import type { Mail } from "../platform/mail.ts";
import { hexId } from "../platform/random.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { insertOutgoingMail, type NewOutgoingMail, type OutgoingMailKey } from "./outgoing-mail/queries.ts";
import { sealMail } from "./outgoing-mail/rules.ts";

/** A mail to be sent, with what it is about. */
export interface QueuedMail extends Omit<NewOutgoingMail, "contentSealed"> {
  readonly mail: Mail;
  /** of a mail with a one-time code: sent only as long as this is the code that works */
  readonly codeHash?: Uint8Array;
}

/**
 * Stores a mail in the transaction of what it announces, so that neither is without the other. Once that is durable it can be
 * tried (deliver-mail.ts); what is not, a job sends.
 */
export async function queueMail(
  { clock, random, sealer }: Pick<Deps, "clock" | "random" | "sealer">,
  db: Queryable,
  realm: RealmKey,
  { mail, codeHash, ...queued }: QueuedMail,
): Promise<OutgoingMailKey> {
  const { tenantId, realmId } = realm;
  const key = { tenantId, realmId, mailId: hexId(random) };
  const hash = codeHash === undefined ? {} : { codeHash: Buffer.from(codeHash).toString("hex") };
  const contentSealed = sealMail(sealer, key, { ...mail, ...hash });
  await insertOutgoingMail(db, key, { ...queued, contentSealed }, clock.nowMs());
  return key;
}
