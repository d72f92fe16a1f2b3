// An UPDATE that joins a partitioned table leaves it to the planner how to find its rows, and the planner judges by how full the
// partitions were when it planned: nearly empty, once and for all, since the plan is generic. It then reads whole partitions. An INSERT
// that conflicts with the row's own primary key finds it by that key, always.

/** What an update by primary key needs to know of a table. */
export interface KnownTable {
  readonly name: string;
  /** the columns without a default that may not be null: a row that is proposed must have them, though it is never inserted */
  readonly required: readonly string[];
}

const KEY = ["tenant_id", "realm_id", "id", "bucket"] as const;

/** An update of rows that are known by their primary key. */
export interface KnownUpdate {
  /** a source with the key's columns and what `set` needs, called `c`; each key is in it once */
  readonly from: string;
  /** the lowest and the highest bucket of the batch, such as `$2 AND $3` */
  readonly buckets: string;
  /** columns, and what of `c` each becomes */
  readonly set: Readonly<Record<string, string>>;
  /** columns of `set` that become something else than the value itself: made of it (`excluded`) and of what the locked row holds */
  readonly become?: Readonly<Record<string, string>>;
  /** a further assignment, of what the row holds itself */
  readonly advance?: string;
  /** which rows, by what they hold when they are locked; the table's name is theirs, `excluded` what `set` made */
  readonly where: string;
}

/**
 * SQL: updates rows by their primary key, whatever the planner thinks of their table. A key that no row has is left alone. Rows must not
 * be deleted while they can be named: one that is deleted in the very moment would be made anew. Tokens and grants are not: they go when
 * their bucket is over, and ids of such buckets are refused before.
 */
export function updateKnown(table: KnownTable, update: KnownUpdate): string {
  const { name } = table;
  const changed = Object.keys(update.set);
  const kept = [...KEY, ...table.required.filter((column) => !changed.includes(column))];
  const isKey = KEY.map((column) => `known.${column} = c.${column}`).join(" AND ");
  const assignments = [
    ...changed.map((column) => `${column} = ${update.become?.[column] ?? `excluded.${column}`}`),
    update.advance ?? [],
  ].flat();
  return `INSERT INTO ${name} (${[...kept, ...changed].join(", ")})
     SELECT ${[...kept.map((column) => `old.${column}`), ...Object.values(update.set)].join(", ")}
     FROM ${update.from} c
     CROSS JOIN LATERAL (SELECT * FROM ${name} known WHERE ${isKey} AND known.bucket BETWEEN ${update.buckets} LIMIT 1) old
     ON CONFLICT (${KEY.join(", ")}) DO UPDATE SET ${assignments.join(", ")}
     WHERE ${update.where}`;
}
