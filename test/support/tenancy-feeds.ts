import assert from "node:assert/strict";
import type { Queryable } from "../../src/database/database.ts";
import { bytea } from "../../src/database/row-id.ts";
import { revocationFeedsJob } from "../../src/jobs/revocation-feeds.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import * as connections from "../../src/resources/feed-connection/queries.ts";
import type { ResourceServerKey } from "../../src/resources/resource-server/queries.ts";
import * as causes from "../../src/resources/revocation-cause/queries.ts";
import * as feeds from "../../src/resources/revocation-feed/queries.ts";
import * as lists from "../../src/resources/status-list/queries.ts";
import { readTokens } from "../../src/resources/token/queries.ts";
import { issueTo, revokeFor } from "./feed-audience.ts";
import { feedUrl, listenToFeed } from "./feed-listener.ts";
import { type Answer, call } from "./http.ts";
import { decodeJwt } from "./jwt.ts";
import { keepJob } from "./leased-job.ts";
import { assertInvalidClient, assertRefused } from "./refusals.ts";
import { noteRevocations } from "./tenancy-revocations.ts";
import type { Attack } from "./tenancy-routes.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";
import { testClient } from "./test-client.ts";
import type { CodeFlow } from "./test-code-flow.ts";

const NAME = "0123456789abcdef";
const FORM = { grant_type: "client_credentials" };
const START = Buffer.alloc(0);

/** What another tenant's client and administrator hear of a tenant's tokens: nothing. */
export const FEED_ATTACKS: Readonly<Record<string, (attack: Attack) => Promise<readonly Answer[]>>> = {
  "GET revocationFeed": async ({ used, stranger }) => {
    const audience = used.resourceServer.settings.identifier;
    const bearer = { authorization: `Bearer ${stranger.managementToken}` };
    const client = { authorization: stranger.flow.application.authorization };
    const at = ({ tenant }: CodeFlow, headers: Record<string, string>) => call(feedUrl(tenant, audience), { headers });
    const foreign = [await at(used.flow, client), await at(used.flow, bearer)] as const;
    assertInvalidClient(foreign[0]);
    assertRefused(foreign[1], 401, "invalid_token");
    const own = [await at(stranger.flow, client), await at(stranger.flow, bearer)] as const;
    assertRefused(own[0], 403, "unauthorized_client");
    assertRefused(own[1], 400, "invalid_request");
    return [...foreign, ...own];
  },
  // Anybody may fetch a tenant's lists, and nobody another's.
  "GET statusLists": async ({ used, stranger }) => {
    const at = (realm: RealmKey) => call(`${used.tenant.server.url}${realmPath(realm)}/status-lists`);
    const own = await at(stranger.flow.tenant.realm);
    assert.deepEqual(own.json, { status_lists: [] });
    const mixed = await at({ ...used.tenant.realm, tenantId: stranger.flow.tenant.tenantId });
    assertInvalidClient(mixed, 404);
    return [own, mixed];
  },
  "GET statusList": async ({ used, stranger }) => {
    const at = (realm: RealmKey) => call(`${used.tenant.server.url}${realmPath(realm)}/status-lists/1`);
    const own = await at(stranger.flow.tenant.realm);
    assertRefused(own, 404, "invalid_request");
    const mixed = await at({ ...used.tenant.realm, tenantId: stranger.flow.tenant.tenantId });
    assertInvalidClient(mixed, 404);
    return [own, mixed];
  },
};

type FeedUse = Pick<TenantInUse, "tenant" | "resourceServer">;

/** Listens to what ends, as the tenant's administrator may. */
export async function useFeed({ tenant, resourceServer }: FeedUse): Promise<void> {
  // What is left to be done must not be done under the eyes of who looks for changes.
  await keepJob(tenant.server, revocationFeedsJob);
  const authorization = `Bearer ${await tenant.managementToken()}`;
  const listener = await listenToFeed(feedUrl(tenant, resourceServer.settings.identifier), { authorization });
  await listener.settled();
  listener.close();
  const { application: job } = await testClient({ tenant, server: resourceServer });
  await useStatusLists({ tenant, resourceServer });
  const [parent, child] = [await tenant.token(job, FORM), await tenant.token(job, FORM)].map(({ json }) =>
    bytea(String(decodeJwt(String(json?.access_token)).jti)),
  );
  await tenant.server.deps.database.maintain((session) =>
    session.query(
      "UPDATE tokens SET root_id = $2::bytea, ancestors = ARRAY [$2::bytea] WHERE tenant_id = $1 AND id = $3::bytea",
      [tenant.tenantId, parent, child],
    ),
  );
}

/** A token with a place in a list, revoked, and the list as anybody sees it. */
async function useStatusLists({ tenant, resourceServer }: FeedUse): Promise<void> {
  const client = await testClient({ tenant, server: resourceServer, tokens: { status_list: true } });
  await revokeFor(client, await issueTo(client));
  const lists = `${tenant.server.url}${realmPath(tenant.realm)}/status-lists`;
  assert.deepEqual((await call(lists)).json, { status_lists: [`${lists}/1`] });
  assert.equal((await call(`${lists}/1`)).status, 200);
}

