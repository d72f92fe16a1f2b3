import type { KeyObject } from "node:crypto";
import { createCacheMeter } from "../platform/cache-meter.ts";
import { sha256 } from "../platform/hash.ts";
import { shareOne } from "../platform/share-one.ts";
import { traced } from "../platform/tracing.ts";
import type { RealmKey, SigningAlgorithm } from "../protocol/client-metadata.ts";
import { listSigningKeys, type SigningKeyRow } from "../resources/signing-key/queries.ts";
import { readPrivateKey, signBytes } from "./algorithms.ts";
import { createBoundedMap } from "./bounded-map.ts";
import { type KeyDeps, makeNextKey, sealContext } from "./make-key.ts";
import { chooseSigner, hasKey, JWKS_MAX_AGE_SECONDS, listPublished } from "./schedule.ts";
import { type VerifiedJwt, verifyJwt } from "./verify-jwt.ts";

/** A key that may sign now. */
export interface SigningKey {
  readonly realm: RealmKey;
  /** may differ from the one asked for, while that one's key is only published (rule 39) */
  readonly algorithm: SigningAlgorithm;
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** the latest expiry that the database is known to hold, in seconds of tenant time */
  readonly latestExpiryAt: number;
}

/** The members of a JWT's header that its kind decides (rule 34); `alg` and `kid` come from the key. */
export interface JwtHeader {
  readonly typ: string;
  readonly jku?: string;
}

/** A JWKS answer (RFC 7517 section 5). */
export interface Jwks {
  readonly body: string;
  readonly maxAgeSeconds: number;
  /** quoted, as the header takes it */
  readonly etag: string;
}

/** The signing keys of all realms, as one node sees them. `now` is always seconds of tenant time. */
export interface KeyStore {
  /** The key that signs for a realm; makes the first one of an algorithm. */
  signingKey(realm: RealmKey, algorithm: SigningAlgorithm, now: number): Promise<SigningKey>;
  /** The realm's published keys, never none. */
  jwks(realm: RealmKey, now: number): Promise<Jwks>;
  /** A JWS in compact form (RFC 7515 section 3.1). */
  signJwt(key: SigningKey, header: JwtHeader, payload: object): Promise<string>;
  /** A JWT that a key of this realm has signed; undefined: none has, or a compromised one. */
  verifyJwt(realm: RealmKey, token: string): Promise<VerifiedJwt | undefined>;
  /**
   * What a key's `latest_expiry_at` must become, in the transaction that stores something it signed until `expiresAt`; undefined
   * if the database says enough already (settled 17).
   */
  publishedExpiry(key: SigningKey, expiresAt: number): number | undefined;
  /** Tells that a value of `publishedExpiry` has been committed, so that it need not be written again. */
  rememberExpiry(key: SigningKey, latestExpiryAt: number): void;
  /** Reads a tenant's keys anew at the next use, or those of all: somebody changed them. */
  forget(tenantId?: string): void;
}

/** A node chooses keys from rows at most this old; it starts to read them anew after half of it. */
const STALE_MS_MAX = 2_000;
const FRESH_MS = 1_000;
const REALMS_MAX = 4_096;
const OPENED_KEYS_MAX = 2_048; // about 3 kB each
const EXPIRY_STEP_SECONDS = 3_600;

interface RealmKeys {
  readonly rows: readonly SigningKeyRow[];
  /** the monotonic instant before which they were not read, in milliseconds */
  readonly readAtMs: number;
  jwks?: { readonly now: number; readonly answer: Jwks };
}

