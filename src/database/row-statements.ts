import type { ListDeclaration } from "./list-statements.ts";
import { type Statement, statement } from "./statement.ts";

/** A noun's table: who owns its rows, which column tells them apart, and what makes a row one that is there. */
export type RowDeclaration = Pick<ListDeclaration, "name" | "from" | "owner" | "id" | "where">;

// All of them take the values of the owner's columns and the id, in this order.
function whereText({ owner, id, where }: RowDeclaration): string {
  const keys = [...owner, id].map((column, index) => `${column} = $${index + 1}`);
  return [...keys, where].join(" AND ");
}

/** Declares the statement that reads a row by its key. */
export function declareFind(row: RowDeclaration): Statement {
  return statement(`${row.name}.find`, `SELECT * FROM ${row.from} WHERE ${whereText(row)}`);
}

/** Declares the statement that reads a row by its key and keeps it as it is until the transaction ends. */
export function declareHold(row: RowDeclaration): Statement {
  return statement(`${row.name}.hold`, `SELECT * FROM ${row.from} WHERE ${whereText(row)} FOR UPDATE`);
}

/** Declares the statement that makes a row a tombstone; after the key it takes the instant in milliseconds of real time. */
export function declareDelete(row: RowDeclaration): Statement {
  const now = `$${row.owner.length + 2}`;
  return statement(
    `${row.name}.delete`,
    `UPDATE ${row.from} SET deleted_at_ms = ${now}, updated_at_ms = ${now}, version = version + 1 WHERE ${whereText(row)}`,
  );
}
