import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { isMailAddress } from "./addresses.ts";
import type { Clock } from "./clock.ts";
import { type Random, uuid } from "./random.ts";

/** A mail to one person. */
export interface Mail {
  /** one address, without a name */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

/** Where mails go. */
export interface MailTransport {
  /**
   * Resolves when the mail server has taken the mail, or the file is there. Throws otherwise, after `SEND_MS_MAX` at the latest: then
   * nothing of the mail is under way any more.
   */
  send(mail: Mail): Promise<void>;
  /** Lets what is being sent finish, and closes every connection. */
  close(): void;
}

export interface MailOptions {
  /** `smtp://` or `smtps://`; undefined: mails are written to the outbox directory (specification section 8) */
  readonly smtpUrl: string | undefined;
  readonly from: string;
  readonly outboxDirectory: string;
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
  /** as long as one mail may take; `SEND_MS_MAX` if absent */
  readonly sendMsMax?: number;
}

/** A name for a header or a line of a mail: it must not write lines of its own into either. */
export function inOneLine(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}

/** So long a mail server may take for one mail, however slowly it answers. */
export const SEND_MS_MAX = 30_000;
/** As many as mails are tried at once: by a job, and right after replies. */
const CONNECTIONS_MAX = 8;
const TIMEOUT_MS = 10_000;
const TIMEOUTS = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
const SUBJECT_CHARACTERS_MAX = 200;
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** Mails by SMTP if a server is configured, else as `.eml` files that only this user can read (rule 25). */
export function createMailTransport(options: MailOptions): MailTransport {
  return options.smtpUrl === undefined ? createOutbox(options) : createSmtp(options, options.smtpUrl);
}

/** Greets a mail server and authenticates to it, without sending anything. Throws when it does not take us. */
export async function checkMailServer(smtpUrl: string): Promise<void> {
  const transport = createTransport({ url: smtpUrl, ...TIMEOUTS, ...NO_FETCHING });
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

function createSmtp(options: MailOptions, url: string): MailTransport {
  const transport = createTransport({ url, pool: true, maxConnections: CONNECTIONS_MAX, ...TIMEOUTS, ...NO_FETCHING });
  return {
    send: async (mail) => {
      const signal = AbortSignal.timeout(options.sendMsMax ?? SEND_MS_MAX);
      await transport.sendMail({ ...compose(options, mail), signal });
    },
    close: () => transport.close(),
  };
}

function createOutbox(options: MailOptions): MailTransport {
  const transport = createTransport({ streamTransport: true, buffer: true, ...NO_FETCHING });
  return {
    send: async (mail) => {
      const { message } = await transport.sendMail(compose(options, mail));
      if (!Buffer.isBuffer(message)) throw new Error("the mail was composed as a stream");
      await writeWhole(options, message);
    },
    close: () => transport.close(),
  };
}

// A mail's content comes from text alone: nothing in it may name a file or a URL to be read.
const NO_FETCHING = { disableFileAccess: true, disableUrlAccess: true } as const;

function compose(options: MailOptions, mail: Mail) {
  if (!isMailAddress(mail.to)) throw new RangeError("not one mail address");
  if (mail.subject.length > SUBJECT_CHARACTERS_MAX) throw new RangeError("the subject of a mail is too long");
  if (CONTROL.test(mail.subject)) throw new RangeError("the subject of a mail holds a control character");
  const domain = options.from.slice(options.from.lastIndexOf("@") + 1).replace(/[^A-Za-z0-9.-]/g, "");
  return {
    from: options.from,
    to: { name: "", address: mail.to },
    subject: mail.subject,
    text: mail.text,
    ...(mail.html === undefined ? {} : { html: mail.html }),
    date: new Date(options.clock.nowMs()),
    messageId: `<${uuid(options.random)}@${domain}>`,
    headers: { "Auto-Submitted": "auto-generated" }, // RFC 3834 §5: no vacation answers to us
  };
}

// Under another name first: who lists the outbox sees whole mails only.
async function writeWhole(options: MailOptions, message: Buffer): Promise<void> {
  await mkdir(options.outboxDirectory, { recursive: true, mode: 0o700 });
  const instant = new Date(options.clock.nowMs()).toISOString().replaceAll(":", "-");
  const path = join(options.outboxDirectory, `${instant}-${options.random.bytes(4).toString("hex")}`);
  const file = await open(`${path}.tmp`, "wx", 0o600);
  try {
    await file.writeFile(message);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, `${path}.eml`);
}
