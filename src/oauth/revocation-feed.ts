import { type HttpReply, type HttpRequest, headerOf, type Route } from "../http/route.ts";
import { hexId } from "../platform/random.ts";
import { parsePosition } from "../protocol/event-stream.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseQuery } from "../protocol/parameters.ts";
import {
  type FeedConnection,
  freeConnection,
  keepConnection,
  takeConnection,
} from "../resources/feed-connection/queries.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import { type FeedState, openFeed } from "../resources/revocation-feed/queries.ts";
import { REALM_ISSUER } from "./at-issuer.ts";
import { authorizeFeed, type FeedAccess } from "./feed/feed-access.ts";
import { createSubscriber } from "./feed/subscriber.ts";
import { findRealm } from "./find-realm.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** A connection whose node died holds its slot for so long. */
const HOLD_MS = 30_000;
const RETRY_AFTER_SECONDS = 5;
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no", // an event that a proxy keeps is late
};

/** GET $TR/revocations:feed: tells of tokens that ended before their `exp`, as server-sent events (rule 29). */
export function revocationFeedRoutes(services: Services): readonly Route[] {
  return [
    {
      name: "revocationFeed",
      method: "GET",
      path: `${REALM_ISSUER}/revocations::feed`,
      kind: "auth",
      handle: recordRefusals(services, "introspect", (request) => handleFeed(services, request)),
    },
  ];
}

async function handleFeed(services: Services, request: HttpRequest): Promise<HttpReply> {
  const realm = await findRealm(services, request);
  const { values } = parseQuery(request.queryString);
  const audience = values.get("audience");
  if (audience === undefined) throw new OAuthError("invalid_request", "audience is missing");
  const access = await authorizeFeed(services, request, { realm: realm.key, audience });
  // What answers GET answers HEAD, which has no use for a connection.
  if (request.method === "HEAD") return { status: 200, headers: STREAM_HEADERS };
  if (services.feeds.isFull())
    throw new OAuthError("temporarily_unavailable", "this node has no room for another connection", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  return subscribe(services, request, { realm, audience, access });
}

interface Asked {
  readonly realm: RealmFacts;
  readonly audience: string;
  readonly access: FeedAccess;
}

async function subscribe(services: Services, request: HttpRequest, asked: Asked): Promise<HttpReply> {
  const { clock, database, random } = services.deps;
  const { realm, audience, access } = asked;
  const db = database.tenants([realm.key.tenantId]);
  const { resourceServerId } = access.resourceServer.key;
  const connection: FeedConnection = {
    ...realm.key,
    caller: access.caller,
    resourceServerId,
    holder: hexId(random),
  };
  const hold = () => ({ nowMs: clock.nowMs(), untilMs: clock.nowMs() + HOLD_MS });
  const state = await openFeed(db, connection, { name: hexId(random), nowMs: clock.nowMs() });
  if (!(await takeConnection(db, connection, hold())))
    throw new OAuthError("temporarily_unavailable", "the caller has as many connections as it may", {
      status: 429,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  const greeting = {
    feed: state.name,
    audience,
    after: findPlace(headerOf(request, "last-event-id"), state),
    now: tenantNow(services, realm),
  };
  const subscriber = createSubscriber(connection, greeting, {
    nowMs: clock.monotonicMs,
    spread: random.below(1_000) / 1_000,
    onReady: () => services.feeds.wake(realm.key),
  });
  services.feeds.add({
    subscriber,
    isAllowed: () => isStillAllowed(services, request, asked),
    hold: () => keepConnection(db, connection, hold()),
    release: () => freeConnection(db, connection),
  });
  return { status: 200, headers: STREAM_HEADERS, stream: subscriber.stream };
}

/** Where a client goes on that was connected before; undefined where it cannot, and begins anew. */
function findPlace(lastEventId: string | undefined, state: FeedState): number | undefined {
  const position = parsePosition(lastEventId ?? "");
  if (position === undefined || position.feed !== state.name) return undefined;
  return position.number <= state.latestNumber ? position.number : undefined;
}

async function isStillAllowed(services: Services, request: HttpRequest, asked: Asked): Promise<boolean> {
  const { realm, audience, access } = asked;
  try {
    const found = await authorizeFeed(services, request, { realm: realm.key, audience, isAccepted: true });
    return found.resourceServer.key.resourceServerId === access.resourceServer.key.resourceServerId;
  } catch (error) {
    if (error instanceof OAuthError) return false;
    throw error;
  }
}
