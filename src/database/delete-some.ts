import type { OwnerSession } from "./database.ts";

const ROWS_AT_ONCE = 1_000;

/**
 * Deletes at most 1,000 rows of a table, of whichever tenants, so that nobody waits long for what it locks: to be repeated while something
 * is left.
 *
 * @param condition SQL, of the table's columns and `values`
 * @returns how many are gone
 */
export async function deleteSome(
  session: OwnerSession,
  table: string,
  condition: string,
  values: readonly unknown[],
): Promise<number> {
  const rows = await session.query(
    `WITH gone AS (
       DELETE FROM ${table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${ROWS_AT_ONCE})) RETURNING 1
     ) SELECT count(*) AS count FROM gone`,
    values,
  );
  return Number(rows[0]?.count);
}
