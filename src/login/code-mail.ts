import { composeMail, type MailLook } from "../http/mail-layout.ts";
import { textsIn } from "../http/texts/index.ts";
import type { Mail } from "../platform/mail.ts";
import type { Language } from "../protocol/language.ts";
import { deliverSoon } from "../resources/deliver-mail.ts";
import { readMailLook } from "../resources/mail-look.ts";
import { queueMail } from "../resources/queue-mail.ts";
import { type AddressHolder, findAddressHolder } from "./address-holder.ts";
import { CODE_LIFETIME_SECONDS } from "./one-time-code.ts";
import { recordLogin, type Visit } from "./visit.ts";

const MINUTES = CODE_LIFETIME_SECONDS / 60;

/** A code on its way to a mailbox. */
interface SentCode {
  readonly emailKey: string;
  readonly code: string;
  /** what the login compares it with: once that is another's, this one is not sent any more */
  readonly codeHash: Uint8Array;
  /** seconds of tenant time */
  readonly expiresAt: number;
}

/**
 * Mails a code after the page was answered, and looks up only then to whom: neither the answer nor how long it takes tells who
 * has an account. Whether there is anybody is in the decision, and what becomes of the mail in its event.
 */
export function mailCodeLater(visit: Visit, sent: SentCode): void {
  const taken = visit.services.afterReply.start(() => mailCode(visit, sent));
  if (taken) return;
  visit.services.deps.log.error("a code was not mailed: too many mails are waiting");
  recordLogin(visit, "code_not_sent", { cause: "too many mails are waiting" });
}

async function mailCode(visit: Visit, sent: SentCode): Promise<void> {
  const { log } = visit.services.deps;
  try {
    const holder = await findAddressHolder(visit.services, visit.context, sent.emailKey);
    if (holder.kind === "nobody") {
      recordLogin(visit, "code_not_sent", { cause: holder.cause, identity_id: holder.identityId });
      return;
    }
    if (holder.kind === "newcomer" && !(await visit.services.loginLimiter.admitNewcomer(visit.context.key))) {
      recordLogin(visit, "code_not_sent", { cause: "too many newcomers ask for codes in this minute" });
      return;
    }
    const identityId = holder.kind === "identity" ? holder.identity.key.identityId : undefined;
    await queueCode(visit, sent, { to: recipientOf(holder, sent.emailKey), identityId });
    recordLogin(visit, "code_sent", { identity_id: identityId });
  } catch (error) {
    const trace_id = Buffer.from(visit.http.traceId).toString("hex");
    log.error({ trace_id, err: error }, "a code could not be mailed");
    recordLogin(visit, "code_not_sent", { cause: "the mail could not be stored; the log says why" });
  }
}

async function queueCode(
  { services, context, texts, stored, http }: Visit,
  { code, codeHash, expiresAt }: SentCode,
  { to, identityId }: { readonly to: string; readonly identityId: string | undefined },
): Promise<void> {
  const { deps, afterReply } = services;
  const { traceId, correlationId } = http;
  const db = deps.database.tenants([context.key.tenantId]);
  const look = await readMailLook(db, context.key);
  if (look === undefined) return; // deleted meanwhile
  const application = context.name;
  const mail = composeCodeMail({ to, code, application, language: texts.language, look });
  const source = { actor: { type: "Anonymous" }, traceId, correlationId, atMs: deps.clock.nowMs() } as const;
  const about = { kind: "ONE_TIME_CODE", identityId, aboutId: stored.id, source } as const;
  deliverSoon(afterReply, deps, await queueMail(deps, db, context.key, { ...about, expiresAt, mail, codeHash }));
}

// To the address on record, never to what was typed: two spellings with one key may be two mailboxes.
function recipientOf(holder: Exclude<AddressHolder, { kind: "nobody" }>, emailKey: string): string {
  return holder.kind === "newcomer" ? emailKey : (holder.identity.traits.primary_email_address ?? emailKey);
}

/** What a code's mail is made of. */
export interface CodeMail {
  readonly to: string;
  readonly code: string;
  /** of the application that is signed in to */
  readonly application: string;
  readonly language: Language;
  readonly look: MailLook;
}

/** The mail that brings a code. */
export function composeCodeMail({ to, code, application, language, look }: CodeMail): Mail {
  const { code: texts } = textsIn(language).mail;
  return composeMail({
    to,
    language,
    subject: texts.subject(application),
    heading: texts.heading,
    look,
    blocks: [
      { kind: "paragraph", text: texts.intro(application) },
      { kind: "code", code },
      { kind: "paragraph", text: texts.validity(MINUTES) },
      {
        kind: "facts",
        rows: [
          ...(application === look.realmName ? [] : [[texts.application, application] as const]),
          [texts.realm, look.realmName],
        ],
      },
      { kind: "note", text: texts.warning },
    ],
  });
}
