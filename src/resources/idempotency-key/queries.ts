import type { OwnerSession, Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";

const DELETED_AT_ONCE_MAX = 1_000;

/** Names a key: whose it is, hashed together with it. */
export interface IdempotencyKey {
  readonly tenantId: string;
  readonly keyHash: Uint8Array;
}

/** The first request under a key. */
export interface FirstRequest {
  readonly requestHash: Uint8Array;
  readonly nowMs: number;
}

/** What the first request under a key was, and what it made. */
export interface AnsweredRequest {
  readonly requestHash: Buffer;
  readonly resourceId: string;
}

const insert = statement(
  "idempotency_key.insert",
  `INSERT INTO idempotency_keys (tenant_id, key_hash, request_hash, created_at_ms)
   VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, key_hash) DO NOTHING RETURNING key_hash`,
);

const find = statement(
  "idempotency_key.find",
  "SELECT request_hash, resource_id FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2",
);

const setResource = statement(
  "idempotency_key.set_resource",
  "UPDATE idempotency_keys SET resource_id = $3 WHERE tenant_id = $1 AND key_hash = $2",
);

/** Takes a key for a request: false when another has it. Waits for one that is under way; it comes free when that one fails. */
export async function takeIdempotencyKey(db: Queryable, key: IdempotencyKey, first: FirstRequest): Promise<boolean> {
  const { requestHash, nowMs } = first;
  return (await db.run(insert, [key.tenantId, key.keyHash, requestHash, nowMs])).length > 0;
}

/** Reads what was asked and made under a key. */
export async function findFirstRequest(db: Queryable, key: IdempotencyKey): Promise<AnsweredRequest | undefined> {
  const [row] = await db.run(find, [key.tenantId, key.keyHash]);
  if (row === undefined || row.resource_id === null) return undefined;
  return { requestHash: row.request_hash as Buffer, resourceId: row.resource_id as string };
}

/** Keeps the id of what was made under a key that this transaction took. */
export async function keepResourceId(db: Queryable, key: IdempotencyKey, resourceId: string): Promise<void> {
  await db.run(setResource, [key.tenantId, key.keyHash, resourceId]);
}

/** Deletes a bounded number of keys that were taken before an instant, of all tenants. Returns how many. */
export async function deleteOldIdempotencyKeys(session: OwnerSession, beforeMs: number): Promise<number> {
  const deleted = await session.query(
    `DELETE FROM idempotency_keys WHERE (tenant_id, key_hash) IN
       (SELECT tenant_id, key_hash FROM idempotency_keys WHERE created_at_ms < $1 LIMIT ${DELETED_AT_ONCE_MAX})
     RETURNING key_hash`,
    [beforeMs],
  );
  return deleted.length;
}
