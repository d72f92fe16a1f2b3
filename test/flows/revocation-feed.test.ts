import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { markCompromised } from "../../src/keys/rotate.ts";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { deleteApplication } from "../../src/resources/application/queries.ts";
import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import { deleteIdentity } from "../../src/resources/identity/queries.ts";
import { deleteResourceServer } from "../../src/resources/resource-server/queries.ts";
import { issueTo, makeApi, revokeFor } from "../support/feed-audience.ts";
import { type FeedListener, feedNameOf, feedUrl, listenToFeed } from "../support/feed-listener.ts";
import { basic, postForm } from "../support/http.ts";
import { type Audience, setIntrospectors } from "../support/introspector.ts";
import { decodeJwt, decodeJwtHeader } from "../support/jwt.ts";
import { scrape } from "../support/scrape.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { exchange } from "../support/token-exchange.ts";
import { waitUntil } from "../support/wait-until.ts";

// Rule 29: who validates tokens without asking hears of those that end before their time, and of nobody else's.

/** Connects as an API of an audience, for as long as the test lasts. */
async function listen(
  t: TestContext,
  audience: Audience,
  authorization: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FeedListener> {
  const url = feedUrl(audience.tenant, audience.resourceServer.settings.identifier);
  const listener = await listenToFeed(url, { authorization, ...headers });
  t.after(listener.close);
  return listener;
}

function namesOf({ events }: FeedListener): unknown[] {
  return events.filter(({ event }) => event === "end").map(({ data }) => data.jti_sha256);
}

test("what is revoked is told at once by the hash of its id, with each event naming the one before", async (t) => {
  const client = await testClient();
  const api = await makeApi(client);
  const listener = await listen(t, client, api.authorization);
  assert.equal(listener.status, 200);
  assert.equal(listener.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(listener.headers.get("cache-control"), "no-store");
  await listener.settled();
  const [kept, first, second] = [await issueTo(client), await issueTo(client), await issueTo(client)];
  await revokeFor(client, first);
  const told = await listener.hears(first);
  assert.deepEqual(Object.keys(told.data).toSorted(), ["at", "jti_sha256", "previous"]);
  assert.equal(told.data.at, Number(decodeJwt(first).iat));
  await revokeFor(client, second);
  await listener.hears(second);
  await listener.settled();
  assert.deepEqual(namesOf(listener), [feedNameOf(first), feedNameOf(second)]);
  assert.equal((await client.tenant.introspect(client.application, kept)).active, true);
  const [hello, ...others] = listener.events;
  assert.deepEqual([hello?.event, hello?.data.resumed], ["hello", false]);
  for (const [index, { data }] of others.entries()) assert.equal(data.previous, listener.events[index]?.id);
});

describe("everything that ends a token before its time is told", () => {
  test("a family with its refresh token, a session, a person, and everything of a person issued before", async (t) => {
    const flow = await testCodeFlow();
    const { tenant } = flow;
    const { database, clock } = tenant.server.deps;
    const listener = await listen(t, flow, (await makeApi(flow)).authorization);
    const one = await flow.logIn();
    await revokeFor(flow, one.refresh);
    await listener.hears(one.access);
    const inSession = await flow.logIn();
    await database.maintain((session) =>
      session.query("UPDATE grants SET session_id = 'one' WHERE tenant_id = $1 AND revoked_at IS NULL", [
        tenant.tenantId,
      ]),
    );
    await database.maintain((session) =>
      session.query(
        `INSERT INTO sessions (tenant_id, realm_id, session_id, identity_id, secret_hash, auth_time, amr, acr, seen_at, kept_until_ms)
         VALUES ($1, $2, 'one', $3, '', 1, '{}', '', 1, 9e12)`,
        [tenant.tenantId, tenant.realm.realmId, flow.identityId],
      ),
    );
    await database.maintain((session) =>
      session.query("UPDATE sessions SET ended_at = 2 WHERE tenant_id = $1", [tenant.tenantId]),
    );
    await listener.hears(inSession.access);
    const ofPerson = await flow.logIn();
    await tenant.advance(1);
    await database.maintain((session) =>
      session.query("UPDATE identities SET tokens_valid_after = $2 WHERE tenant_id = $1", [
        tenant.tenantId,
        Number(decodeJwt(ofPerson.access).iat) + 1,
      ]),
    );
    await listener.hears(ofPerson.access);
    const last = await flow.logIn();
    await deleteIdentity(
      database.tenants([tenant.tenantId]),
      { ...tenant.realm, identityId: flow.identityId },
      clock.nowMs(),
    );
    await listener.hears(last.access);
  });

  test("an application, everything of it issued before, and a key", async (t) => {
    const client = await testClient();
    const { tenant, application } = client;
    const { database, clock } = tenant.server.deps;
    const db = database.tenants([tenant.tenantId]);
    const listener = await listen(t, client, (await makeApi(client)).authorization);
    const before = await issueTo(client);
    await tenant.advance(1);
    await database.maintain((session) =>
      session.query("UPDATE applications SET tokens_valid_after = $2 WHERE tenant_id = $1 AND application_id = $3", [
        tenant.tenantId,
        Number(decodeJwt(before).iat) + 1,
        application.key.applicationId,
      ]),
    );
    await listener.hears(before);
    const signed = await issueTo(client);
    await markCompromised(tenant.server.deps, tenant.realm, String(decodeJwtHeader(signed).kid), clock.nowSeconds());
    await listener.hears(signed);
    const last = await issueTo(client);
    await deleteApplication(db, application.key, clock.nowMs());
    await listener.hears(last);
  });

  test("a token that is shortened, with its new end", async (t) => {
    const client = await testClient();
    const listener = await listen(t, client, (await makeApi(client)).authorization);
    const token = await issueTo(client);
    const { authorization, issuer } = client.application;
    const shortened = await postForm(`${issuer}/shorten`, { token, expiration_time: "60" }, { authorization });
    assert.equal((await listener.hears(token)).data.exp, shortened.json?.exp);
  });
});

test("what was exchanged from a token that is revoked is told with it, and nothing else of its line", async (t) => {
  const client = await testClient();
  const { tenant, application } = client;
  const listener = await listen(t, client, (await makeApi(client)).authorization);
  const exchangeFrom = async (token: string) => tokensOf(await exchange(tenant, application, token)).access;
  const root = await issueTo(client);
  const [parent, sibling] = [await exchangeFrom(root), await exchangeFrom(root)];
  const child = await exchangeFrom(parent);
  await revokeFor(client, parent);
  await listener.hears(child);
  await listener.settled();
  assert.deepEqual(namesOf(listener).toSorted(), [parent, child].map(feedNameOf).toSorted());
  await revokeFor(client, root);
  await listener.hears(sibling);
});

test("another audience's tokens, and opaque ones, are told to nobody here", async (t) => {
  const client = await testClient();
  const other = await testClient({ tenant: client.tenant });
  const opaque = await testClient({
    tenant: client.tenant,
    server: client.resourceServer,
    config: { token_format: "referential" },
  });
  const [api, otherApi] = [await makeApi(client), await makeApi(other)];
  const listener = await listen(t, client, api.authorization);
  const otherListener = await listen(t, other, otherApi.authorization);
  const [foreign, own] = [await issueTo(other), await issueTo(client)];
  const hidden = await issueTo(opaque);
  await revokeFor(other, foreign);
  await revokeFor(opaque, hidden);
  await revokeFor(client, own);
  await Promise.all([listener.hears(own), otherListener.hears(foreign)]);
  await Promise.all([listener.settled(), otherListener.settled()]);
  assert.deepEqual(namesOf(listener), [feedNameOf(own)]);
  assert.deepEqual(namesOf(otherListener), [feedNameOf(foreign)]);
  // Not even that there was something.
  assert.match(listener.events.at(-1)?.id ?? "", /-1$/);
});

describe("who comes late misses nothing", () => {
  test("what ended before anybody listened is told first", async (t) => {
    const client = await testClient();
    const api = await makeApi(client);
    const [dead, alive] = [await issueTo(client), await issueTo(client)];
    await revokeFor(client, dead);
    const listener = await listen(t, client, api.authorization);
    await listener.settled();
    assert.deepEqual(namesOf(listener), [feedNameOf(dead)]);
    assert.equal((await client.tenant.introspect(client.application, alive)).active, true);
  });

  test("after an interruption it goes on behind the last event, or begins anew where that is none of this feed", async (t) => {
    const client = await testClient();
    const api = await makeApi(client);
    const first = await listen(t, client, api.authorization);
    const [one, two] = [await issueTo(client), await issueTo(client)];
    await revokeFor(client, one);
    const { id } = await first.hears(one);
    first.close();
    await revokeFor(client, two);
    const again = await listen(t, client, api.authorization, { "last-event-id": id });
    await again.settled();
    assert.deepEqual([again.events[0]?.data.resumed, namesOf(again)], [true, [feedNameOf(two)]]);
    for (const foreign of [id.replace(/-.*/, "-99"), `${"0".repeat(16)}-1`, "x"]) {
      const anew = await listen(t, client, api.authorization, { "last-event-id": foreign });
      await anew.settled();
      assert.deepEqual([anew.events[0]?.data.resumed, namesOf(anew)], [false, [feedNameOf(one), feedNameOf(two)]]);
    }
  });
});

test("where an identifier has another resource server, it is told of the tokens of the one that was deleted", async (t) => {
  const client = await testClient();
  const { tenant, resourceServer, application } = client;
  const { database, clock } = tenant.server.deps;
  const api = await makeApi(client);
  const before = await listen(t, client, api.authorization);
  const [first, second, kept] = [await issueTo(client), await issueTo(client), await issueTo(client)];
  await revokeFor(client, first);
  await before.hears(first);
  const other = await tenant.addResourceServer();
  const relink = (settings: ApplicationBody) => ({ ...settings, resource_server_id: other.resourceServerId });
  await tenant.changeApplication(application, relink);
  await tenant.changeApplication(api, relink);
  await deleteResourceServer(
    database.tenants([tenant.tenantId]),
    { ...tenant.realm, resourceServerId: resourceServer.resourceServerId },
    clock.nowMs(),
  );
  await before.ended();
  const { identifier } = resourceServer.settings;
  const again = { tenant, resourceServer: await tenant.addResourceServer({ identifier }) };
  await setIntrospectors(again, [api]);
  const listener = await listen(t, again, api.authorization);
  await listener.settled();
  assert.deepEqual([listener.events[0]?.data.resumed, namesOf(listener)], [false, [feedNameOf(first)]]);
  await revokeFor(client, second);
  await listener.hears(second);
  await listener.settled();
  assert.deepEqual(namesOf(listener), [first, second].map(feedNameOf));
  assert.equal((await tenant.introspect(application, kept)).active, true);
});

describe("who may listen (rules 9 and 29)", () => {
  test("introspectors of the audience by Basic, and bearers of tokens:introspect; nobody else", async (t) => {
    const client = await testClient();
    const { tenant, resourceServer, application } = client;
    await makeApi(client);
    const bearer = `Bearer ${await tenant.managementToken("tokens:introspect")}`;
    assert.equal((await listen(t, client, bearer)).status, 200);
    const unknown = {
      tenant,
      resourceServer: { ...resourceServer, settings: { ...resourceServer.settings, identifier: "urn:x" } },
    };
    const refused = await listen(t, client, application.authorization);
    assert.equal(refused.status, 403, refused.text);
    // Which audiences there are it is not told either.
    const error = (text: string) => ({ ...JSON.parse(text), trace_id: "" });
    assert.deepEqual(error((await listen(t, unknown, application.authorization)).text), error(refused.text));
    assert.equal((await listen(t, unknown, bearer)).status, 400);
    assert.equal((await listen(t, client, basic(application.clientId, "x".repeat(43)))).status, 401);
    assert.equal((await listen(t, client, `Bearer ${await tenant.managementToken("tokens:read")}`)).status, 403);
    assert.equal((await listen(t, client, "Bearer x")).status, 401);
    const url = `${tenant.server.url}${realmPath(tenant.realm)}/revocations:feed`;
    assert.equal((await listenToFeed(url, { authorization: bearer })).status, 400);
    assert.equal((await listenToFeed(feedUrl(tenant, "urn:x"), {})).status, 401);
  });

  test("a caller has twenty connections at most, and gets back what it gives up", async (t) => {
    const client = await testClient();
    const api = await makeApi(client);
    const all = await Promise.all(Array.from({ length: 20 }, () => listen(t, client, api.authorization)));
    assert.deepEqual([...new Set(all.map(({ status }) => status))], [200]);
    const refused = await listen(t, client, api.authorization);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "5"]);
    const head = await listenToFeed(
      feedUrl(client.tenant, client.resourceServer.settings.identifier),
      { authorization: api.authorization },
      "HEAD",
    );
    assert.equal(head.status, 200);
    head.close();
    all[0]?.close();
    const patience = { everyMs: 20, msMax: 20_000 };
    await waitUntil(
      async () => (await listen(t, client, api.authorization)).status === 200,
      "no place comes free",
      patience,
    );
  });

  test("a bearer of one use is accepted once, and stays for as long as it lives", async (t) => {
    const client = await testClient();
    const { tenant } = client;
    await tenant.changeApplication(tenant.management, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, token_format: "referential" },
    }));
    const form = { grant_type: "client_credentials", scope: "tokens:introspect", max_uses: "1" };
    const { access } = tokensOf(await tenant.token(tenant.management, form));
    const listener = await listen(t, client, `Bearer ${access}`);
    assert.equal((await listen(t, client, `Bearer ${access}`)).status, 401);
    // Every other heartbeat asks whether the bearer may stay.
    for (let beats = 0; beats < 4; beats += 1) await listener.settled();
    assert.equal(listener.isClosed(), false);
  });

  test("it is over when the bearer is revoked, and when the application is an introspector no more", async (t) => {
    const client = await testClient();
    const { tenant } = client;
    const api = await makeApi(client);
    const token = await tenant.managementToken("tokens:introspect");
    const [byBearer, byBasic] = [
      await listen(t, client, `Bearer ${token}`),
      await listen(t, client, api.authorization),
    ];
    const { authorization, issuer } = tenant.management;
    await postForm(`${issuer}/revoke`, { token }, { authorization });
    await byBearer.ended();
    assert.equal(byBasic.isClosed(), false);
    await setIntrospectors(client, []);
    await byBasic.ended();
  });
});

