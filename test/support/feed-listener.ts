import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { decodeJwt } from "./jwt.ts";
import type { TestTenant } from "./test-tenant.ts";
import { waitUntil } from "./wait-until.ts";

/** An event of a revocation feed as it came in. */
export interface HeardEvent {
  readonly event: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Somebody connected to a feed. */
export interface FeedListener {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly HeardEvent[];
  /** the answer's text, of one that is no stream */
  readonly text: string;
  readonly isClosed: () => boolean;
  /** Waits until it has heard that everything was told. */
  settled(): Promise<void>;
  /** Waits until the end of a token was told. */
  hears(token: string): Promise<HeardEvent>;
  ended(): Promise<void>;
  close(): void;
}

const PATIENCE = { everyMs: 5, msMax: 20_000 };

/** What a feed calls a token. */
export function feedNameOf(token: string): string {
  return createHash("sha256")
    .update(String(decodeJwt(token).jti))
    .digest("base64url");
}

/** Where the feed of an audience is. */
export function feedUrl({ server, realm }: Pick<TestTenant, "server" | "realm">, audience: string): string {
  return `${server.url}${realmPath(realm)}/revocations:feed?${new URLSearchParams({ audience })}`;
}

/** Connects to a feed. */
export async function listenToFeed(
  url: string,
  headers: Readonly<Record<string, string>>,
  method = "GET",
): Promise<FeedListener> {
  const abort = new AbortController();
  const response = await fetch(url, { method, headers, signal: abort.signal });
  const events: HeardEvent[] = [];
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  let closed = !isStream;
  if (isStream)
    void read(response, events)
      .catch(() => undefined)
      .finally(() => {
        closed = true;
      });
  const heard = (token: string) => events.find(({ data }) => data.jti_sha256 === feedNameOf(token));
  return {
    status: response.status,
    headers: response.headers,
    events,
    text: isStream ? "" : await response.text(),
    isClosed: () => closed,
    settled: async () => {
      const before = events.length;
      await waitUntil(
        () => events.slice(before).some(({ event }) => event === "heartbeat"),
        "the feed does not settle",
        PATIENCE,
      );
    },
    hears: async (token) => {
      await waitUntil(() => heard(token) !== undefined, "the end of a token is not told", PATIENCE);
      const event = heard(token);
      assert.ok(event);
      return event;
    },
    ended: () => waitUntil(() => closed, "the feed stays open", PATIENCE),
    close: () => abort.abort(),
  };
}

async function read(response: Response, events: HeardEvent[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const members = new Map(
        block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
      );
      const [event, id, data] = ["event", "id", "data"].map((name) => members.get(name));
      if (event !== undefined && id !== undefined) events.push({ event, id, data: JSON.parse(data ?? "") });
    }
  }
}
