import type { Queryable } from "../../database/database.ts";
import { bucketOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";

// What somebody who has logged in by a code may bind a passkey by. It is stored with the login, and is of no use beyond it.

/** A token that somebody presents. */
export interface PresentedBinding extends ApplicationKey {
  /** the id of the authorization request that it names */
  readonly requestId: string;
  /** its SHA-256, base64url */
  readonly hash: string;
}

const spend = statement(
  "passkey_binding.spend",
  `UPDATE authorization_requests SET request = request #- '{embedded,binding_hash}', version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND id = $3 AND bucket = $4 AND application_id = $5 AND identity_id IS NOT NULL
     AND request #>> '{embedded,binding_hash}' = $6 AND (request #>> '{embedded,binding_ends_at}')::bigint > $7
   RETURNING identity_id`,
);

/** Spends such a token, in one statement. Undefined: there is none, it was spent, or its time is over. */
export async function spendPasskeyBinding(
  db: Queryable,
  { tenantId, realmId, applicationId, requestId, hash }: PresentedBinding,
  now: number,
): Promise<string | undefined> {
  const id = Buffer.from(requestId, "base64url");
  const [row] = await db.run(spend, [tenantId, realmId, id, bucketOf(requestId), applicationId, hash, now]);
  return row && String(row.identity_id);
}
