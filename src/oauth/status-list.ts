import { type HttpReply, type HttpRequest, jsonReply, type Route } from "../http/route.ts";
import { createCacheMeter } from "../platform/cache-meter.ts";
import { createExpiringCache, type ExpiringCache } from "../platform/expiring-cache.ts";
import { type RealmKey, realmPath } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { parseQuery } from "../protocol/parameters.ts";
import { STATUS_LIST_TTL_SECONDS, statusListClaims } from "../protocol/status-list.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";
import { tellAllEnds } from "../resources/revocation-feed/changes.ts";
import { findStatusList, listStatusLists, readInvalidPlaces } from "../resources/status-list/queries.ts";
import { REALM_ISSUER } from "./at-issuer.ts";
import { findRealm } from "./find-realm.ts";
import type { Services } from "./services.ts";
import { tenantNow } from "./tenant-now.ts";

/** A node answers the same list for so long, unless it hears that something ended. */
const GOOD_FOR_MS = 15_000;
const LISTS_MAX = 1_000;
const LIST_NUMBER = /^[1-9][0-9]{0,8}$/;
const CACHEABLE = { "cache-control": `public, max-age=${STATUS_LIST_TTL_SECONDS}` };

/** GET $TR/status-lists and $TR/status-lists/{n} (draft-ietf-oauth-status-list): public, as rule 29 says. */
export function statusListRoutes(services: Services): readonly Route[] {
  const { metrics, clock, database } = services.deps;
  const meter = createCacheMeter(metrics, "status_list");
  const lists = createExpiringCache<string>(
    { entriesMax: LISTS_MAX, goodForMs: GOOD_FOR_MS, meter },
    clock.monotonicMs,
  );
  database.watchEnds((realm) => lists.forget(realm === undefined ? "" : realmPath(realm)));
  const open = { method: "GET", kind: "auth", isOpen: true } as const;
  return [
    {
      ...open,
      name: "statusLists",
      path: `${REALM_ISSUER}/status-lists`,
      handle: (request) => showLists(services, request),
    },
    {
      ...open,
      name: "statusList",
      path: `${REALM_ISSUER}/status-lists/:list`,
      handle: (request) => showList(services, request, lists),
    },
  ];
}

/** Where a list is: the `uri` of its tokens, and its own `sub`. */
export function statusListUri(services: Services, realm: RealmKey, list: number): string {
  return `${services.deps.config.publicUrl}${realmPath(realm)}/status-lists/${list}`;
}

// Draft §9.3: the aggregation.
async function showLists(services: Services, request: HttpRequest): Promise<HttpReply> {
  const realm = await findRealm(services, request);
  const { key } = realm;
  const db = services.deps.database.tenants([key.tenantId]);
  const numbers = await listStatusLists(db, key, tenantNow(services, realm));
  return jsonReply(200, { status_lists: numbers.map((number) => statusListUri(services, key, number)) }, CACHEABLE);
}

async function showList(services: Services, request: HttpRequest, lists: ExpiringCache<string>): Promise<HttpReply> {
  const realm = await findRealm(services, request);
  const { list = "" } = request.parameters;
  // Draft §8.4: whoever asks for another moment must not take what is true now for it.
  if (parseQuery(request.queryString).values.has("time"))
    throw new OAuthError("invalid_request", "lists of another time are not kept", { status: 404 });
  const uri = `${realmPath(realm.key)}/status-lists/${list}`;
  const token = LIST_NUMBER.test(list)
    ? await lists.get(uri, () => signList(services, realm, Number(list)))
    : undefined;
  if (token === undefined) throw new OAuthError("invalid_request", "no such status list", { status: 404 });
  return { status: 200, headers: { ...CACHEABLE, "content-type": "application/statuslist+jwt" }, body: token };
}

async function signList(services: Services, realm: RealmFacts, list: number): Promise<string | undefined> {
  const { deps, keys } = services;
  const { key } = realm;
  const db = deps.database.tenants([key.tenantId]);
  const found = await findStatusList(db, key, list);
  if (found === undefined) return undefined;
  await tellAllEnds(deps, key);
  const now = tenantNow(services, realm);
  const invalid = await readInvalidPlaces(db, key, { list, now });
  const signer = await keys.signingKey(key, found.algorithm, now);
  return keys.signJwt(
    signer,
    { typ: "statuslist+jwt" },
    statusListClaims(statusListUri(services, key, list), invalid, now),
  );
}
