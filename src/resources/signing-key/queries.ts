import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey, SigningAlgorithm } from "../../protocol/client-metadata.ts";

/** The most keys that are read of a realm: rotation keeps a handful, so more would be a fault of ours. */
const SIGNING_KEYS_MAX = 200;

/** The public half of a key as a JWKS shows it (RFC 7517 section 4). */
export type PublicJwk = Readonly<Record<string, string>>;

/** A signing key of a realm as it is stored; instants are seconds of tenant time. */
export interface SigningKeyRow {
  readonly algorithm: SigningAlgorithm;
  readonly generation: number;
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  /** PKCS #8 under the master key, bound to tenant, realm and key id */
  readonly privateKeySealed: Buffer;
  readonly signsFromAt: number;
  /** the latest `exp` it signed, rounded up to the hour */
  readonly latestExpiryAt: number;
  readonly compromisedAt: number | undefined;
}

/** A key to be stored; `createdAtMs` is milliseconds of real time. */
export interface NewSigningKey {
  readonly algorithm: SigningAlgorithm;
  readonly generation: number;
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  readonly privateKeySealed: Buffer;
  readonly signsFromAt: number;
  readonly createdAtMs: number;
}

const COLUMNS =
  "tenant_id, realm_id, algorithm, generation, key_id, public_jwk, private_key_sealed, signs_from_at, created_at_ms";

const list = statement(
  "signing_key.list",
  `SELECT algorithm, generation, key_id, public_jwk, private_key_sealed, signs_from_at, latest_expiry_at, compromised_at
     FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2
    ORDER BY algorithm, generation LIMIT ${SIGNING_KEYS_MAX}`,
);

