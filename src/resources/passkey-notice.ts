// What tells a person that a passkey came to the account, or left it.

import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { composeMail, type MailLook } from "../http/mail-layout.ts";
import { textsIn } from "../http/texts/index.ts";
import type { Mail } from "../platform/mail.ts";
import { type Language, languageOfPerson } from "../protocol/language.ts";
import { readUserAgent } from "../protocol/user-agent.ts";
import { accountPath } from "./account-path.ts";
import type { EventSource } from "./event-source.ts";
import { findIdentity, type Identity, type IdentityKey } from "./identity/queries.ts";
import { readMailLook } from "./mail-look.ts";
import type { OutgoingMailKey } from "./outgoing-mail/queries.ts";
import { queueMail } from "./queue-mail.ts";

/** A change of somebody's passkeys. */
export interface PasskeyChange {
  readonly kind: "PASSKEY_ADDED" | "PASSKEY_REMOVED";
  readonly owner: IdentityKey;
  readonly credentialId: string;
  /** as the person knows the passkey */
  readonly passkeyName: string;
  readonly source: EventSource;
  /** the header of the browser in which the person did it; undefined where somebody else did */
  readonly userAgent: string | undefined;
}

/** It may be read whenever it comes; the retries have an end. */
const NEVER_EXPIRES = Number.MAX_SAFE_INTEGER;

/**
 * Stores the mail that tells the owner, in the transaction of the change. Whoever has no address is told nothing.
 *
 * @returns what to try once that is durable (`deliverSoon`)
 */
export async function queuePasskeyNotice(
  deps: Pick<Deps, "config" | "clock" | "random" | "sealer">,
  db: Queryable,
  change: PasskeyChange,
): Promise<OutgoingMailKey | undefined> {
  const { kind, owner, credentialId, source } = change;
  const person = await findIdentity(db, owner);
  const look = await readMailLook(db, owner);
  if (!person?.traits.primary_email_address || look === undefined) return undefined;
  const accountUrl = deps.config.publicUrl + accountPath(owner);
  const mail = composePasskeyNotice({ ...change, accountUrl }, person, look);
  const about = { kind, identityId: owner.identityId, aboutId: credentialId, source };
  return queueMail(deps, db, owner, { ...about, expiresAt: NEVER_EXPIRES, mail });
}

/** What a notice says of a change. */
export interface ToldChange extends Omit<PasskeyChange, "owner" | "credentialId"> {
  /** where the owner sees all passkeys and sessions, and can end them */
  readonly accountUrl: string;
}

/** The mail that tells of a change of passkeys: which, when, in which browser, and what to do if it was somebody else. */
export function composePasskeyNotice(
  { kind, passkeyName, source, userAgent, accountUrl }: ToldChange,
  { displayName, traits }: Pick<Identity, "displayName" | "traits">,
  look: MailLook,
): Mail {
  const language = languageOfPerson(traits);
  const { mail } = textsIn(language);
  const texts = kind === "PASSKEY_ADDED" ? mail.passkeyAdded : mail.passkeyRemoved;
  const browser = readUserAgent(userAgent);
  return composeMail({
    to: traits.primary_email_address ?? "",
    language,
    subject: texts.subject(look.realmName),
    heading: texts.heading,
    look,
    blocks: [
      { kind: "paragraph", text: mail.hello(displayName) },
      { kind: "paragraph", text: texts.intro(look.realmName) },
      {
        kind: "facts",
        rows: [
          [mail.passkey, passkeyName],
          [mail.time, formatTime(source.atMs, language, traits.timezone)],
          ...(browser === undefined ? [] : [[mail.browser, mail.browserOn(browser.browser, browser.system)] as const]),
        ],
      },
      { kind: "paragraph", text: texts.itWasYou },
      { kind: "paragraph", text: texts.itWasNot },
      { kind: "button", label: mail.seeAccount, url: accountUrl },
    ],
  });
}

// In the person's own time zone, if that is one; its name is said with it.
function formatTime(atMs: number, language: Language, timezone: string | undefined): string {
  const parts = { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit" } as const;
  const format = (timeZone: string) =>
    new Intl.DateTimeFormat(language, { ...parts, timeZone, timeZoneName: "short" }).format(atMs);
  try {
    return format(timezone || "UTC");
  } catch {
    return format("UTC"); // RangeError: the trait is any text
  }
}
