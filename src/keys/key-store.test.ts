import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import type { Database } from "../database/database.ts";
import { listMetrics } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { createSealer } from "../platform/seal.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { listSigningKeys } from "../resources/signing-key/queries.ts";
import { SIGNING_ALGORITHMS } from "./algorithms.ts";
import { createKeyStore, type KeyStore } from "./key-store.ts";
import { type KeyDeps, sealContext } from "./make-key.ts";
import { markCompromised, rotateKeys, rotateNow } from "./rotate.ts";

const random = createRandom();
const sealer = createSealer([random.bytes(32)], random);
const metrics = createMetrics(listMetrics());
const NOW = 1_800_000_000;
const DAY = 86_400;
const ignore = () => undefined;

interface Fixture {
  readonly realm: RealmKey;
  readonly deps: KeyDeps;
  readonly store: KeyStore;
  readonly second: KeyStore;
  /** lets the monotonic clock of both nodes run on, so that what they keep is stale */
  readonly pass: (ms: number) => void;
  readonly list: () => ReturnType<typeof listSigningKeys>;
}

async function fixture(): Promise<Fixture> {
  const { database, secondNode } = await sharedDatabase();
  const realm: RealmKey = { tenantId: hexId(random), realmId: hexId(random) };
  let monotonicMs = 0;
  const clock = { nowMs: () => NOW * 1000, nowSeconds: () => NOW, monotonicMs: () => monotonicMs, follow: ignore };
  const node = (of: Database): KeyDeps => ({ database: of, clock, sealer, metrics });
  const deps = node(database);
  return {
    realm,
    deps,
    store: createKeyStore(deps),
    second: createKeyStore(node(secondNode)),
    pass: (ms) => {
      monotonicMs += ms;
    },
    list: () => listSigningKeys(database.tenants([realm.tenantId]), realm),
  };
}

/** What the batch that stores tokens does (settled 17). */
async function writeExpiry({ deps, realm }: Fixture, keyId: string, latestExpiryAt: number): Promise<void> {
  const text = "UPDATE signing_keys SET latest_expiry_at = $1 WHERE tenant_id = $2 AND realm_id = $3 AND key_id = $4";
  const values = [latestExpiryAt, realm.tenantId, realm.realmId, keyId];
  await deps.database.maintain((session) => session.query(text, values));
}

async function publishedKids(store: KeyStore, realm: RealmKey, now: number): Promise<string[]> {
  const set: JSONWebKeySet = JSON.parse((await store.jwks(realm, now)).body);
  return set.keys.map((key) => String(key.kid));
}

for (const algorithm of SIGNING_ALGORITHMS) {
  test(`a JWT signed with ${algorithm} is verified by jose with the published keys`, async () => {
    const { realm, store } = await fixture();
    const key = await store.signingKey(realm, algorithm, NOW);
    assert.equal(key.algorithm, algorithm, "the first key of a realm signs at once");
    const jku = "https://example.com/jwks.json";
    const jwt = await store.signJwt(key, { typ: "at+jwt", jku }, { iss: "https://example.com", sub: "ü", iat: NOW });
    const { body, etag, maxAgeSeconds } = await store.jwks(realm, NOW);
    const jwks: JSONWebKeySet = JSON.parse(body);
    const verified = await jwtVerify(jwt, createLocalJWKSet(jwks), { typ: "at+jwt", algorithms: [algorithm] });
    assert.equal(verified.payload.sub, "ü");
    assert.deepEqual(decodeProtectedHeader(jwt), { typ: "at+jwt", alg: algorithm, kid: key.keyId, jku });
    assert.equal(maxAgeSeconds, 300);
    assert.match(etag, /^"[A-Za-z0-9_-]{43}"$/);
    assert.ok(jwks.keys.every((published) => published.d === undefined && published.use === "sig"));
  });
}

test("a JWKS is never empty: asking for it makes the RS256 key that signs afterwards", async () => {
  const { realm, store, second } = await fixture();
  const kids = await publishedKids(store, realm, NOW);
  assert.equal(kids.length, 1);
  assert.equal((await second.signingKey(realm, "RS256", NOW)).keyId, kids[0]);
});

test("two nodes that need a realm's first key at once make one", async () => {
  const { realm, store, second, list } = await fixture();
  const stores = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : second));
  const keys = await Promise.all(stores.map((one) => one.signingKey(realm, "RS256", NOW)));
  assert.equal(new Set(keys.map((key) => key.keyId)).size, 1);
  assert.equal((await list()).length, 1);
});

test("of two nodes that make different algorithms the realm's first at once, none signs with a key that may be unpublished", async () => {
  for (let round = 0; round < 5; round += 1) {
    const { realm, store, second, list } = await fixture();
    await Promise.all([
      store.jwks(realm, NOW),
      second.signingKey(realm, "ES256", NOW),
      store.signingKey(realm, "EdDSA", NOW),
    ]);
    const atOnce = (await list()).filter((row) => row.signsFromAt <= NOW).map((row) => row.algorithm);
    assert.ok(atOnce.includes("RS256") && atOnce.length <= 2, atOnce.join());
  }
});

