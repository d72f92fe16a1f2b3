import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import { readEvents } from "../protocol/read-events.ts";
import { createEndedTokens, type EndedTokens } from "./ended-tokens.ts";

/** A feed that says nothing for so long is connected to anew: it beats every second. */
const SILENCE_MS_MAX = 4_000;
const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;

/** Where a feed is, and who asks. */
export interface FeedSource {
  readonly url: string;
  /** the Authorization header, asked for at each connection */
  readonly authorization: () => string | Promise<string>;
  readonly monotonicMs: Clock["monotonicMs"];
  /** told of each connection that failed or was lost */
  readonly onError: (error: Error) => void;
}

/** Keeps connected to a feed. */
export interface FeedClient {
  readonly endOf: EndedTokens["endOf"];
  /** milliseconds since the feed last said that everything was told; infinite before the first time and after a gap */
  ageMs(): number;
  /** Resolves when the feed has told everything for the first time. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Connects to a feed, again and again, until it is closed. */
export function followFeed(source: FeedSource): FeedClient {
  const { monotonicMs } = source;
  const closing = new AbortController();
  let tellReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  let completeAtMs = Number.NEGATIVE_INFINITY;
  const ended = createEndedTokens(() => {
    completeAtMs = monotonicMs();
    tellReady();
  });
  const forget = (): void => {
    completeAtMs = Number.NEGATIVE_INFINITY;
  };
  void keepConnected(source, ended, { closing: closing.signal, onGap: forget });
  return {
    endOf: ended.endOf,
    ageMs: () => monotonicMs() - completeAtMs,
    ready,
    close: () => closing.abort(),
  };
}

interface Keeping {
  readonly closing: AbortSignal;
  /** called when an event is missed: nothing is known for sure until everything was told again */
  readonly onGap: () => void;
}

async function keepConnected(source: FeedSource, ended: EndedTokens, keeping: Keeping): Promise<void> {
  const { closing } = keeping;
  let failures = 0;
  while (!closing.aborted) {
    let pauseMs = RETRY_MS;
    try {
      for await (const retryMs of connect(source, ended, keeping)) {
        pauseMs = retryMs;
        failures = 0;
      }
    } catch (error) {
      if (closing.aborted) return;
      source.onError(error instanceof Error ? error : new Error(String(error)));
    }
    failures += 1;
    const waitMs = Math.min(RETRY_MS_MAX, pauseMs * 2 ** Math.min(failures - 1, 10));
    await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined);
  }
}

/** One connection, until it ends. Yields how long to wait before the next one. */
async function* connect(source: FeedSource, ended: EndedTokens, { closing, onGap }: Keeping): AsyncGenerator<number> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(new Error("the feed is silent")), SILENCE_MS_MAX);
  watch.unref();
  try {
    const response = await open(source, ended.position(), AbortSignal.any([closing, silence.signal]));
    for await (const received of readEvents(response)) {
      watch.refresh();
      if ("retryMs" in received) {
        yield received.retryMs;
        continue;
      }
      const taken = ended.take(received);
      if (taken === "taken") continue;
      ended.restart();
      if (taken === "overgrown") return;
      onGap();
      throw new Error("an event of the feed was missed");
    }
  } finally {
    clearTimeout(watch);
  }
}

async function open(
  { url, authorization }: FeedSource,
  position: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers = {
    authorization: await authorization(),
    accept: "text/event-stream",
    ...(position === undefined ? {} : { "last-event-id": position }),
  };
  const response = await fetch(url, { headers, signal, redirect: "error" });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (response.ok && isStream && response.body !== null) return response.body;
  await response.body?.cancel();
  throw new Error(`the feed answered ${response.status}`);
}
