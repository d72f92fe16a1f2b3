import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";

/** The hosts that the configuration names, of which one is the primary (settled 12). */
export interface Hosts {
  /** How a new connection is made: to the host that was the primary when somebody looked last. */
  target(): ClientConfig;
  /** Whether somebody has looked with success: before, the first host is a guess. */
  isChosen(): boolean;
  /** Asks every host and goes to the primary. @returns whether there is one */
  look(): Promise<boolean>;
  /** Tells that a connection broke or was read-only: looks soon, and waits for nothing. */
  suspect(): void;
}

const CONNECT_MS_MAX = 2_000;
const ANSWER_MS_MAX = 2_000;
/** When one host is known to be a primary, the others may still answer for so long. */
const GRACE_MS = 300;
/** Trouble comes in swarms: who asks again within this time is told what was found. */
const LOOK_PAUSE_MS = 100;

interface Primary {
  readonly url: string;
  /** counts the promotions of this cluster */
  readonly timeline: number;
}

/**
 * Chooses the first host that takes writes, and stays there until it is looked for again. Of two that take writes the one that
 * was promoted last is the primary: the other is an old one that came back before anybody fenced it.
 *
 * @param urls one for each host, in the operator's order
 */
export function createHosts(urls: readonly [string, ...string[]]): Hosts {
  const sockets = new Map<Socket, string>();
  let current = urls[0];
  let isChosen = urls.length === 1;
  let known: Promise<boolean> | undefined;

  async function findAndGo(): Promise<boolean> {
    const primary = await findPrimary(urls);
    isChosen ||= primary !== undefined;
    if (primary !== undefined && primary !== current) {
      current = primary;
      // What waits for the old primary would wait for its answer, or get one that is no longer true.
      for (const [socket, url] of sockets)
        if (url !== current) socket.destroy(new Error("Connection terminated: the primary is another host"));
    }
    return primary !== undefined;
  }

  function look(): Promise<boolean> {
    if (urls.length === 1) return Promise.resolve(false);
    known ??= findAndGo().finally(() => setTimeout(() => (known = undefined), LOOK_PAUSE_MS).unref());
    return known;
  }

  return {
    target: () => ({
      connectionString: current,
      ...(urls.length === 1 ? {} : { connectionTimeoutMillis: CONNECT_MS_MAX }),
      stream: () => {
        const socket = new Socket();
        sockets.set(socket, current);
        return socket.once("close", () => sockets.delete(socket));
      },
    }),
    isChosen: () => isChosen,
    look,
    suspect: () => void look(),
  };
}

async function findPrimary(urls: readonly string[]): Promise<string | undefined> {
  const primaries: Primary[] = [];
  const { promise: oneFound, resolve } = Promise.withResolvers<void>();
  const asked = urls.map(async (url) => {
    const timeline = await askTimeline(url);
    if (timeline === undefined) return;
    primaries.push({ url, timeline });
    resolve();
  });
  await Promise.race([Promise.all(asked), oneFound.then(() => sleep(GRACE_MS))]);
  const latest = Math.max(...primaries.map(({ timeline }) => timeline));
  return urls.find((url) => primaries.some((one) => one.url === url && one.timeline === latest));
}

/** The timeline of a host that takes writes; undefined when it takes none, or does not answer. */
async function askTimeline(url: string): Promise<number | undefined> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: ANSWER_MS_MAX,
    application_name: "mayfly look",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    if (await isReadOnly(client)) return undefined;
    const named = client.query<{ file: string }>("SELECT pg_walfile_name(pg_current_wal_lsn()) AS file");
    // A server that does not say has never been promoted, as far as we know.
    return await named.then(({ rows }) => Number.parseInt(rows[0]?.file.slice(0, 8) ?? "0", 16)).catch(() => 0);
  } catch {
    return undefined;
  } finally {
    void client.end().catch(() => undefined);
  }
}

async function isReadOnly(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ read_only: boolean }>(`SELECT ${READ_ONLY} AS read_only`);
  return rows[0]?.read_only !== false;
}

/** SQL that is true on a standby, and where an operator has ended writing. */
export const READ_ONLY = "(pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)";