test("the key of a newly chosen algorithm is published 360 s before it signs, and the old one signs until then", async () => {
  const { realm, store, pass } = await fixture();
  const first = await store.signingKey(realm, "RS256", NOW);
  assert.equal((await store.signingKey(realm, "ES256", NOW)).keyId, first.keyId);
  const kids = await publishedKids(store, realm, NOW);
  assert.equal(kids.length, 2);
  pass(5_000);
  assert.equal((await store.signingKey(realm, "ES256", NOW + 359)).algorithm, "RS256");
  const later = await store.signingKey(realm, "ES256", NOW + 360);
  assert.equal(later.algorithm, "ES256");
  assert.ok(kids.includes(later.keyId));
});

test("after 90 days the next key is published, then signs, and the old one leaves when all it signed has expired", async () => {
  const made = await fixture();
  const { realm, deps, store, pass, list } = made;
  const first = await store.signingKey(realm, "RS256", NOW);
  const latestExpiryAt = store.publishedExpiry(first, NOW + 100 * DAY) ?? 0;
  await writeExpiry(made, first.keyId, latestExpiryAt);
  assert.deepEqual((await rotateKeys(deps, realm, NOW + 90 * DAY - 1)).made, []);
  const due = NOW + 90 * DAY;
  assert.deepEqual((await rotateKeys(deps, realm, due)).made, ["RS256"]);
  assert.deepEqual((await rotateKeys(deps, realm, due)).made, [], "once is enough");
  pass(5_000);
  assert.equal((await publishedKids(store, realm, due)).length, 2);
  assert.equal((await store.signingKey(realm, "RS256", due + 359)).keyId, first.keyId);
  const second = await store.signingKey(realm, "RS256", due + 360);
  assert.notEqual(second.keyId, first.keyId);
  assert.ok((await publishedKids(store, realm, latestExpiryAt - 1)).includes(first.keyId));
  assert.deepEqual(await publishedKids(store, realm, latestExpiryAt), [second.keyId]);
  assert.deepEqual((await rotateKeys(deps, realm, latestExpiryAt + 3599)).retired, []);
  assert.deepEqual((await rotateKeys(deps, realm, latestExpiryAt + 3600)).retired, [first.keyId]);
  assert.equal((await list()).length, 1);
});

test("an administrator's rotation makes one key, however often it is asked for", async () => {
  const { realm, deps, store } = await fixture();
  await store.signingKey(realm, "ES256", NOW);
  const next = await rotateNow(deps, realm, "ES256", NOW);
  assert.equal(next.signsFromAt, NOW + 360);
  assert.equal((await rotateNow(deps, realm, "ES256", NOW + 1)).keyId, next.keyId);
});

test("a compromised key leaves the JWKS, and another signs", async () => {
  const { realm, deps, store } = await fixture();
  const first = await store.signingKey(realm, "RS256", NOW);
  assert.equal(await markCompromised(deps, realm, first.keyId, NOW), true);
  store.forget(realm.tenantId);
  const next = await store.signingKey(realm, "RS256", NOW);
  assert.notEqual(next.keyId, first.keyId, "no other key could sign in the meantime, so the new one does at once");
  assert.deepEqual(await publishedKids(store, realm, NOW), [next.keyId]);
  assert.equal(await markCompromised(deps, realm, "another", NOW), false);
});

test("another node sees a changed key within two seconds", async () => {
  const { realm, deps, store, second, pass } = await fixture();
  const first = await store.signingKey(realm, "RS256", NOW);
  await second.signingKey(realm, "RS256", NOW);
  await markCompromised(deps, realm, first.keyId, NOW);
  pass(2_001);
  assert.notEqual((await second.signingKey(realm, "RS256", NOW)).keyId, first.keyId);
});

test("private keys are sealed at rest, for one tenant, realm and key id", async () => {
  const { realm, store, list } = await fixture();
  const key = await store.signingKey(realm, "ES256", NOW);
  const row = (await list()).find((one) => one.keyId === key.keyId);
  assert.ok(row);
  const plain = key.privateKey.export({ type: "pkcs8", format: "der" });
  assert.equal(row.privateKeySealed.includes(plain.subarray(-32)), false);
  assert.deepEqual(sealer.open(row.privateKeySealed, sealContext(realm, key.keyId)), plain);
  const elsewhere = [
    sealContext({ ...realm, realmId: hexId(random) }, key.keyId),
    sealContext({ ...realm, tenantId: hexId(random) }, key.keyId),
    sealContext(realm, "another"),
  ];
  for (const context of elsewhere) assert.throws(() => sealer.open(row.privateKeySealed, context));
});

test("the latest expiry is written only when it grows past the hour, and is remembered once it is committed", async () => {
  const made = await fixture();
  const { realm, store, pass } = made;
  const key = await store.signingKey(realm, "ES256", NOW);
  const hour = Math.ceil((NOW + 60) / 3600) * 3600;
  assert.equal(store.publishedExpiry(key, NOW + 60), hour);
  assert.equal(store.publishedExpiry(key, NOW + 60), hour, "a batch may fail: nothing is remembered before the commit");
  await writeExpiry(made, key.keyId, hour);
  store.rememberExpiry(key, hour);
  assert.equal(store.publishedExpiry(key, hour), undefined);
  assert.equal(store.publishedExpiry(key, hour + 1), hour + 3600);
  pass(5_000);
  assert.equal(
    (await store.signingKey(realm, "ES256", NOW)).latestExpiryAt,
    hour,
    "the database says so to every node",
  );
});

test("a tenant sees its own keys only", async () => {
  const { realm, deps, store } = await fixture();
  await store.signingKey(realm, "ES256", NOW);
  assert.deepEqual(await listSigningKeys(deps.database.tenants([hexId(random)]), realm), []);
});
