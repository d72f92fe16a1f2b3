import { SMTPServer } from "smtp-server";

/** What a mail server says to the recipient of a mail. `hold` says nothing until it is told to. */
export type MailAnswer = "take" | "defer" | "refuse" | "hold";

/** A mail as it arrived. */
export interface ArrivedMail {
  readonly to: readonly string[];
  readonly raw: string;
}

/** A mail server of the tests. */
export interface TestMailServer {
  readonly url: string;
  readonly arrived: readonly ArrivedMail[];
  /** how often it was asked to take a mail */
  readonly asked: () => number;
  answer(answer: MailAnswer): void;
  stop(): Promise<void>;
}

// RFC 5321 §4.2.3; a server's words name the address.
const SAYINGS = {
  defer: { responseCode: 450, message: "mailbox of <ada@example.com> is busy" },
  refuse: { responseCode: 550, message: "<ada@example.com>: no such user" },
} as const;

/** Starts one that takes every mail. */
export async function startMailServer(): Promise<TestMailServer> {
  const arrived: ArrivedMail[] = [];
  const held: (() => void)[] = [];
  let current: MailAnswer = "take";
  let asked = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onRcptTo: (_address, _session, done) => {
      asked += 1;
      if (current === "hold") held.push(() => done());
      else if (current === "take") done();
      else done(Object.assign(new Error(SAYINGS[current].message), SAYINGS[current]));
    },
    onData: (stream, { envelope }, done) => {
      const parts: Buffer[] = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => {
        const to = envelope.rcptTo.map(({ address }) => address);
        arrived.push({ to, raw: Buffer.concat(parts).toString("utf8") });
        done();
      });
    },
  });
  server.on("error", () => undefined); // a client that goes away
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const address = listening.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  return {
    url: `smtp://127.0.0.1:${port}`,
    arrived,
    asked: () => asked,
    answer: (answer) => {
      current = answer;
      if (answer === "take") for (const go of held.splice(0)) go();
    },
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
