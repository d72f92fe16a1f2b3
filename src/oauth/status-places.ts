import type { Deps } from "../deps.ts";
import { hexId } from "../platform/random.ts";
import type { RealmKey, SigningAlgorithm } from "../protocol/client-metadata.ts";
import { placeOf, type StatusPlace } from "../protocol/status-list.ts";
import type { ResourceServerKey } from "../resources/resource-server/queries.ts";
import { openFeed } from "../resources/revocation-feed/queries.ts";
import { type LeasedPlaces, leasePlaces, prolongStatusList } from "../resources/status-list/queries.ts";

/** So many places a node takes at once: what it has not handed out when it ends is lost. */
const PLACES_AT_ONCE = 256;
/** Of so many resource servers a node keeps places. */
const SERVERS_MAX = 4_096;
/** Ends are written rounded up to the hour, as those of keys. */
const UNTIL_STEP_SECONDS = 3_600;
const ORDER_KEY_BYTES = 32;

/** Whose token gets a place. */
export interface StatusOwner {
  readonly server: ResourceServerKey;
  readonly algorithm: SigningAlgorithm;
  /** seconds of tenant time */
  readonly now: number;
  readonly expiresAt: number;
}

/** Hands out places in status lists: each once, whichever node does it. */
export type StatusPlaces = (owner: StatusOwner) => Promise<StatusPlace>;

interface Kept extends LeasedPlaces {
  next: number;
  until: number;
}

/** Keeps places of this node. */
export function createStatusPlaces({
  database,
  clock,
  random,
}: Pick<Deps, "database" | "clock" | "random">): StatusPlaces {
  const kept = new Map<string, Promise<Kept>>();

  // The list is made of what the feed numbers: the audience must have one for as long as the token lives.
  async function keepFeed(server: ResourceServerKey, { now, until }: Until): Promise<void> {
    const wantedAtMs = clock.nowMs() + (until - now) * 1_000;
    await openFeed(database.tenants([server.tenantId]), server, { name: hexId(random), nowMs: wantedAtMs });
  }

  async function lease({ server, algorithm, now }: StatusOwner, until: number): Promise<Kept> {
    await keepFeed(server, { now, until });
    const next = { orderKey: random.bytes(ORDER_KEY_BYTES), algorithm };
    const wanted = { count: PLACES_AT_ONCE, until };
    const leased = await leasePlaces(database.tenants([server.tenantId]), server, wanted, next);
    return { ...leased, next: leased.first, until };
  }

  async function prolong(places: Kept, { server, now }: StatusOwner, until: number): Promise<void> {
    await keepFeed(server, { now, until });
    await prolongStatusList(database.tenants([server.tenantId]), server, { list: places.list, until });
    places.until = Math.max(places.until, until);
  }

  return async (owner) => {
    const name = nameOf(owner.server);
    const until = Math.ceil(owner.expiresAt / UNTIL_STEP_SECONDS) * UNTIL_STEP_SECONDS;
    for (;;) {
      const leasing = kept.get(name) ?? lease(owner, until);
      if (!kept.has(name)) {
        if (kept.size >= SERVERS_MAX) kept.clear();
        kept.set(name, leasing);
      }
      const places = await leasing.catch((error: unknown) => {
        kept.delete(name);
        throw error;
      });
      if (places.next < places.end) {
        const n = places.next;
        places.next += 1;
        if (until > places.until) await prolong(places, owner, until);
        return { list: places.list, index: placeOf(places.orderKey, n) };
      }
      if (kept.get(name) === leasing) kept.delete(name);
    }
  };
}

interface Until {
  readonly now: number;
  readonly until: number;
}

function nameOf({ tenantId, realmId, resourceServerId }: RealmKey & { readonly resourceServerId: string }): string {
  return `${tenantId}/${realmId}/${resourceServerId}`;
}
