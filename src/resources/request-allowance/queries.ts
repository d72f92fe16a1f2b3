import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { LeasedPart, WantedPart } from "../../http/allowances.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { QUOTA_DEFAULTS } from "../tenant/rules.ts";
import { alive } from "../tombstone.ts";

/** What a node asks for: a part of what a caller may ask in a minute. */
export interface AllowanceRequest extends WantedPart {
  readonly caller: ApplicationKey;
}

// A tenth of what is left at most, so that many nodes that were asked little do not use up what one of them needs; a hundredth of all at
// first. Where the clocks of two nodes stand on both sides of a minute's end, the later one counts.
const part = (taken: string): string =>
  `LEAST(GREATEST(excluded.allowed - ${taken}, 0), GREATEST(1, LEAST(COALESCE($5, excluded.allowed / 100), (excluded.allowed - ${taken}) / 10)))`;
const BEFORE = "(CASE WHEN c.minute >= excluded.minute THEN c.taken ELSE 0 END)";

/** SQL: the part that a node gets which wants at most $5, or a first one, from a row `c` of this minute, $4. */
export const partOfAllowance = {
  first: "GREATEST(1, LEAST(COALESCE($5, t.allowed / 100), t.allowed / 10))",
  further: `minute = GREATEST(c.minute, excluded.minute),
     allowed = excluded.allowed, granted = ${part(BEFORE)}, taken = ${BEFORE} + ${part(BEFORE)}`,
} as const;

const take = statement(
  "request_allowance.take",
  `INSERT INTO request_allowances AS c (tenant_id, realm_id, application_id, minute, allowed, taken, granted)
   SELECT $1, $2, $3, $4, t.allowed, ${partOfAllowance.first}, ${partOfAllowance.first} FROM (
     SELECT COALESCE((quotas ->> 'requests_per_minute')::integer, ${QUOTA_DEFAULTS.requests_per_minute}) AS allowed
     FROM tenants WHERE tenant_id = $1 AND ${alive()}
   ) t
   ON CONFLICT (tenant_id, realm_id, application_id) DO UPDATE SET ${partOfAllowance.further}
   RETURNING allowed, taken, granted`,
);

/**
 * Takes a part of what a caller of the management API may ask in a minute (settled 13), from the row that all nodes share.
 *
 * @returns undefined when its tenant is gone
 */
export async function takeAllowance(
  db: Queryable,
  { caller, minute, wanted }: AllowanceRequest,
): Promise<LeasedPart | undefined> {
  const { tenantId, realmId, applicationId } = caller;
  const [row] = await db.run(take, [tenantId, realmId, applicationId, minute, wanted ?? null]);
  if (row === undefined) return undefined;
  return { allowed: row.allowed as number, taken: row.taken as number, granted: row.granted as number };
}
