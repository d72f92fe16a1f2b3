import { html } from "../http/html.ts";
import { inOneLine, type Mail } from "../platform/mail.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { deliverSoon } from "../resources/deliver-mail.ts";
import type { EventSource } from "../resources/event-source.ts";
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

async function mailCode(visit: Visit, { emailKey, code, codeHash, expiresAt }: SentCode): Promise<void> {
  const { deps, afterReply } = visit.services;
  const { context } = visit;
  const { key } = context;
  try {
    const holder = await findAddressHolder(visit.services, context, emailKey);
    if (holder.kind === "nobody") {
      recordLogin(visit, "code_not_sent", { cause: holder.cause, identity_id: holder.identityId });
      return;
    }
    const identityId = holder.kind === "identity" ? holder.identity.key.identityId : undefined;
    const mail = composeCodeMail(context, recipientOf(holder, emailKey), code);
    const about = { kind: "ONE_TIME_CODE", identityId, aboutId: visit.stored.id, source: sourceOf(visit) } as const;
    const queued = { ...about, expiresAt, mail, codeHash };
    const mailKey = await queueMail(deps, deps.database.tenants([key.tenantId]), key, queued);
    deliverSoon(afterReply, deps, mailKey);
    recordLogin(visit, "code_sent", { identity_id: identityId });
  } catch (error) {
    deps.log.error(
      { trace_id: Buffer.from(visit.http.traceId).toString("hex"), err: error },
      "a code could not be mailed",
    );
    recordLogin(visit, "code_not_sent", { cause: "the mail could not be stored; the log says why" });
  }
}

function sourceOf({ http, services }: Visit): EventSource {
  const { traceId, correlationId } = http;
  return { actor: { type: "Anonymous" }, traceId, correlationId, atMs: services.deps.clock.nowMs() };
}

// To the address on record, never to what was typed: two spellings with one key may be two mailboxes.
function recipientOf(holder: Exclude<AddressHolder, { kind: "nobody" }>, emailKey: string): string {
  return holder.kind === "newcomer" ? emailKey : (holder.identity.traits.primary_email_address ?? emailKey);
}

/** The mail that brings a code. */
export function composeCodeMail(context: ApplicationContext, to: string, code: string): Mail {
  const application = inOneLine(context.client.displayName);
  const realm = inOneLine(context.realm.displayName);
  const text = [
    `Your code for signing in to ${application}:`,
    "",
    `    ${code}`,
    "",
    `It works for ${MINUTES} minutes, once, and only in the browser where you asked for it.`,
    "",
    `Application: ${application}`,
    `Realm: ${realm}`,
    "",
    "If this was not you: somebody typed your address there. Without this code nobody can sign in with it, so do not pass it on;",
    "you can delete this mail.",
    "",
  ].join("\n");
  return { to, subject: `Your sign-in code for ${application}`, text, html: composeHtml({ application, realm, code }) };
}

function composeHtml({
  application,
  realm,
  code,
}: {
  readonly application: string;
  readonly realm: string;
  readonly code: string;
}): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Your sign-in code</title></head>
<body style="margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif">
<div style="max-width:440px;margin:0 auto">
<p style="margin:0 0 16px">Your code for signing in to <strong>${application}</strong>:</p>
<p style="margin:0 0 16px;font-size:32px;font-weight:600;letter-spacing:6px">${code}</p>
<p style="margin:0 0 16px">It works for ${MINUTES} minutes, once, and only in the browser where you asked for it.</p>
<p style="margin:0;font-size:14px;opacity:.75">Realm: ${realm}. If this was not you: somebody typed your address there. Without this
code nobody can sign in with it, so do not pass it on; you can delete this mail.</p>
</div></body></html>
`.markup;
}
