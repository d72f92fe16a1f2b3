import type { OwnerSession, Queryable, Row } from "../../database/database.ts";
import { deleteSome } from "../../database/delete-some.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";

/** What is counted (rule 35). */
export type AttemptKind = "code_sent" | "wrong_try";

/** Attempts of one kind for one address or source network. */
export interface Attempt {
  /** SHA-256 of the address or network: the table holds no personal data */
  readonly countedKey: Uint8Array;
  readonly kind: AttemptKind;
  /** whole hours since 1970 in real time: a tenant's clock does not move these counts (rule 26) */
  readonly hour: number;
}

// `add` takes the current hour from its upsert alone: a statement does not see what it has just written.
const SUMS = `SELECT w.nth, (SELECT coalesce(sum(a.attempts), 0) FROM attempt_counts a
      WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.counted_key = $3 AND a.kind = $4
        AND a.hour > $5::integer - w.hours AND a.hour`;

const add = statement(
  "attempt_count.add",
  `WITH counted AS (
     INSERT INTO attempt_counts AS c (tenant_id, realm_id, counted_key, kind, hour, attempts) VALUES ($1, $2, $3, $4, $5, 1)
     ON CONFLICT (tenant_id, realm_id, counted_key, kind, hour) DO UPDATE SET attempts = c.attempts + 1
     RETURNING attempts
   )
   ${SUMS} < $5::integer) + counted.attempts AS attempts
     FROM counted, unnest($6::integer[]) WITH ORDINALITY AS w (hours, nth) ORDER BY w.nth`,
);

const sum = statement(
  "attempt_count.sum",
  `${SUMS} <= $5::integer) AS attempts FROM unnest($6::integer[]) WITH ORDINALITY AS w (hours, nth) ORDER BY w.nth`,
);

/**
 * Counts one attempt, exactly, over all nodes: two at once get two different sums.
 *
 * @param windows for each sum asked for, how many hours it goes back, the current one included; 1 is this hour of the clock
 * @returns the sums, this attempt included, in the order of `windows`
 */
export async function addAttempt(
  db: Queryable,
  realm: RealmKey,
  attempt: Attempt,
  windows: readonly number[],
): Promise<number[]> {
  return (await db.run(add, toValues(realm, attempt, windows))).map(toAttempts);
}

/** The sums of `addAttempt` without counting. */
export async function sumAttempts(
  db: Queryable,
  realm: RealmKey,
  attempt: Attempt,
  windows: readonly number[],
): Promise<number[]> {
  return (await db.run(sum, toValues(realm, attempt, windows))).map(toAttempts);
}

/** Deletes at most 1,000 counts of every tenant that are older than an hour of real time. Returns how many are gone. */
export function deleteOldAttempts(session: OwnerSession, beforeHour: number): Promise<number> {
  return deleteSome(session, "attempt_counts", "hour < $1", [beforeHour]);
}

function toValues(realm: RealmKey, attempt: Attempt, windows: readonly number[]): unknown[] {
  return [realm.tenantId, realm.realmId, Buffer.from(attempt.countedKey), attempt.kind, attempt.hour, [...windows]];
}

function toAttempts(row: Row): number {
  return Number(row.attempts);
}
