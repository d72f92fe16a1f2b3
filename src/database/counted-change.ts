/** A row that counts its changes, and the parameter with the instant of the change. */
export interface CountedRow {
  readonly table: string;
  /** the condition that finds it */
  readonly where: string;
  /** such as `$5`: milliseconds of real time */
  readonly nowMs: string;
}

/**
 * SQL: a change of what belongs to a row, such as its members, that counts the row's version where anything changed, since `If-Match`
 * protects that, too. It returns the version then, and no row where nothing changed.
 *
 * @param change an INSERT, UPDATE or DELETE without RETURNING
 */
export function countedChange(change: string, { table, where, nowMs }: CountedRow): string {
  return `WITH changed AS (
     ${change} RETURNING 1
   )
   UPDATE ${table} SET version = version + 1, updated_at_ms = ${nowMs}
   WHERE ${where} AND EXISTS (SELECT FROM changed)
   RETURNING version`;
}
