import type { OwnerSession, Queryable } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { statement } from "../../database/statement.ts";
import type { LeasedPart, WantedPart } from "../../http/allowances.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { partOfAllowance } from "../request-allowance/queries.ts";
import { QUOTA_DEFAULTS } from "../tenant/rules.ts";
import { alive } from "../tombstone.ts";

const take = statement(
  "login_allowance.take",
  `INSERT INTO login_allowances AS c (tenant_id, realm_id, counted_key, minute, allowed, taken, granted)
   SELECT $1, $2, $3, $4, t.allowed, ${partOfAllowance.first}, ${partOfAllowance.first} FROM (
     SELECT GREATEST(1, COALESCE((quotas ->> 'logins_per_minute')::integer, ${QUOTA_DEFAULTS.logins_per_minute}) / $6::integer) AS allowed
     FROM tenants WHERE tenant_id = $1 AND ${alive()}
   ) t
   ON CONFLICT (tenant_id, realm_id, counted_key) DO UPDATE SET ${partOfAllowance.further}
   RETURNING allowed, taken, granted`,
);

/** Whose part it is: all of a realm, or a source network there. */
export interface LoginAllowanceRequest extends WantedPart {
  /** SHA-256 of whose it is: the table holds no personal data */
  readonly countedKey: Uint8Array;
  /** what it may, as 1 / share of what the realm may */
  readonly share: number;
}

/**
 * Takes a part of how many logins may be begun in a minute, from the row that all nodes share.
 *
 * @returns undefined when the tenant is gone
 */
export async function takeLoginAllowance(
  db: Queryable,
  realm: RealmKey,
  { countedKey, share, minute, wanted }: LoginAllowanceRequest,
): Promise<LeasedPart | undefined> {
  const key = [realm.tenantId, realm.realmId, Buffer.from(countedKey)];
  const [row] = await db.run(take, [...key, minute, wanted ?? null, share]);
  if (row === undefined) return undefined;
  return { allowed: row.allowed as number, taken: row.taken as number, granted: row.granted as number };
}

/** Deletes at most 1,000 allowances of every tenant of minutes that are over. Returns how many are gone. */
export function deleteOldLoginAllowances(session: OwnerSession, beforeMinute: number): Promise<number> {
  return deleteSome(session, "login_allowances", "minute < $1", [beforeMinute]);
}
