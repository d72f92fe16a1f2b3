import type { OwnerSession, Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { Authority } from "../../protocol/authority.ts";

const DELETED_AT_ONCE_MAX = 1_000;

/** Names a key: whose it is, hashed together with it. */
export interface IdempotencyKey {
  readonly tenantId: string;
  readonly keyHash: Uint8Array;
}

/** The first request under a key. */
export interface FirstRequest {
  readonly requestHash: Uint8Array;
  readonly authority: Authority;
  readonly nowMs: number;
}

/** What the first request under a key was, and what it was answered. */
export interface KeptAnswer {
  readonly requestHash: Buffer;
  readonly authority: Authority;
  readonly answerSealed: Buffer;
}

const insert = statement(
  "idempotency_key.insert",
  `INSERT INTO idempotency_keys (tenant_id, key_hash, request_hash, scopes, target_realm, created_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, key_hash) DO NOTHING RETURNING key_hash`,
);

const find = statement(
  "idempotency_key.find",
  "SELECT request_hash, scopes, target_realm, answer_sealed FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2",
);

const setAnswer = statement(
  "idempotency_key.set_answer",
  "UPDATE idempotency_keys SET answer_sealed = $3 WHERE tenant_id = $1 AND key_hash = $2",
);

/** Takes a key for a request: false when another has it. Waits for one that is under way; it comes free when that one fails. */
export async function takeIdempotencyKey(db: Queryable, key: IdempotencyKey, first: FirstRequest): Promise<boolean> {
  const { requestHash, authority, nowMs } = first;
  const held = [[...authority.scopes], authority.reach];
  return (await db.run(insert, [key.tenantId, key.keyHash, requestHash, ...held, nowMs])).length > 0;
}

/** Reads what was answered under a key. */
export async function findKeptAnswer(db: Queryable, key: IdempotencyKey): Promise<KeptAnswer | undefined> {
  const [row] = await db.run(find, [key.tenantId, key.keyHash]);
  if (row === undefined || row.answer_sealed === null) return undefined;
  return {
    requestHash: row.request_hash as Buffer,
    authority: { scopes: new Set(row.scopes as string[]), reach: row.target_realm as string },
    answerSealed: row.answer_sealed as Buffer,
  };
}

/** Keeps the answer under a key that this transaction took. */
export async function keepAnswer(db: Queryable, key: IdempotencyKey, answerSealed: Uint8Array): Promise<void> {
  await db.run(setAnswer, [key.tenantId, key.keyHash, answerSealed]);
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
