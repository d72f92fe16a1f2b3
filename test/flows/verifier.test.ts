import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import fastify from "fastify";
import { SignJWT } from "jose";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import {
  claimsOf,
  createVerifier,
  expressVerifier,
  type FeedOptions,
  fastifyVerifier,
  type RefusalCode,
  TokenRefused,
  type Verifier,
  type VerifierOptions,
} from "../../src/verifier/verifier.ts";
import { type CuttableLink, cuttableLink } from "../support/cuttable-link.ts";
import { issueTo, makeApi, revokeFor } from "../support/feed-audience.ts";
import { call } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { listen } from "../support/listen.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { sharedServer, testServer } from "../support/test-server.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";
import { assertRefusedToken } from "../support/verifier-refusals.ts";
import { waitUntil } from "../support/wait-until.ts";

// The verifier of the package, as an API uses it: a token is judged without asking, and one that was revoked is refused all the same.

const PATIENCE = { everyMs: 5, msMax: 20_000 };

interface Api extends TestClient {
  readonly api: TestApplication;
  verifier(t: TestContext, options?: Partial<VerifierOptions>): Verifier;
  /** the same with a feed */
  following(t: TestContext, feed?: Partial<FeedOptions>): Verifier;
}

async function testApi(options: Parameters<typeof testClient>[0] = {}): Promise<Api> {
  const client = await testClient({ tenant: await testTenant({ server: await sharedServer() }), ...options });
  const api = await makeApi(client);
  const own = { issuer: client.application.issuer, audience: client.resourceServer.settings.identifier };
  const verifier: Api["verifier"] = (t, more = {}) => {
    const made = createVerifier({ ...own, ...more });
    t.after(made.close);
    return made;
  };
  const following: Api["following"] = (t, feed = {}) =>
    verifier(t, { feed: { authorization: api.authorization, ...feed } });
  return { ...client, api, verifier, following };
}

async function isRefused(verifier: Verifier, token: string, code: RefusalCode): Promise<boolean> {
  return verifier.verify(token).then(
    () => false,
    (error) => error instanceof TokenRefused && error.code === code,
  );
}

describe("a token is judged by the pinned issuer's keys", () => {
  test("one of the issuer's for the audience is accepted until its end, and what it says is told", async (t) => {
    const api = await testApi();
    const token = await issueTo(api);
    const claims = await api.verifier(t).verify(token);
    assert.deepEqual(claims, decodeJwt(token));
    const at = (seconds: number) => api.verifier(t, { nowSeconds: () => seconds });
    await at(claims.exp - 1).verify(token);
    await assertRefusedToken(at(claims.exp), token, "expired");
    await api.verifier(t, { nowSeconds: () => claims.exp, clockToleranceSeconds: 1 }).verify(token);
  });

  test("another audience, issuer, signature or kind is refused", async (t) => {
    const api = await testApi();
    const { tenant, resourceServer } = api;
    const token = await issueTo(api);
    const verifier = api.verifier(t);
    await assertRefusedToken(api.verifier(t, { audience: "urn:another" }), token, "invalid");
    const other = await testClient({ tenant, server: resourceServer });
    await assertRefusedToken(verifier, await issueTo(other), "invalid");
    await api.verifier(t, { issuer: [api.application.issuer, other.application.issuer] }).verify(await issueTo(other));
    const [header, payload = "", signature] = token.split(".");
    const changed = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), scope: "all" };
    const forged = Buffer.from(JSON.stringify(changed)).toString("base64url");
    await assertRefusedToken(verifier, [header, forged, signature].join("."), "invalid");
    const secret = Buffer.alloc(32);
    const made = await new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: "HS256", typ: "at+jwt" }).sign(secret);
    await assertRefusedToken(verifier, made, "invalid");
    for (const text of ["", "x", "a.b.c", `${token}.x`, "a.bnVsbA.c"])
      await assertRefusedToken(verifier, text, "invalid");
    await assert.rejects(verifier.verify("mayfly_at_of-another-application"), /is no JWT/);
  });

  test("a forged one that names no key is refused, also where the realm has two of its algorithm", async (t) => {
    const api = await testApi();
    const [, payload = ""] = (await issueTo(api)).split(".");
    const rotated = await api.tenant.manage("POST", "/keys:rotate", { algorithm: "ES256" });
    assert.equal(rotated.status, 200, rotated.text);
    const header = Buffer.from('{"alg":"ES256","typ":"at+jwt"}').toString("base64url");
    await assertRefusedToken(api.verifier(t), `${header}.${payload}.${"A".repeat(86)}`, "invalid");
  });

  test("without the issuer's keys nothing is said of the token", async (t) => {
    const api = await testApi();
    const issuer = "http://127.0.0.1:1/v1";
    const payload = Buffer.from(JSON.stringify({ iss: issuer })).toString("base64url");
    const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"x"}').toString("base64url");
    await assertRefusedToken(api.verifier(t, { issuer }), `${header}.${payload}.${"A".repeat(86)}`, "unavailable");
  });
});

