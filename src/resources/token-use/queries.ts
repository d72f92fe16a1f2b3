import type { Queryable } from "../../database/database.ts";
import { updateKnown } from "../../database/known-row.ts";
import { bucketRange, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import { TOKENS, type TokenKey } from "../token/queries.ts";

// What is left may fall below 0: then it says how many of a batch came too late.
const take = statement(
  "token.take_uses",
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(tenant_id text, realm_id text, id bytea, bucket integer)
   ), wanted AS (
     SELECT tenant_id, realm_id, id, bucket, count(*)::integer AS uses FROM batch GROUP BY 1, 2, 3, 4
   ), taken AS (
     ${updateKnown(TOKENS, {
       from: "wanted",
       buckets: "$2 AND $3",
       set: { uses_left: "c.uses" },
       become: { uses_left: "tokens.uses_left - excluded.uses_left" },
       where: "tokens.uses_left > 0 AND tokens.revoked_at IS NULL",
     })}
     RETURNING tenant_id, realm_id, id, uses_left
   )
   SELECT t.tenant_id, t.realm_id, encode(t.id, 'hex') AS id, w.uses + LEAST(t.uses_left, 0) AS allowed
   FROM taken t JOIN wanted w ON w.tenant_id = t.tenant_id AND w.realm_id = t.realm_id AND w.id = t.id`,
);

/**
 * Takes one use of each token that is named, of one named twice two, atomically: exactly as many are allowed as were left (rule 17).
 *
 * @returns for each whether it had a use left; in the order of the keys, so that of several of one token the first are allowed
 */
export async function takeUses(db: Queryable, keys: readonly TokenKey[]): Promise<readonly boolean[]> {
  const rows = await db.run(take, valuesOf(keys));
  const allowed = new Map(rows.map((row) => [`${row.tenant_id}/${row.realm_id}/${row.id}`, row.allowed as number]));
  return keys.map((key) => {
    const name = `${key.tenantId}/${key.realmId}/${Buffer.from(key.id, "base64url").toString("hex")}`;
    const left = allowed.get(name) ?? 0;
    allowed.set(name, left - 1);
    return left > 0;
  });
}

const lock = statement(
  "token.await_uses",
  `SELECT t.id FROM json_to_recordset($1::json) AS b(tenant_id text, realm_id text, id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT id FROM tokens t WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id
     AND t.bucket = b.bucket AND t.bucket BETWEEN $2 AND $3 LIMIT 1 FOR NO KEY UPDATE) t`,
);

/** Waits until nobody who is about to take or move uses of these tokens still is: what is asked afterwards sees what came of it. */
export async function awaitUses(db: Queryable, keys: readonly TokenKey[]): Promise<void> {
  await db.run(lock, valuesOf(keys));
}

function valuesOf(keys: readonly TokenKey[]): readonly unknown[] {
  const batch = keys.map((key) => ({ tenant_id: key.tenantId, realm_id: key.realmId, ...idColumns(key.id) }));
  return [JSON.stringify(batch), ...bucketRange(keys.map(({ id }) => id))];
}