const insert = statement(
  "signing_key.insert",
  `INSERT INTO signing_keys (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
);

// Who makes the arbiter decides that both sign at once; whoever comes second publishes its own key first (rule 39).
const insertFirst = statement(
  "signing_key.insert_first",
  `WITH arbiter AS (
     INSERT INTO signing_keys (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING 1
   )
   INSERT INTO signing_keys (${COLUMNS})
   SELECT $1, $2, $10, $11, $12, $13::jsonb, $14, CASE WHEN EXISTS (SELECT FROM arbiter) THEN $8::bigint ELSE $15::bigint END, $9
   ON CONFLICT DO NOTHING`,
);

const markCompromised = statement(
  "signing_key.mark_compromised",
  `UPDATE signing_keys SET compromised_at = coalesce(compromised_at, $4)
    WHERE tenant_id = $1 AND realm_id = $2 AND key_id = $3
   RETURNING algorithm, generation, key_id, public_jwk, private_key_sealed, signs_from_at, latest_expiry_at, compromised_at`,
);

const raiseExpiry = statement(
  "signing_key.raise_expiry",
  `UPDATE signing_keys SET latest_expiry_at = $4
    WHERE tenant_id = $1 AND realm_id = $2 AND key_id = $3 AND latest_expiry_at < $4`,
);

// Judged again at the delete: the key may have signed something longer since it was read.
const retire = statement(
  "signing_key.retire",
  "DELETE FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2 AND key_id = $3 AND latest_expiry_at <= $4 RETURNING key_id",
);

/** Every key of a realm, compromised ones too, by algorithm and generation. */
export async function listSigningKeys(db: Queryable, realm: RealmKey): Promise<SigningKeyRow[]> {
  const rows = await db.run(list, [realm.tenantId, realm.realmId]);
  return rows.map(toSigningKey);
}

/** Stores a key unless its generation is there already: of two that race one wins, and both read again (rule 39). */
export async function insertSigningKey(db: Queryable, realm: RealmKey, key: NewSigningKey): Promise<void> {
  await db.run(insert, toValues(realm, key));
}

/**
 * Stores the first two keys of a realm in one statement. `key` signs from `arbiter.signsFromAt` if this call made the arbiter
 * too, and from its own `signsFromAt` if another node was faster: two algorithms cannot both become the realm's first.
 */
export async function insertFirstSigningKeys(
  db: Queryable,
  realm: RealmKey,
  keys: { readonly arbiter: NewSigningKey; readonly key: NewSigningKey },
): Promise<void> {
  const { key } = keys;
  const own = [key.algorithm, key.generation, key.keyId, JSON.stringify(key.publicJwk), key.privateKeySealed];
  await db.run(insertFirst, [...toValues(realm, keys.arbiter), ...own, key.signsFromAt]);
}

/** Marks a key as known to others: its tokens are dead and it leaves the JWKS (rule 30). The first instant stays. */
export async function markSigningKeyCompromised(
  db: Queryable,
  realm: RealmKey,
  key: { readonly keyId: string; readonly at: number },
): Promise<SigningKeyRow | undefined> {
  const rows = await db.run(markCompromised, [realm.tenantId, realm.realmId, key.keyId, key.at]);
  return rows.map(toSigningKey)[0];
}

/** Notes until when (seconds of tenant time) something may be verified that a key has signed. */
export async function raiseSigningKeyExpiry(
  db: Queryable,
  realm: RealmKey,
  key: { readonly keyId: string; readonly until: number },
): Promise<void> {
  await db.run(raiseExpiry, [realm.tenantId, realm.realmId, key.keyId, key.until]);
}

/** Deletes a key whose every token has expired by `expiredBy` (seconds of tenant time). Tells whether it is gone. */
export async function deleteRetiredSigningKey(
  db: Queryable,
  realm: RealmKey,
  key: { readonly keyId: string; readonly expiredBy: number },
): Promise<boolean> {
  const rows = await db.run(retire, [realm.tenantId, realm.realmId, key.keyId, key.expiredBy]);
  return rows.length > 0;
}

/** A realm that may have keys to rotate or to retire. */
export interface RealmWithAgedKeys {
  readonly realm: RealmKey;
  readonly clockOffsetSeconds: number;
}

/**
 * Pages through the realms of all tenants that have a key which has signed for `ageSeconds` of their own time.
 *
 * @param page `after`: the last realm of the page before; `realNow`: epoch seconds of real time
 */
export async function listRealmsWithAgedKeys(
  session: OwnerSession,
  page: { readonly after?: RealmKey; readonly limit: number; readonly realNow: number; readonly ageSeconds: number },
): Promise<RealmWithAgedKeys[]> {
  const { after, limit, realNow, ageSeconds } = page;
  const rows = await session.query(
    `SELECT DISTINCT k.tenant_id, k.realm_id, t.clock_offset_seconds
       FROM signing_keys k JOIN tenants t ON t.tenant_id = k.tenant_id
      WHERE (k.tenant_id, k.realm_id) > ($1, $2) AND t.deleted_at_ms IS NULL
        AND k.signs_from_at + $4::bigint <= $3::bigint + t.clock_offset_seconds
      ORDER BY k.tenant_id, k.realm_id LIMIT $5`,
    [after?.tenantId ?? "", after?.realmId ?? "", realNow, ageSeconds, limit],
  );
  return rows.map((row) => ({
    realm: { tenantId: row.tenant_id as string, realmId: row.realm_id as string },
    clockOffsetSeconds: row.clock_offset_seconds as number,
  }));
}

/**
 * For how many seconds the oldest key that still signs has signed, in the production tenants: the clocks of others are moved.
 *
 * @param realNow epoch seconds of real time
 */
export async function readOldestSigningAge(session: OwnerSession, realNow: number): Promise<number> {
  const rows = await session.query(
    `SELECT coalesce($1::bigint - min(k.signs_from_at), 0) AS age
       FROM (SELECT DISTINCT ON (tenant_id, realm_id, algorithm) tenant_id, signs_from_at FROM signing_keys
              WHERE signs_from_at <= $1 AND compromised_at IS NULL
              ORDER BY tenant_id, realm_id, algorithm, generation DESC) k
       JOIN tenants t ON t.tenant_id = k.tenant_id AND t.kind = 'production' AND t.deleted_at_ms IS NULL`,
    [realNow],
  );
  return Number(rows[0]?.age ?? 0);
}

function toValues(realm: RealmKey, key: NewSigningKey): unknown[] {
  const { algorithm, generation, keyId, privateKeySealed, signsFromAt, createdAtMs } = key;
  const jwk = JSON.stringify(key.publicJwk);
  return [realm.tenantId, realm.realmId, algorithm, generation, keyId, jwk, privateKeySealed, signsFromAt, createdAtMs];
}

function toSigningKey(row: Row): SigningKeyRow {
  return {
    algorithm: row.algorithm as SigningAlgorithm,
    generation: row.generation as number,
    keyId: row.key_id as string,
    publicJwk: row.public_jwk as PublicJwk,
    privateKeySealed: row.private_key_sealed as Buffer,
    signsFromAt: row.signs_from_at as number,
    latestExpiryAt: row.latest_expiry_at as number,
    compromisedAt: (row.compromised_at as number | null) ?? undefined,
  };
}
