import { sha256 } from "../platform/hash.ts";
import type { ReceivedEvent } from "../protocol/read-events.ts";

/** Beyond so many, and twice as many as it began with, a list is read anew: what has expired since is not in it any more. */
const REREAD_SIZE_MIN = 10_000;

/** What became of an event: taken, out of its place, or taken while the list has grown so that it should be read anew. */
export type Taken = "taken" | "gap" | "overgrown";

/** The tokens of an audience that ended before their `exp`, as its feed tells them. */
export interface EndedTokens {
  /** When a token ends, in seconds; 0 for one that has ended, undefined where the feed says nothing of it. */
  endOf(tokenId: string): number | undefined;
  take(event: ReceivedEvent): Taken;
  /** Where the feed goes on; undefined: it is to be read from its beginning. */
  position(): string | undefined;
  /** Reads from the beginning next time. What is known stays known until then. */
  restart(): void;
}

/** Opens an empty list. `onComplete` is called whenever it is as the feed says at that moment. */
export function createEndedTokens(onComplete: () => void): EndedTokens {
  let ended = new Map<string, number>();
  /** what is being read from the beginning */
  let fresh: Map<string, number> | undefined;
  let position: string | undefined;
  let sizeAtStart = 0;

  function note({ jti_sha256: name, exp }: FeedData): void {
    if (typeof name !== "string") return;
    const at = typeof exp === "number" ? exp : 0;
    const list = fresh ?? ended;
    list.set(name, Math.min(at, list.get(name) ?? Number.POSITIVE_INFINITY));
  }

  function complete(): Taken {
    if (fresh !== undefined) {
      ended = fresh;
      fresh = undefined;
      sizeAtStart = ended.size;
    }
    onComplete();
    return ended.size > Math.max(REREAD_SIZE_MIN, 2 * sizeAtStart) ? "overgrown" : "taken";
  }

  return {
    endOf: (tokenId) => {
      const name = sha256(tokenId).toString("base64url");
      return least(ended.get(name), fresh?.get(name));
    },
    take: ({ event, id, data }) => {
      const told = parse(data);
      if (event === "hello" && told.resumed !== true) fresh = new Map();
      else if (told.previous !== position) return "gap";
      position = id;
      if (event === "end") note(told);
      return event === "heartbeat" ? complete() : "taken";
    },
    position: () => position,
    restart: () => {
      position = undefined;
      fresh = undefined;
    },
  };
}

interface FeedData {
  readonly previous?: unknown;
  readonly resumed?: unknown;
  readonly jti_sha256?: unknown;
  readonly exp?: unknown;
}

function parse(data: string): FeedData {
  const value: unknown = JSON.parse(data);
  return typeof value === "object" && value !== null ? value : {};
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
