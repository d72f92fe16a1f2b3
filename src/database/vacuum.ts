import type { Database } from "./database.ts";

/** So many dead rows, and such a part of the live ones, are worth a pass over a table. */
const DEAD_ROWS_MIN = 1_000;
const DEAD_PART = 0.2;
/** Half of what autovacuum waits for: transaction ids must not run out. */
const AGE_MAX = 100_000_000;
const TABLES_A_RUN_MAX = 100;

const LIST_DUE = `SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.relkind IN ('r', 'm', 't') AND n.nspname NOT LIKE 'pg_temp%'
    AND (s.n_dead_tup > ${DEAD_ROWS_MIN} + ${DEAD_PART} * s.n_live_tup OR age(c.relfrozenxid) > $1)
  ORDER BY age(c.relfrozenxid) DESC LIMIT ${TABLES_A_RUN_MAX}`;

/**
 * Does what autovacuum does on a server, for the embedded database, which has none: gives the room of dead rows back, in the catalog
 * too, where every partition that comes and goes leaves some, and freezes old transaction ids. One table a statement, so that
 * requests go on in between. Statistics are not renewed: no plan depends on them (decision 0003).
 *
 * @param ageMax a table whose oldest transaction id is older is vacuumed, whatever is dead in it
 * @returns the names of the tables
 */
export async function vacuumEmbedded(database: Database, ageMax = AGE_MAX): Promise<string[]> {
  if (database.kind !== "embedded") return [];
  // What the session has counted becomes visible with its next statement.
  await database.maintain((session) => session.query("SELECT pg_stat_force_next_flush()"));
  const due = await database.maintain((session) => session.query(LIST_DUE, [ageMax]));
  const names = due.map(({ name }) => String(name));
  for (const name of names) await database.maintain((session) => session.query(`VACUUM ${name}`));
  return names;
}
