import type { Deps } from "../../deps.ts";
import { METRICS } from "../../platform/metric-table.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { createRound, type Round } from "./feed-round.ts";
import { HEARTBEAT_MS, STALLED_MS_MAX, type Subscriber } from "./subscriber.ts";

/** Most subscribers of a process. */
const SUBSCRIBERS_MAX = 4_096;
/** Whether a subscriber may still hear is asked every other heartbeat, and its slot is held every tenth. */
const BEATS_A_CHECK = 2;
const BEATS_A_HOLD = 10;

/** Someone who hears of a feed, for as long as it may. */
export interface Subscription {
  readonly subscriber: Subscriber;
  /** whether it may still hear; it throws where that cannot be said now */
  readonly isAllowed: () => Promise<boolean>;
  /** Holds its slot for longer. */
  readonly hold: () => Promise<void>;
  /** Gives its slot back. */
  readonly release: () => Promise<void>;
}

/** Brings what ended in a realm to all who are connected to this process. */
export interface FeedHub {
  readonly isFull: () => boolean;
  add(subscription: Subscription): void;
  /** Looks for what the subscribers of a realm have not heard; of all, where none is named. */
  wake(realm: RealmKey | undefined): void;
  /** Sends everybody away. */
  close(): Promise<void>;
}

/** The subscribers of one realm. One round runs at a time; whoever asks meanwhile gets another one. */
interface RealmFeeds {
  readonly realm: RealmKey;
  readonly subscriptions: Set<Subscription>;
  isRunning: boolean;
  isAskedAgain: boolean;
  /** when they last heard that they have heard everything */
  heardAllAtMs: number;
}

type HubDeps = Pick<Deps, "database" | "clock" | "log" | "metrics">;

interface Hub {
  readonly deps: HubDeps;
  readonly round: Round;
  readonly isLeaving: () => boolean;
  readonly realms: Map<string, RealmFeeds>;
  /** slots that are being given back */
  readonly farewells: Set<Promise<void>>;
  count: number;
  beats: number;
  isBeating: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** @param isLeaving whether the process is being stopped: then nobody may stay */
export function createFeedHub(deps: HubDeps, isLeaving: () => boolean): FeedHub {
  const nobody = { count: 0, beats: 0, isBeating: false, timer: undefined };
  const hub: Hub = {
    ...{ deps, isLeaving, round: createRound(deps), realms: new Map(), farewells: new Set() },
    ...nobody,
  };
  const wake = (realm: RealmKey | undefined): void => {
    for (const feeds of realm === undefined ? hub.realms.values() : [hub.realms.get(nameOf(realm))])
      if (feeds !== undefined) run(hub, feeds);
  };
  deps.database.watchEnds(wake);
  deps.metrics
    .gauge(METRICS.feedSubscribers)
    .cell()
    .read(() => hub.count);
  deps.metrics
    .gauge(METRICS.feedSilence)
    .cell()
    .read(() => silenceMsOf(hub) / 1_000);
  return {
    wake,
    isFull: () => hub.count >= SUBSCRIBERS_MAX,
    add: (subscription) => add(hub, subscription),
    close: async () => {
      for (const { subscriptions } of hub.realms.values())
        for (const { subscriber } of subscriptions) subscriber.stream.destroy();
      clearInterval(hub.timer);
      await Promise.all(hub.farewells);
    },
  };
}

function add(hub: Hub, subscription: Subscription): void {
  const { stream, connection } = subscription.subscriber;
  const feeds = hub.realms.get(nameOf(connection)) ?? openRealm(connection, hub.deps.clock.monotonicMs());
  hub.realms.set(nameOf(connection), feeds);
  feeds.subscriptions.add(subscription);
  hub.count += 1;
  if (hub.count === 1) hub.timer = setInterval(() => beatOnce(hub), HEARTBEAT_MS).unref();
  stream.once("close", () => remove(hub, feeds, subscription));
  run(hub, feeds);
}

function remove(hub: Hub, feeds: RealmFeeds, subscription: Subscription): void {
  if (!feeds.subscriptions.delete(subscription)) return;
  hub.count -= 1;
  if (feeds.subscriptions.size === 0) hub.realms.delete(nameOf(feeds.realm));
  if (hub.count === 0) clearInterval(hub.timer);
  // A slot that could not be given back is free when its time is over.
  const farewell = subscription.release().catch(() => undefined);
  hub.farewells.add(farewell);
  void farewell.finally(() => hub.farewells.delete(farewell));
}

function run(hub: Hub, feeds: RealmFeeds): void {
  feeds.isAskedAgain = feeds.isRunning;
  if (feeds.isRunning) return;
  feeds.isRunning = true;
  const { realm, subscriptions } = feeds;
  hub
    .round(realm, () => [...subscriptions].map(({ subscriber }) => subscriber))
    .then((isAllSaid) => {
      if (isAllSaid) feeds.heardAllAtMs = hub.deps.clock.monotonicMs();
    })
    // Nobody hears a heartbeat meanwhile, and the next one tries again.
    .catch((err: unknown) => hub.deps.log.warn({ err, realm: realm.realmId }, "a revocation feed could not be read"))
    .finally(() => {
      feeds.isRunning = false;
      if (feeds.isAskedAgain) run(hub, feeds);
    });
}

function beatOnce(hub: Hub): void {
  if (hub.isBeating) return;
  hub.isBeating = true;
  void beat(hub).finally(() => {
    hub.isBeating = false;
  });
}

async function beat(hub: Hub): Promise<void> {
  hub.beats += 1;
  await Promise.all(
    [...hub.realms.values()].map(async (feeds) => {
      await Promise.all([...feeds.subscriptions].map((subscription) => look(hub, subscription)));
      run(hub, feeds);
    }),
  );
}

/** Sends away whoever may not stay. */
async function look({ deps, isLeaving, beats }: Hub, { subscriber, isAllowed, hold }: Subscription): Promise<void> {
  const stalledSinceMs = subscriber.stalledSinceMs() ?? Number.POSITIVE_INFINITY;
  if (deps.clock.monotonicMs() - stalledSinceMs > STALLED_MS_MAX) {
    subscriber.stream.destroy();
    return;
  }
  try {
    if (beats % BEATS_A_HOLD === 0) await hold();
    if (isLeaving() || (beats % BEATS_A_CHECK === 0 && !(await isAllowed()))) subscriber.end();
  } catch (err) {
    deps.log.warn({ err }, "whether a subscriber may still hear could not be said");
  }
}

function openRealm({ tenantId, realmId }: RealmKey, nowMs: number): RealmFeeds {
  return {
    realm: { tenantId, realmId },
    subscriptions: new Set(),
    isRunning: false,
    isAskedAgain: false,
    heardAllAtMs: nowMs,
  };
}

/** For how long the subscribers of the realm that waits longest have not heard that they have heard everything. */
function silenceMsOf({ deps, realms }: Hub): number {
  const nowMs = deps.clock.monotonicMs();
  return Math.max(0, ...[...realms.values()].map(({ heardAllAtMs }) => nowMs - heardAllAtMs));
}

function nameOf({ tenantId, realmId }: RealmKey): string {
  return `${tenantId}/${realmId}`;
}
