// The link of a credential binding job: made, and mailed.

import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { composeMail } from "../http/mail-layout.ts";
import { textsIn } from "../http/texts/index.ts";
import { sha256 } from "../platform/hash.ts";
import type { Mail } from "../platform/mail.ts";
import type { Random } from "../platform/random.ts";
import { realmPath } from "../protocol/client-metadata.ts";
import { formatLinkToken, SECRET_BYTES } from "../protocol/opaque-token.ts";
import type { BindingPlace } from "./binding-place/queries.ts";
import type { BindingJobKey } from "./credential-binding-job/queries.ts";
import { BINDING_LIFETIME_SECONDS } from "./credential-binding-job/rules.ts";
import type { EventSource } from "./event-source.ts";
import type { OutgoingMailKey } from "./outgoing-mail/queries.ts";
import { queueMail } from "./queue-mail.ts";

const DAYS = BINDING_LIFETIME_SECONDS / 86_400;

/** A token for a link, and its SHA-256, which is all that is stored. */
export interface LinkToken {
  readonly token: string;
  readonly hash: Buffer;
}

/** Makes a token of 256 random bits. */
export function newLinkToken(random: Random): LinkToken {
  const token = formatLinkToken(random.bytes(SECRET_BYTES));
  return { token, hash: sha256(token) };
}

/** A link's token, with the job that it opens. */
export interface BindingLink {
  readonly key: BindingJobKey;
  readonly identityId: string;
  readonly token: string;
}

/** The link that a person opens (reference 3.2). */
export function formatBindingLink(publicUrl: string, { key, identityId, token }: BindingLink): string {
  const job = `${publicUrl}${realmPath(key)}/identities/${identityId}/credential-binding-jobs/${key.jobId}`;
  return `${job}:invokeAuthenticator?token=${token}`;
}

/** A link on its way to a person's mailbox. */
export interface Invitation extends BindingLink {
  readonly place: BindingPlace;
  /** who asked for it, for the event of its mail */
  readonly source: EventSource;
  /** seconds of tenant time: when the link ends */
  readonly expiresAt: number;
}

/** Stores the mail that brings a link, in the transaction that makes the link. */
export function queueInvitation(
  deps: Pick<Deps, "config" | "clock" | "random" | "sealer">,
  db: Queryable,
  invitation: Invitation,
): Promise<OutgoingMailKey> {
  const { key, identityId, place, source, expiresAt } = invitation;
  const mail = composeInvitation(place, formatBindingLink(deps.config.publicUrl, invitation));
  return queueMail(deps, db, key, { kind: "BINDING_LINK", identityId, aboutId: key.jobId, source, expiresAt, mail });
}

/** The mail that brings a link. */
export function composeInvitation({ look, person }: Pick<BindingPlace, "look" | "person">, link: string): Mail {
  const { mail } = textsIn(person.language);
  const { subject, heading, intro, button, validity, warning } = mail.bindingLink;
  return composeMail({
    to: person.address ?? "",
    language: person.language,
    subject: subject(look.realmName),
    heading,
    look,
    blocks: [
      { kind: "paragraph", text: mail.hello(person.displayName) },
      { kind: "paragraph", text: intro(look.realmName) },
      { kind: "button", label: button, url: link },
      { kind: "note", text: validity(DAYS) },
      { kind: "note", text: warning },
    ],
  });
}
