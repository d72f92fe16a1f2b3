/**
 * SQL: true of every row, and said by the statements that read tokens or grants in the order of their application: it is the predicate
 * of that index. Look-ups by primary key do not say it, and so cannot meet the index (migration 9).
 */
export const IN_APPLICATION_ORDER = "application_id <> ''";
