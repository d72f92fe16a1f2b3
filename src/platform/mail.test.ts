import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { startMailServer } from "../../test/support/mail-server.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { createMailTransport, type Mail, type MailTransport } from "./mail.ts";
import { judgeMailError } from "./mail-failure.ts";
import { createRandom } from "./random.ts";

const NOW_MS = 1_800_000_000_123;
const mail: Mail = { to: "ada@example.com", subject: "Ihr Code für heute", text: "Your code is 424242.\n" };

async function outbox(t: TestContext): Promise<{ transport: MailTransport; directory: string }> {
  const parent = await mkdtemp(join(tmpdir(), "mayfly-outbox-"));
  t.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, "outbox");
  return { transport: open(undefined, directory), directory };
}

function open(smtpUrl: string | undefined, outboxDirectory: string, sendMsMax?: number): MailTransport {
  const clock = { nowMs: () => NOW_MS };
  const options = { smtpUrl, from: "mayfly@example.com", outboxDirectory, clock, random: createRandom() };
  return createMailTransport(sendMsMax === undefined ? options : { ...options, sendMsMax });
}

interface Received {
  readonly from: string | false;
  readonly to: readonly string[];
  readonly text: string;
}

async function overSmtp(t: TestContext, refusal?: Error): Promise<{ transport: MailTransport; received: Received[] }> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo: (_address, _session, done) => done(refusal),
    onData: (stream, { envelope }, done) => {
      const parts: Buffer[] = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => {
        const from = envelope.mailFrom === false ? false : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({ from, to, text: Buffer.concat(parts).toString("utf8") });
        done();
      });
    },
  });
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const address = listening.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const transport = open(`smtp://127.0.0.1:${port}`, "unused");
  t.after(async () => {
    transport.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { transport, received };
}

test("a mail arrives at an SMTP server with its headers and text", async (t) => {
  const { transport, received } = await overSmtp(t);
  await transport.send({ ...mail, html: "<p>Your code is <b>424242</b>.</p>" });
  assert.equal(received.length, 1);
  assert.equal(received[0]?.from, "mayfly@example.com");
  assert.deepEqual(received[0]?.to, ["ada@example.com"]);
  assert.match(received[0]?.text ?? "", /^To: ada@example\.com\r$/m);
  assert.match(received[0]?.text ?? "", /^Date: Fri, 15 Jan 2027 08:00:00 \+0000\r$/m);
  assert.match(received[0]?.text ?? "", /^Message-ID: <[0-9a-f-]{36}@example\.com>\r$/m);
  assert.match(received[0]?.text ?? "", /Your code is 424242\./);
  assert.match(received[0]?.text ?? "", /<b>424242<\/b>/);
});

test("what the SMTP server refuses is an error of the sender", async (t) => {
  const { transport } = await overSmtp(t, new Error("no such mailbox"));
  await assert.rejects(transport.send(mail), /no such mailbox/);
});

test("without a server each mail is a file that only its owner can read", async (t) => {
  const { transport, directory } = await outbox(t);
  await Promise.all([transport.send(mail), transport.send(mail)]);
  const names = await readdir(directory);
  assert.equal(names.length, 2);
  for (const name of names) {
    assert.match(name, /^2027-01-15T08-00-00\.123Z-[0-9a-f]{8}\.eml$/);
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
    assert.match(await readFile(join(directory, name), "utf8"), /Your code is 424242\./);
  }
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
});

test("an address or subject that would write a header or name a second reader is refused", async (t) => {
  const { transport, directory } = await outbox(t);
  const addresses = [
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nBcc: eve@example.com",
    "ada@example.com, eve@example.com",
    "Ada <ada@example.com>",
    "ada@example.com\u0000",
    '"ada eve"@example.com',
    "ada@eve@example.com",
    "ada",
    `${"a".repeat(320)}@example.com`,
    "",
  ];
  for (const to of addresses) await assert.rejects(transport.send({ ...mail, to }), RangeError);
  for (const subject of ["a\r\nBcc: eve@example.com", "a\nb", "a\u0085b", "a".repeat(201)]) {
    await assert.rejects(transport.send({ ...mail, subject }), RangeError);
  }
  await assert.rejects(readdir(directory), { code: "ENOENT" });
});

test("a text that looks like a header stays a text", async (t) => {
  const { transport, directory } = await outbox(t);
  await transport.send({ ...mail, text: "\r\nBcc: eve@example.com\r\n" });
  const [name = ""] = await readdir(directory);
  const [headers = ""] = (await readFile(join(directory, name), "utf8")).split("\r\n\r\n");
  assert.doesNotMatch(headers, /^Bcc/im);
});

/** Makes the time that a mail may take pass when the test says so. */
function holdTime(t: TestContext): { readonly asked: number[]; pass(): void } {
  const asked: number[] = [];
  const controller = new AbortController();
  t.mock.method(AbortSignal, "timeout", (ms: number) => {
    asked.push(ms);
    return asked.length === 1 ? controller.signal : new AbortController().signal;
  });
  return { asked, pass: () => controller.abort(new DOMException("it took too long", "TimeoutError")) };
}

test("a mail server that says nothing is left in time, and takes nothing of that mail afterwards", async (t) => {
  const mailServer = await startMailServer();
  mailServer.answer("hold");
  const transport = open(mailServer.url, "unused", 200);
  t.after(async () => {
    transport.close();
    await mailServer.stop();
  });
  const time = holdTime(t);
  const sending = assert.rejects(transport.send(mail), (error) => judgeMailError(error).reason === "timeout");
  await waitUntil(() => mailServer.asked() === 1, "the mail server is not asked", { everyMs: 5, msMax: 20_000 });
  time.pass();
  await sending;
  mailServer.answer("take");
  await transport.send({ ...mail, to: "second@example.com" });
  assert.deepEqual(
    mailServer.arrived.map(({ to }) => to),
    [["second@example.com"]],
  );
  assert.deepEqual(time.asked, [200, 200]);
});
