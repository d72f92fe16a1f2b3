import { createBatcher } from "../../database/batch.ts";
import { tenantsOf } from "../../database/batch-tenants.ts";
import type { Deps } from "../../deps.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { ResourceServerKey } from "../../resources/resource-server/queries.ts";
import { tellEnds } from "../../resources/revocation-feed/changes.ts";
import {
  ENTRIES_AT_ONCE,
  type FeedState,
  readFeedEntries,
  readFeedStates,
} from "../../resources/revocation-feed/queries.ts";
import type { Subscriber } from "./subscriber.ts";

/** Most parts that are numbered before subscribers hear of them all. */
const PARTS_MAX = 1_000;

type RoundDeps = Pick<Deps, "database" | "clock">;

/**
 * Numbers what has ended in a realm and sends it to its subscribers, until there is no more; then says so to them.
 *
 * @returns whether it could be said to all who take what they are sent
 */
export type Round = (realm: RealmKey, subscribers: () => readonly Subscriber[]) => Promise<boolean>;

/** What the feeds of a process have in common: states that are asked for together are read together. */
export function createRound(deps: RoundDeps): Round {
  const { clock, database } = deps;
  const readState = createBatcher({
    run: (batch: readonly ResourceServerKey[]) =>
      readFeedStates(database.tenants(tenantsOf(batch)), batch, clock.nowMs()),
  });
  return async (realm, subscribers) => {
    for (let part = 0; part < PARTS_MAX; part += 1) {
      const sinceMs = clock.nowMs();
      const byServer = Map.groupBy(subscribers(), ({ connection }) => connection.resourceServerId);
      const keys = [...byServer.keys()].map((resourceServerId) => ({ ...realm, resourceServerId }));
      const states = await Promise.all(keys.map(readState));
      for (const [index, key] of keys.entries()) {
        const group = byServer.get(key.resourceServerId) ?? [];
        const state = states[index];
        // Its feed was given up: whoever comes back begins another.
        if (state === undefined) for (const subscriber of group) subscriber.end();
        else await deliver(deps, { key, state, subscribers: group, sinceMs });
      }
      if (!states.some((state) => state?.isBehind)) return states.every((state) => state?.isComplete !== false);
      await tellEnds(deps, realm);
    }
    return false;
  };
}

interface Delivery {
  readonly key: ResourceServerKey;
  readonly state: FeedState;
  readonly subscribers: readonly Subscriber[];
  /** when its state was read */
  readonly sinceMs: number;
}

/** Sends each subscriber what it has not heard; those that heard equally much share what is read. */
async function deliver({ database }: RoundDeps, { key, state, subscribers, sinceMs }: Delivery): Promise<void> {
  const db = database.tenants([key.tenantId]);
  for (;;) {
    const waiting = subscribers.filter(
      ({ number, isReady, stream }) => isReady() && !stream.destroyed && number() < state.latestNumber,
    );
    if (waiting.length === 0) break;
    for (const [number, group] of Map.groupBy(waiting, (subscriber) => subscriber.number())) {
      const entries = await readFeedEntries(db, key, number);
      // What follows may be forgotten: then nobody accepts those tokens anyway.
      const reached = entries.length < ENTRIES_AT_ONCE ? state.latestNumber : 0;
      for (const subscriber of group) subscriber.tell(entries, reached);
    }
  }
  if (state.isBehind) return;
  const at = Math.floor(sinceMs / 1_000) + state.clockOffsetSeconds;
  for (const subscriber of subscribers) subscriber.beat(state, at);
}
