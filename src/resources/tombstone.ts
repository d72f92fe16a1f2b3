/**
 * SQL: the row is no tombstone, for statements that find rows by primary key.
 *
 * Not `deleted_at_ms IS NULL`: that would let the planner take a partial index of a natural key, which for a prepared plan over
 * a table with few rows costs the same, and then reads every row of the realm when there are many.
 */
export function alive(table?: string): string {
  return `COALESCE(${table === undefined ? "" : `${table}.`}deleted_at_ms, 0) = 0`;
}

/**
 * SQL, the end of a condition: the rows with this natural key that are no tombstones, found by its partial index.
 *
 * A range and an order, and no equation: that order only this index has, and nothing is sorted that an index can have in order. Else the
 * planner may read all rows of a realm by their primary key, which looks no dearer while it knows nothing of the table.
 *
 * @param column the last one of the index
 * @param parameter such as `$3`
 */
export function aliveWithKey(column: string, parameter: string): string {
  return `${column} >= ${parameter} AND ${column} <= ${parameter} AND ${NO_TOMBSTONE} ORDER BY ${column}`;
}

/** SQL: what the rows of a partial index of a natural key have in common. */
export const NO_TOMBSTONE = "deleted_at_ms IS NULL";
