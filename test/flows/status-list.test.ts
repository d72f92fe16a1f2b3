import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inflateSync } from "node:zlib";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { bytea } from "../../src/database/row-id.ts";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { deleteApplication } from "../../src/resources/application/queries.ts";
import { issueTo, revokeFor } from "../support/feed-audience.ts";
import { call } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

// Rule 29 and draft-ietf-oauth-status-list: a list that anybody may fetch and keep, of which a token says its bit.

const STATUS = { status_list: true };

interface Place {
  readonly idx: number;
  readonly uri: string;
}

function placeIn(token: string): Place {
  const { status_list } = Object(decodeJwt(token).status);
  assert.equal(typeof status_list?.idx, "number");
  return status_list;
}

/** Fetches a list as a validator does; tells of a place whether it is INVALID. */
async function fetchList(client: Pick<TestClient, "application">, uri: string) {
  const answer = await call(uri);
  assert.equal(answer.status, 200, answer.text);
  const keys = createRemoteJWKSet(new URL(`${client.application.issuer}/.well-known/jwks.json`));
  const iat = new Date(Number(decodeJwt(answer.text).iat) * 1_000);
  const { payload } = await jwtVerify(answer.text, keys, { typ: "statuslist+jwt", currentDate: iat });
  const { bits, lst } = Object(payload.status_list);
  assert.deepEqual([payload.sub, bits], [uri, 1]);
  const bytes = inflateSync(Buffer.from(lst, "base64url"));
  const isInvalid = ({ idx }: Place) => ((bytes[Math.floor(idx / 8)] ?? 0) >> (idx % 8)) % 2 === 1;
  const count = [...bytes].reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  return { answer, payload, isInvalid, count };
}

test("a token is valid in its list until it is revoked; the list is signed, public and may be kept for half a minute", async () => {
  const client = await testClient({ tokens: STATUS });
  const [token, other] = [await issueTo(client), await issueTo(client)];
  const [place, kept] = [placeIn(token), placeIn(other)];
  assert.equal(place.uri, kept.uri);
  assert.notEqual(place.idx, kept.idx);
  const before = await fetchList(client, place.uri);
  assert.equal(before.count, 0);
  assert.equal(before.answer.headers.get("content-type"), "application/statuslist+jwt");
  assert.equal(before.answer.headers.get("cache-control"), "public, max-age=30");
  assert.equal(before.answer.headers.get("access-control-allow-origin"), "*");
  const { iat, exp, ttl } = before.payload;
  assert.deepEqual([ttl, Number(exp) - Number(iat)], [30, 60]);
  await revokeFor(client, token);
  // A node keeps a list until it hears that something ended.
  const isTold = async () => (await fetchList(client, place.uri)).isInvalid(place);
  await waitUntil(isTold, "the list does not tell of a revocation", { everyMs: 10, msMax: 10_000 });
  const after = await fetchList(client, place.uri);
  assert.deepEqual([after.isInvalid(place), after.isInvalid(kept), after.count], [true, false, 1]);
});

test("no list of another time is kept, and none is shown in its place", async () => {
  const client = await testClient({ tokens: STATUS });
  const { uri } = placeIn(await issueTo(client));
  const answer = await call(`${uri}?time=1700000000`);
  assert.deepEqual([answer.status, answer.json?.error], [404, "invalid_request"]);
  assert.equal((await call(`${uri}?other=1`)).status, 200);
});

test("of families, shortened tokens and deleted applications, too", async () => {
  const flow = await testCodeFlow({ tokens: STATUS });
  const { tenant } = flow;
  const one = await flow.logIn();
  const { uri } = placeIn(one.access);
  const heard = (place: Place) =>
    waitUntil(async () => (await fetchList(flow, uri)).isInvalid(place), "not told", { everyMs: 10, msMax: 10_000 });
  await revokeFor(flow, one.refresh);
  await heard(placeIn(one.access));
  const job = await testClient({ tenant, server: flow.resourceServer, tokens: STATUS });
  const [short, last] = [await issueTo(job), await issueTo(job)];
  const { database, clock } = tenant.server.deps;
  await database.maintain((session) =>
    session.query("UPDATE tokens SET expires_at = issued_at + 100 WHERE tenant_id = $1 AND id = $2::bytea", [
      tenant.tenantId,
      bytea(String(decodeJwt(short).jti)),
    ]),
  );
  assert.equal((await fetchList(flow, uri)).isInvalid(placeIn(short)), false, "its new end has not come");
  await tenant.advance(100);
  await deleteApplication(database.tenants([tenant.tenantId]), job.application.key, clock.nowMs());
  for (const token of [short, last]) await heard(placeIn(token));
});

describe("a place is a token's own", () => {
  test("no two of many tokens that two nodes issue at once have the same, and none follows the one before", async (t) => {
    const first = await testServer();
    const second = await nodeBeside(first);
    t.after(async () => {
      if (second !== first) await second.stop();
      await first.stop();
    });
    const client = await testClient({ tenant: await testTenant({ server: first }), tokens: STATUS });
    const issuer = client.application.issuer.replace(first.url, second.url);
    const there = { ...client, application: { ...client.application, issuer } };
    const tokens = await Promise.all(Array.from({ length: 300 }, (_, n) => issueTo(n % 2 === 0 ? client : there)));
    const places = tokens.map(placeIn);
    assert.equal(new Set(places.map(({ idx, uri }) => `${uri}#${idx}`)).size, 300);
    const steps = places.slice(1).map(({ idx }, n) => Math.abs(idx - (places[n]?.idx ?? 0)));
    assert.ok(steps.filter((step) => step < 10).length < 10, "places are handed out in order");
  });

  test("only where the application asks for it, and only of self-contained tokens of a resource server", async () => {
    const plain = await testClient();
    assert.equal(decodeJwt(await issueTo(plain)).status, undefined);
    const { tenant } = plain;
    const opaque = await testClient({ tenant, tokens: STATUS, config: { token_format: "referential" } });
    await issueTo(opaque);
    const lists = await call(`${tenant.server.url}${realmPath(tenant.realm)}/status-lists`);
    assert.deepEqual([lists.status, lists.json], [200, { status_lists: [] }]);
    assert.equal((await call(`${tenant.server.url}${realmPath(tenant.realm)}/status-lists/1`)).status, 404);
  });
});

test("discovery leads to the lists of the realm", async () => {
  const client = await testClient({ tokens: STATUS });
  const { uri } = placeIn(await issueTo(client));
  const { json } = await call(`${client.application.issuer}/.well-known/openid-configuration`);
  const lists = await call(String(json?.status_list_aggregation_endpoint));
  assert.deepEqual(lists.json, { status_lists: [uri] });
  for (const list of ["0", "2", "01", "x", "1000000000"])
    assert.equal((await call(`${uri.slice(0, uri.lastIndexOf("/"))}/${list}`)).status, 404);
  const header = decodeProtectedHeader((await call(uri)).text);
  assert.deepEqual([header.typ, header.alg, typeof header.kid], ["statuslist+jwt", "ES256", "string"]);
});
