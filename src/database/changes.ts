import { Client, type ClientBase } from "pg";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import type { Hosts } from "./hosts.ts";

/** Where the triggers on configuration say whose it was that changed. */
const CHANGES_CHANNEL = "mayfly_changes";
/** Where triggers say in which realm something ended tokens, if anybody is told of that. */
const ENDS_CHANNEL = "mayfly_ends";

/** Hears whose configuration changed; undefined when that may have been anybody's, because nobody listened for a while. */
export type ChangeListener = (tenantId: string | undefined) => void;

/** Hears in which realm tokens were ended; undefined when that may have been in any, because nobody listened for a while. */
export type EndListener = (realm: RealmKey | undefined) => void;

/** Hands changes from the database to whoever keeps something. */
export interface ChangeFeed {
  watch(listener: ChangeListener): void;
  tell: ChangeListener;
  watchEnds(listener: EndListener): void;
  tellEnd: EndListener;
}

type Told = Pick<ChangeFeed, "tell" | "tellEnd">;

const CONNECT_MS_MAX = 3_000;
const ANSWER_MS_MAX = 3_000;
/** A connection that is silent may be broken: it is asked so often. */
const ASK_EVERY_MS = 10_000;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;

/** @param onFirst called when somebody watches for the first time */
export function createChangeFeed(onFirst: () => void = () => undefined): ChangeFeed {
  const listeners: ChangeListener[] = [];
  const endListeners: EndListener[] = [];
  return {
    watch: (listener) => {
      listeners.push(listener);
      if (listeners.length === 1) onFirst();
    },
    tell: (tenantId) => {
      for (const listener of listeners) listener(tenantId);
    },
    watchEnds: (listener) => {
      endListeners.push(listener);
    },
    tellEnd: (realm) => {
      for (const listener of endListeners) listener(realm);
    },
  };
}

/** Tells the feed what arrives on a connection, which listens from now on. What was before it nobody heard. */
export async function listenOn(client: ClientBase, { tell, tellEnd }: Told): Promise<void> {
  client.on("notification", ({ channel, payload = "" }) => {
    if (channel === ENDS_CHANNEL) tellEnd(readRealm(payload));
    else tell(HEX_ID.test(payload) ? payload : undefined);
  });
  await client.query(`LISTEN ${CHANGES_CHANNEL}; LISTEN ${ENDS_CHANNEL}`);
  tell(undefined);
  tellEnd(undefined);
}

function readRealm(payload: string): RealmKey | undefined {
  const [tenantId = "", realmId = ""] = payload.split("/");
  return HEX_ID.test(tenantId) && HEX_ID.test(realmId) ? { tenantId, realmId } : undefined;
}

/**
 * Keeps a connection of its own that listens, made anew for ever when it breaks. Nothing waits for it: without it, what nodes keep is
 * two seconds old at most.
 *
 * @returns how to stop
 */
export function keepListening(hosts: Hosts, feed: Told): () => void {
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = PAUSE_MS_MIN;
  let isStopped = false;

  async function connect(): Promise<void> {
    if (!hosts.isChosen()) await hosts.look();
    if (isStopped) return;
    const made = new Client({
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
      application_name: "mayfly changes",
      ...hosts.target(),
    });
    client = made;
    made.on("error", () => undefined);
    made.once("end", connectAgain);
    try {
      await made.connect();
      await listenOn(made, feed);
      pauseMs = PAUSE_MS_MIN;
      ask(made);
    } catch {
      hosts.suspect();
      end(made);
    }
  }

  function ask(made: Client): void {
    timer = setTimeout(() => {
      made.query("SELECT").then(
        () => ask(made),
        () => end(made),
      );
    }, ASK_EVERY_MS).unref();
  }

  function connectAgain(): void {
    clearTimeout(timer);
    if (isStopped) return;
    timer = setTimeout(() => void connect(), pauseMs).unref();
    pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
  }

  void connect();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    if (client !== undefined) end(client);
  };
}

function end(client: Client): void {
  void client.end().catch(() => undefined);
}