/** The statements of revocation feeds and of what ends many tokens, with values of this tenant. */
export async function noteFeeds(used: TenantInUse, note: Queryable, db: Queryable, nowMs: number): Promise<void> {
  await noteRevocations(used, note, nowMs);
  const { realm } = used.tenant;
  const { resourceServerId } = used.resourceServer;
  const key = { ...realm, resourceServerId };
  const connection = { ...key, caller: "somebody", holder: NAME };
  // Later than the server's own jobs would clear anything away.
  const laterMs = nowMs + 3_600_000;
  await connections.takeConnection(db, connection, { nowMs, untilMs: laterMs });
  const hold = { nowMs: laterMs + 1, untilMs: laterMs + 2 };
  await connections.takeConnection(note, { ...connection, holder: "another" }, hold);
  await connections.keepConnection(note, connection, hold);
  await connections.freeConnection(note, connection);
  const another = { ...realm, resourceServerId: String(used.ids.resource_server) };
  await feeds.openFeed(db, another, { name: NAME, nowMs });
  await feeds.openFeed(note, key, { name: NAME, nowMs: nowMs + 60_000 }).catch(() => undefined);
  const entry = { resourceServerId, tokenHash: sha256("one"), endedAt: 1, expiresAt: undefined, forgetAtMs: laterMs };
  await feeds.appendEntries(db, realm, [entry]);
  await feeds.appendEntries(note, realm, [{ ...entry, tokenHash: sha256("another") }]);
  await feeds.readFeedEntries(note, key, 0);
  await feeds.readFeedStates(note, [key], nowMs);
  await feeds.lockFeeds(note, realm);
  await noteCauses(used, note, { db, nowMs });
  await feeds.completeFeed(note, another);
  await noteStatusLists(used, note);
}

async function noteStatusLists({ tenant: { realm } }: TenantInUse, note: Queryable): Promise<void> {
  const until = Number.MAX_SAFE_INTEGER;
  const next = { orderKey: sha256("order"), algorithm: "ES256" as const };
  await lists.leasePlaces(note, realm, { count: 1, until }, next).catch(() => undefined);
  await lists.prolongStatusList(note, realm, { list: 1, until });
}

async function noteCauses(
  { tenant: { realm }, flow, job, tokenId }: TenantInUse,
  note: Queryable,
  { db, nowMs }: { readonly db: Queryable; readonly nowMs: number },
): Promise<void> {
  await causes.spreadCause(db, realm, { identityId: flow.identityId, sessionId: "", after: START });
  await causes.spreadCause(note, realm, { identityId: flow.identityId, sessionId: "", after: START });
  // Later than the server's own jobs would take them.
  const laterMs = nowMs + 3_600_000;
  const due = await causes.takeCauses(db, realm, nowMs);
  for (const cause of due)
    await causes.postponeCause(db, realm, cause, { after: START, isSecondLook: true, dueAtMs: laterMs });
  await causes.takeCauses(note, realm, laterMs);
  const waiting = await causes.takeCauses(db, realm, laterMs);
  await causes.findSuspects(note, realm, [tokenId]);
  const ids = (await causes.listSuspects(db, realm, { of: "realm", owner: "", after: START })).map(({ id }) => id);
  await causes.spreadToTrees(note, realm, ids);
  const [reading] = await readTokens(db, [{ ...realm, id: tokenId }]);
  const grantId = reading?.facts?.grantId;
  assert.ok(grantId !== undefined);
  await causes.listSuspects(note, realm, { of: "realm", owner: "", after: START });
  await causes.listSuspects(note, realm, { of: "application", owner: job.key.applicationId, after: START });
  await causes.listSuspects(note, realm, { of: "root", owner: grantId, after: START });
  await causes.settleCauses(note, realm, waiting);
  for (const cause of waiting.slice(0, 1))
    await causes.postponeCause(note, realm, cause, { after: START, isSecondLook: true, dueAtMs: 1 });
}

/** Leaves rows of every kind that a feed has, which no job takes away meanwhile. */
export async function leaveFeed(db: Queryable, key: ResourceServerKey, untilMs: number): Promise<void> {
  await feeds.openFeed(db, key, { name: NAME, nowMs: untilMs });
  for (const cause of await causes.takeCauses(db, key, untilMs))
    await causes.postponeCause(db, key, cause, { after: START, isSecondLook: true, dueAtMs: untilMs });
  const told = { endedAt: 1, expiresAt: undefined, forgetAtMs: untilMs };
  await feeds.appendEntries(db, key, [
    { ...told, resourceServerId: key.resourceServerId, tokenHash: sha256("somebody's") },
  ]);
  await connections.takeConnection(db, { ...key, caller: "somebody", holder: NAME }, { nowMs: 1, untilMs });
  const next = { orderKey: sha256("order"), algorithm: "ES256" as const };
  await lists.leasePlaces(db, key, { count: 1, until: 1 }, next);
}
