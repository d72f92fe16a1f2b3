import { Readable } from "node:stream";
import { formatEvent, formatPosition, formatRetry } from "../../protocol/event-stream.ts";
import type { FeedConnection } from "../../resources/feed-connection/queries.ts";
import type { FeedEntry, FeedState } from "../../resources/revocation-feed/queries.ts";

/** So often a subscriber hears that it has heard everything. */
export const HEARTBEAT_MS = 1_000;
/** A client that takes nothing gets nothing more from here on, and is given up when that lasts. */
const BUFFER_BYTES_MAX = 262_144;
export const STALLED_MS_MAX = 30_000;
/** Clients that are sent away at once come back over this time. */
const RETRY_MS_MIN = 100;
const RETRY_MS_SPREAD = 900;

/** A connection to a feed, and how far it has heard of it. */
export interface Subscriber {
  readonly connection: FeedConnection;
  readonly stream: Readable;
  /** the number of the last entry that it was sent */
  readonly number: () => number;
  /** whether it can take more */
  readonly isReady: () => boolean;
  /** since when it takes nothing; undefined while it does */
  readonly stalledSinceMs: () => number | undefined;
  /**
   * Sends entries that follow the last one.
   *
   * @param reached up to here there are no others
   */
  tell(entries: readonly FeedEntry[], reached: number): void;
  /** Says that everything that ended up to an instant of tenant time was sent, if it was. */
  beat(state: FeedState, at: number): void;
  end(): void;
}

/** What a subscriber is told first. */
export interface Greeting {
  readonly feed: string;
  readonly audience: string;
  /** the number after which it goes on; undefined where it begins anew */
  readonly after: number | undefined;
  /** seconds of tenant time */
  readonly now: number;
}

/**
 * Opens the stream of a subscriber.
 *
 * @param spread from 0 up to 1: when of all it comes back, should it be sent away
 */
export function createSubscriber(
  connection: FeedConnection,
  greeting: Greeting,
  { nowMs, spread, onReady }: { readonly nowMs: () => number; readonly spread: number; readonly onReady: () => void },
): Subscriber {
  const { feed, audience, after, now } = greeting;
  let number = after ?? 0;
  let previous = formatPosition({ feed, number });
  let stalledSinceMs: number | undefined;
  const stream = new Readable({
    highWaterMark: BUFFER_BYTES_MAX,
    read: () => {
      if (stalledSinceMs === undefined) return;
      stalledSinceMs = undefined;
      onReady();
    },
  });
  const send = (text: string): void => {
    if (stream.destroyed || stream.readableEnded) return;
    if (!stream.push(text)) stalledSinceMs ??= nowMs();
  };
  // Each event names the one before it, so that one that is lost on the way is missed.
  const next = (event: string, data: Readonly<Record<string, unknown>>): string => {
    const id = formatPosition({ feed, number });
    const text = formatEvent({ event, id, data: { previous, ...data } });
    previous = id;
    return text;
  };
  send(formatRetry(Math.round(RETRY_MS_MIN + spread * RETRY_MS_SPREAD)));
  send(next("hello", { audience, resumed: after !== undefined, heartbeat_ms: HEARTBEAT_MS, at: now }));
  return {
    connection,
    stream,
    number: () => number,
    isReady: () => stalledSinceMs === undefined,
    stalledSinceMs: () => stalledSinceMs,
    tell: (entries, reached) => {
      const texts = entries.map((entry) => {
        number = entry.number;
        return next("end", toData(entry));
      });
      number = Math.max(number, reached);
      if (texts.length > 0) send(texts.join(""));
    },
    beat: (state, at) => {
      if (state.isComplete && state.latestNumber <= number) send(next("heartbeat", { at }));
    },
    end: () => {
      stream.push(null);
    },
  };
}

// Rule 29: the hash of its id and instants, and nothing else of a token.
function toData({ tokenHash, endedAt, expiresAt }: FeedEntry): Readonly<Record<string, unknown>> {
  const told = { jti_sha256: tokenHash.toString("base64url"), at: endedAt };
  return expiresAt === undefined ? told : { ...told, exp: expiresAt };
}
