import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

// A network between a server and its PostgreSQL that a test can make slow, silent or broken, at the message it chooses.

/** What a cut does: the statement does not arrive, or is done and committed, and its answer does not arrive. */
export type CutMoment = "before" | "after";

export interface DatabaseProxy {
  /** the database's URL through the proxy */
  readonly url: string;
  /** Delays everything that the database says by so many milliseconds. */
  delay(ms: number): void;
  /** Lets connections stay open and everything in them wait, new connections too, until `resume`. */
  stall(): void;
  resume(): void;
  /** Breaks every connection. */
  cut(): void;
  /** Refuses new connections, or takes them again. */
  refuse(isRefusing: boolean): Promise<void>;
  /**
   * Breaks the connection that next sends one of the statements, so often.
   *
   * @returns how often it has come to that
   */
  cutAt(moment: CutMoment, statements: readonly string[], times?: number): () => number;
  stop(): Promise<void>;
}

interface Cut {
  readonly moment: CutMoment;
  readonly names: readonly Buffer[];
  left: number;
  done: number;
}

/** What all connections through a proxy share. */
interface Network {
  readonly links: Set<Link>;
  readonly cuts: Cut[];
  delayMs: number;
  isStalled: boolean;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** a statement was sent whose commit is to be lost */
  isMarked: boolean;
  /** that commit is under way: the answers are read and not passed on */
  isDoomed: boolean;
  readonly held: (() => void)[];
}

/** Starts a proxy before the database of that URL. */
export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const network: Network = { links: new Set(), cuts: [], delayMs: 0, isStalled: false };
  const listener = createServer((client) => openLink(network, client, connect(Number(target.port), target.hostname)));
  const listen = async (port: number): Promise<void> => {
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
  };
  await listen(0);
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = new URL(databaseUrl);
  url.port = String(port);
  const cut = (): void => {
    for (const link of network.links) breakLink(link);
  };
  return {
    url: url.href,
    delay: (ms) => {
      network.delayMs = ms;
    },
    stall: () => {
      network.isStalled = true;
    },
    resume: () => {
      network.isStalled = false;
      for (const { held } of network.links) for (const pass of held.splice(0)) pass();
    },
    cut,
    refuse: async (isRefusing) => {
      if (isRefusing) listener.close();
      else await listen(port);
    },
    cutAt: (moment, statements, times = 1) => {
      const names = statements.map((name) => Buffer.from(`\0${name}\0`));
      const planned: Cut = { moment, names, left: times, done: 0 };
      network.cuts.push(planned);
      return () => planned.done;
    },
    stop: async () => {
      const closed = listener.listening ? once(listener, "close") : undefined;
      listener.close();
      cut();
      await closed;
    },
  };
}

function openLink(network: Network, client: Socket, server: Socket): void {
  const link: Link = { client, server, isMarked: false, isDoomed: false, held: [] };
  network.links.add(link);
  const readMessages = createFraming(true);
  const readAnswers = createFraming(false);
  client.on("data", (chunk: Buffer) => {
    if (network.isStalled) link.held.push(() => server.write(chunk));
    else if (look(network, link, readMessages(chunk))) server.write(chunk);
  });
  server.on("data", (chunk: Buffer) => {
    const isOver = readAnswers(chunk).some(({ type, body }) => type === "Z" && body.toString() === "I");
    const pass = (): void => {
      if (network.isStalled) link.held.push(pass);
      else client.write(chunk);
    };
    if (link.isDoomed && isOver) breakLink(link);
    if (link.isDoomed) return;
    if (network.delayMs === 0) pass();
    else setTimeout(pass, network.delayMs);
  });
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      network.links.delete(link);
      breakLink(link);
    });
  }
}

/** Looks at what a client sends; false when it is not to arrive. */
function look({ cuts }: Network, link: Link, sent: readonly Message[]): boolean {
  const cut = cuts.find(({ left, names }) => left > 0 && sent.some((message) => isFor(message, names)));
  if (cut !== undefined) {
    cut.left -= 1;
    cut.done += 1;
    link.isMarked = cut.moment === "after";
    if (cut.moment === "before") breakLink(link);
  }
  link.isDoomed ||= link.isMarked && sent.some(isCommit);
  return cut?.moment !== "before";
}

function breakLink({ client, server }: Link): void {
  client.destroy();
  server.destroy();
}

// Bind begins with the portal's name, which is empty, and the statement's.
function isFor({ type, body }: Message, names: readonly Buffer[]): boolean {
  return type === "B" && names.some((name) => body.subarray(0, name.length).equals(name));
}

function isCommit({ type, body }: Message): boolean {
  return type === "Q" && body.toString("latin1") === "COMMIT\0";
}

interface Message {
  readonly type: string;
  readonly body: Buffer;
}

/** Cuts one direction of a connection into messages; the first that a client sends has no type. */
function createFraming(isClient: boolean): (chunk: Buffer) => readonly Message[] {
  let rest: Buffer = Buffer.alloc(0);
  let hasStarted = !isClient;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: Message[] = [];
    for (;;) {
      const head = hasStarted ? 1 : 0;
      if (rest.length < head + 4) return messages;
      const end = head + rest.readUInt32BE(head);
      if (rest.length < end) return messages;
      messages.push({ type: hasStarted ? rest.toString("latin1", 0, 1) : "", body: rest.subarray(head + 4, end) });
      rest = rest.subarray(end);
      hasStarted = true;
    }
  };
}
