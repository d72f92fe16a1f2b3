/**
 * SQL: the row is no tombstone, for statements that find rows by primary key.
 *
 * Not `deleted_at_ms IS NULL`: that would let the planner take a partial index of a natural key, which for a prepared plan over
 * a table with few rows costs the same, and then reads every row of the realm when there are many.
 */
export function alive(table?: string): string {
  return `COALESCE(${table === undefined ? "" : `${table}.`}deleted_at_ms, 0) = 0`;
}

/** SQL: what the rows of a partial index of a natural key have in common. */
export const NO_TOMBSTONE = "deleted_at_ms IS NULL";