test("revoked on one node, a token is refused by the validators of two, and the others' are not", async (t) => {
  const first = await testServer();
  const second = await nodeBeside(first);
  t.after(async () => {
    if (second !== first) await second.stop();
    await first.stop();
  });
  const api = await testApi({ tenant: await testTenant({ server: first }) });
  const [token, kept] = [await issueTo(api), await issueTo(api)];
  const place = `${realmPath(api.tenant.realm)}/revocations:feed`;
  const verifiers = [first, second, first, second, first].map(({ url }) => api.following(t, { url: url + place }));
  await Promise.all(verifiers.map(({ ready }) => ready));
  for (const verifier of verifiers) await verifier.verify(token);
  await revokeFor(api, token);
  const areAllTold = async () =>
    (await Promise.all(verifiers.map((verifier) => isRefused(verifier, token, "revoked")))).every(Boolean);
  await waitUntil(areAllTold, "a validator accepts a revoked token", PATIENCE);
  for (const verifier of verifiers) await verifier.verify(kept);
});

describe("the feed is cut", () => {
  const BOUND_SECONDS = 2;
  /** what a busy machine may take to look */
  const LATE_SECONDS_MAX = 8;

  async function cutApi(t: TestContext): Promise<Api & { readonly link: CuttableLink; readonly url: string }> {
    const api = await testApi();
    const link = await cuttableLink(api.tenant.server.url);
    t.after(link.stop);
    return { ...api, link, url: `${link.url}${realmPath(api.tenant.realm)}/revocations:feed` };
  }

  test("at the bound a verifier refuses, or goes on accepting as it was told to; what was revoked stays so", async (t) => {
    const api = await cutApi(t);
    const feed = { url: api.url, staleAfterSeconds: BOUND_SECONDS };
    api.link.cut();
    const closed = api.following(t, feed);
    const open = api.following(t, { ...feed, whenStale: "accept" });
    const [token, dead] = [await issueTo(api), await issueTo(api)];
    await revokeFor(api, dead);
    // Nothing was heard yet.
    await assertRefusedToken(closed, token, "stale");
    await open.verify(token);
    api.link.mend();
    await Promise.all([closed.ready, open.ready]);
    await closed.verify(token);
    api.link.cut();
    const cutAt = performance.now();
    await waitUntil(() => isRefused(closed, token, "stale"), "a stale verifier accepts", PATIENCE);
    assert.ok(performance.now() - cutAt < (BOUND_SECONDS + LATE_SECONDS_MAX) * 1_000);
    assert.deepEqual([closed.isStale(), open.isStale()], [true, true]);
    await open.verify(token);
    for (const verifier of [open, closed]) await assertRefusedToken(verifier, dead, "revoked");
    // What ends meanwhile is told when it is mended.
    await revokeFor(api, token);
    api.link.mend();
    await waitUntil(() => isRefused(open, token, "revoked"), "what ended meanwhile is not told", PATIENCE);
    await waitUntil(() => !closed.isStale(), "it stays stale", PATIENCE);
  });

  test("an event that is lost on the way is missed: nothing is sure until the feed was read anew", async (t) => {
    const api = await testApi();
    const asked: (string | undefined)[] = [];
    const events = (from: number, numbers: readonly number[]) =>
      numbers.map((number, index) => {
        const previous = `f-${numbers[index - 1] ?? from}`;
        return `event: heartbeat\nid: f-${number}\ndata: ${JSON.stringify({ previous })}\n\n`;
      });
    const hello = 'event: hello\nid: f-0\ndata: {"previous":"f-0","resumed":false}\n\n';
    let sendLost = (): void => undefined;
    const url = await listen(t, (request, response) => {
      asked.push(request.headers["last-event-id"]?.toString());
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(hello + (asked.length === 1 ? events(0, [1]).join("") : ""));
      sendLost = () => response.write(events(2, [3]).join(""));
    });
    const failures: unknown[] = [];
    const verifier = api.following(t, {
      url: `${url}/`,
      onError: (error) => failures.push(error),
    });
    await verifier.ready;
    assert.equal(verifier.isStale(), false);
    sendLost();
    await waitUntil(() => verifier.isStale(), "a gap is not noticed", PATIENCE);
    await waitUntil(() => asked.length === 2, "it does not connect again", PATIENCE);
    assert.deepEqual(asked, [undefined, undefined]);
    assert.match(String(failures[0]), /missed/);
  });
});