test("metrics say how many are connected, and for how long they have not heard that they know everything", async () => {
  const server = await testServer();
  const client = await testClient({ tenant: await testTenant({ server }) });
  const { authorization } = await makeApi(client);
  const listener = await listenToFeed(feedUrl(client.tenant, client.resourceServer.settings.identifier), {
    authorization,
  });
  await listener.settled();
  const read = async () => {
    const { sum } = await scrape(server);
    return [sum("mayfly_revocation_feed_subscribers"), sum("mayfly_revocation_feed_silence_seconds")] as const;
  };
  const until = (is: (subscribers: number, silence: number) => boolean, complaint: string) =>
    waitUntil(async () => is(...(await read())), complaint, { everyMs: 20, msMax: 20_000 });
  const setComplete = (isComplete: boolean) =>
    server.deps.database.maintain((session) =>
      session.query("UPDATE revocation_feeds SET is_complete = $1", [isComplete]),
    );
  await until((subscribers, silence) => subscribers === 1 && silence < 2, "it is connected and hears");
  await setComplete(false);
  await until((_, silence) => silence > 2.5, "it hears no more");
  await setComplete(true);
  await until((_, silence) => silence < 2, "it hears again");
  listener.close();
  await until((subscribers, silence) => subscribers === 0 && silence === 0, "nobody is connected");
  await server.stop();
});

test("a server that ends sends its subscribers away first", async () => {
  const server = await testServer();
  const client = await testClient({ tenant: await testTenant({ server }) });
  const { authorization } = await makeApi(client);
  const url = feedUrl(client.tenant, client.resourceServer.settings.identifier);
  const listener = await listenToFeed(url, { authorization });
  await listener.settled();
  await server.stop();
  assert.equal(listener.isClosed(), true);
});