/** Keeps the signing keys of this node's realms: rows for two seconds, opened private keys while they are used. */
export function createKeyStore(deps: KeyDeps): KeyStore {
  const rows = createRowCache(deps);
  const opened = createBoundedMap<KeyObject>(OPENED_KEYS_MAX);
  const written = createBoundedMap<number>(OPENED_KEYS_MAX);

  function open(realm: RealmKey, row: SigningKeyRow): KeyObject {
    const name = nameOf(realm, row.keyId);
    const known = opened.get(name);
    if (known !== undefined) return known;
    const privateKey = readPrivateKey(deps.sealer.open(row.privateKeySealed, sealContext(realm, row.keyId)));
    opened.set(name, privateKey);
    return privateKey;
  }

  return {
    signingKey: async (realm, algorithm, now) => {
      const keys = await rows.get(realm);
      const { rows: usable } = hasKey(keys.rows, algorithm) ? keys : await rows.make(realm, algorithm, now);
      const row = chooseSigner(usable, algorithm, now);
      if (row === undefined) throw new Error("a realm has no signing key after one was made");
      const { keyId, latestExpiryAt } = row;
      return { realm, algorithm: row.algorithm, keyId, latestExpiryAt, privateKey: open(realm, row) };
    },
    jwks: async (realm, now) => {
      let keys = await rows.get(realm);
      if (listPublished(keys.rows, now).length === 0) keys = await rows.make(realm, "RS256", now);
      if (keys.jwks?.now !== now) keys.jwks = { now, answer: printJwks(listPublished(keys.rows, now)) };
      return keys.jwks.answer;
    },
    signJwt: async (key, header, payload) => {
      const { typ, ...others } = header;
      const signed = `${encode({ typ, alg: key.algorithm, kid: key.keyId, ...others })}.${encode(payload)}`;
      const part = { name: "sign", attributes: { "mayfly.algorithm": key.algorithm } };
      const signature = await traced(deps.tracing, part, async () =>
        signBytes(key.algorithm, key.privateKey, Buffer.from(signed, "ascii")),
      );
      return `${signed}.${signature.toString("base64url")}`;
    },
    verifyJwt: async (realm, token) => verifyJwt((await rows.get(realm)).rows, token),
    publishedExpiry: (key, expiresAt) => {
      const until = Math.ceil(expiresAt / EXPIRY_STEP_SECONDS) * EXPIRY_STEP_SECONDS;
      const known = Math.max(key.latestExpiryAt, written.get(nameOf(key.realm, key.keyId)) ?? 0);
      return until > known ? until : undefined;
    },
    rememberExpiry: (key, latestExpiryAt) => {
      const name = nameOf(key.realm, key.keyId);
      written.set(name, Math.max(latestExpiryAt, written.get(name) ?? 0));
    },
    forget: rows.forget,
  };
}

interface RowCache {
  get(realm: RealmKey): Promise<RealmKeys>;
  make(realm: RealmKey, algorithm: SigningAlgorithm, now: number): Promise<RealmKeys>;
  forget(tenantId?: string): void;
}

function createRowCache(deps: KeyDeps): RowCache {
  const cache = createBoundedMap<RealmKeys>(REALMS_MAX);
  const reading = new Map<string, Promise<RealmKeys>>();
  const making = new Map<string, Promise<RealmKeys>>();
  const meter = createCacheMeter(deps.metrics, "signing_key");
  let forgotten = 0;

  async function read(realm: RealmKey): Promise<RealmKeys> {
    const readAtMs = deps.clock.monotonicMs();
    const before = forgotten;
    const rows = await listSigningKeys(deps.database.tenants([realm.tenantId]), realm);
    const known = cache.get(nameOf(realm));
    // A read that was overtaken by a later one must not bring the old rows back.
    if (known !== undefined && known.readAtMs > readAtMs) return known;
    const keys: RealmKeys = { rows, readAtMs };
    if (before === forgotten) cache.set(nameOf(realm), keys);
    return keys;
  }

  async function make(realm: RealmKey, algorithm: SigningAlgorithm, now: number): Promise<RealmKeys> {
    const before = await read(realm);
    if (hasKey(before.rows, algorithm)) return before;
    await makeNextKey(deps, realm, { algorithm, rows: before.rows, now });
    const after = await read(realm);
    if (!hasKey(after.rows, algorithm)) throw new Error(`the realm has no ${algorithm} key after one was made`);
    return after;
  }

  return {
    get: async (realm) => {
      const known = cache.get(nameOf(realm));
      const ageMs = known === undefined ? Number.POSITIVE_INFINITY : deps.clock.monotonicMs() - known.readAtMs;
      (known !== undefined && ageMs <= STALE_MS_MAX ? meter.hit : meter.miss).add();
      if (known !== undefined && ageMs <= FRESH_MS) return known;
      const fresh = shareOne(reading, nameOf(realm), () => read(realm));
      if (known === undefined || ageMs > STALE_MS_MAX) return fresh;
      // If this read fails, the next one that somebody waits for says so.
      fresh.catch(() => undefined);
      return known;
    },
    make: (realm, algorithm, now) => shareOne(making, nameOf(realm, algorithm), () => make(realm, algorithm, now)),
    forget: (tenantId = "") => {
      forgotten += 1;
      reading.clear(); // who asks from now on wants them as they are from now on
      cache.deleteAll(tenantId);
    },
  };
}

function nameOf(realm: RealmKey, ...parts: readonly string[]): string {
  return [realm.tenantId, realm.realmId, ...parts].join("/");
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
}

function printJwks(rows: readonly SigningKeyRow[]): Jwks {
  const body = JSON.stringify({ keys: rows.map((row) => row.publicJwk) });
  return { body, maxAgeSeconds: JWKS_MAX_AGE_SECONDS, etag: `"${sha256(body).toString("base64url")}"` };
}