describe("before an API's routes", () => {
  test("Fastify lets through who has a token with the scopes, and says why not", async (t) => {
    const api = await testApi();
    const verifier = api.following(t);
    await verifier.ready;
    const app = fastify();
    t.after(() => app.close());
    app.get("/shoes", { onRequest: fastifyVerifier(verifier, { scopes: ["shoes:read"] }) }, (request) =>
      claimsOf(request),
    );
    app.get("/admin", { onRequest: fastifyVerifier(verifier, { scopes: ["shoes:delete"] }) }, () => "");
    await assertGuarded(await app.listen({ port: 0, host: "127.0.0.1" }), api);
  });

  test("so does a middleware of Express, on Node's own server", async (t) => {
    const api = await testApi();
    const verifier = api.following(t);
    await verifier.ready;
    const [shoes, admin] = ["shoes:read", "shoes:delete"].map((scope) =>
      expressVerifier(verifier, { scopes: [scope] }),
    );
    const url = await listen(t, (request, response) => {
      const guard = request.url === "/admin" ? admin : shoes;
      guard?.(request, response, () => response.end(JSON.stringify(claimsOf(request))));
    });
    await assertGuarded(url, api);
  });

  async function assertGuarded(url: string, api: Api): Promise<void> {
    const token = await issueTo(api);
    const get = (path: string, authorization?: string) =>
      call(url + path, authorization === undefined ? {} : { headers: { authorization } });
    const accepted = await get("/shoes", `Bearer ${token}`);
    assert.deepEqual([accepted.status, accepted.json?.jti], [200, decodeJwt(token).jti]);
    const without = await get("/shoes");
    assert.deepEqual([without.status, without.headers.get("www-authenticate")], [401, "Bearer"]);
    const lacking = await get("/admin", `Bearer ${token}`);
    assert.equal(lacking.status, 403);
    assert.match(lacking.headers.get("www-authenticate") ?? "", /error="insufficient_scope", scope="shoes:delete"/);
    await revokeFor(api, token);
    const isRevoked = async () => (await get("/shoes", `Bearer ${token}`)).status === 401;
    await waitUntil(isRevoked, "a revoked token is let through", PATIENCE);
    const challenge = (await get("/shoes", `Bearer ${token}`)).headers.get("www-authenticate");
    assert.equal(challenge, 'Bearer error="invalid_token", error_description="the token ended before its time"');
  }
});
