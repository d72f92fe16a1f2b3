// The link of a credential binding job: made, and mailed.

import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { html } from "../http/html.ts";
import { sha256 } from "../platform/hash.ts";
import { inOneLine, type Mail } from "../platform/mail.ts";
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
export function composeInvitation({ realmName, theme, person }: BindingPlace, link: string): Mail {
  const realm = inOneLine(realmName);
  const name = inOneLine(person.displayName);
  const help = theme.support_url === undefined ? [] : [`Help: ${theme.support_url}`, ""];
  const text = [
    `Hello ${name},`,
    "",
    `open this link on the device that you want to sign in to ${realm} with, to set up a passkey there:`,
    "",
    link,
    "",
    `It works for ${DAYS} days, once. Whoever has it can sign in as you: do not pass it on.`,
    "If you did not expect this mail, delete it: nothing happens.",
    "",
    ...help,
  ].join("\n");
  const to = person.address ?? "";
  return { to, subject: `Set up your passkey for ${realm}`, text, html: composeHtml({ realm, name, link, theme }) };
}

function composeHtml({
  realm,
  name,
  link,
  theme,
}: {
  readonly realm: string;
  readonly name: string;
  readonly link: string;
  readonly theme: BindingPlace["theme"];
}): string {
  const { button_color, button_text_color, logo_url_light, support_url } = theme;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Set up your passkey</title></head>
<body style="margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif">
<div style="max-width:440px;margin:0 auto">${
    logo_url_light === undefined
      ? undefined
      : html`
<p style="margin:0 0 16px"><img src="${logo_url_light}" alt="${realm}" height="40"></p>`
  }
<p style="margin:0 0 16px">Hello ${name},</p>
<p style="margin:0 0 16px">open this link on the device that you want to sign in to <strong>${realm}</strong> with, to set up a passkey there:</p>
<p style="margin:0 0 16px"><a href="${link}" style="display:inline-block;padding:10px 20px;border-radius:6px;text-decoration:none;background:${button_color};color:${button_text_color}">Set up your passkey</a></p>
<p style="margin:0;font-size:14px;opacity:.75">It works for ${DAYS} days, once. Whoever has it can sign in as you: do not pass it on. If you did
not expect this mail, delete it: nothing happens.</p>${
    support_url === undefined
      ? undefined
      : html`
<p style="margin:16px 0 0;font-size:14px"><a href="${support_url}">Help</a></p>`
  }
</div></body></html>
`.markup;
}
