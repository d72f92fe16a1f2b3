import type { Filter } from "../protocol/scim-filter.ts";
import type { Queryable, Row } from "./database.ts";
import { type FilterAttribute, filterAttributes, filterCondition, type LookUp } from "./filter-condition.ts";
import { composedStatement, type Statement, statement } from "./statement.ts";

/** What a list is a list of. Every text here is SQL of ours. */
export interface ListDeclaration {
  /** the noun, as in the names of its other statements: `group` makes `group.list` and `group.count` */
  readonly name: string;
  /** a table, or tables joined */
  readonly from: string;
  /** the columns that say whose the rows are, `tenant_id` first */
  readonly owner: readonly string[];
  /** the column that tells the rows of one owner apart, as text: they come in its order */
  readonly id: string;
  /** what is read of a row, all columns if absent */
  readonly columns?: string;
  /** what makes a row one of the list's, such as that it is no tombstone */
  readonly where: string;
  /**
   * How all rows are counted: by looking at them, or by what triggers keep in `row_counts` under the list's noun (its migration says
   * `mayfly_count`), where they may be many.
   */
  readonly counted: "each time" | "by triggers";
  /** what triggers count the rows as, where it is not the list's name */
  readonly noun?: string;
  /** what filters may name */
  readonly attributes: Readonly<Record<string, FilterAttribute>>;
}

/** Which rows of a list. */
export interface ListPage {
  /** the id of the last row before; "" begins at the first */
  readonly after: string;
  /** most rows */
  readonly limit: number;
  /** so many rows are left out first */
  readonly skip?: number | undefined;
  readonly filter?: Filter | undefined;
}

/** The statements of a list. Each takes whose it is: the values of the owner's columns, the tenant's id first. */
export interface ListStatements {
  /** Reads a page in the order of the ids. Throws FilterError for a filter that asks for what the list does not have. */
  page(db: Queryable, owner: readonly string[], page: ListPage): Promise<Row[]>;
  /** Counts all rows, or those that pass the filter. Throws FilterError as `page`. */
  count(db: Queryable, owner: readonly string[], filter?: Filter): Promise<number>;
}

/**
 * Declares the statements of a list: its page and its count are prepared, and those with a filter composed at each use (decision 0016).
 * Called once for a list, at module level.
 */
export function declareList(declaration: ListDeclaration): ListStatements {
  const { name } = declaration;
  const attributes = filterAttributes(declaration.attributes);
  const first = declaration.owner.length + 1;
  const [afterAt, limitAt, skipAt] = [`$${first}`, `$${first + 1}`, `$${first + 2}`];
  const pageOf = { after: afterAt, limit: limitAt, skip: skipAt };
  const page = statement(`${name}.list`, pageText(declaration, pageOf));
  const count = statement(`${name}.count`, countText(declaration));
  const composePage = composedStatement(`${name}.list_filtered`);
  const composeCount = composedStatement(`${name}.count_filtered`);

  return {
    page: async (db, owner, { after, limit, skip = 0, filter }) => {
      const values = [...owner, after, limit, skip];
      if (filter === undefined) return db.run(page, values);
      const condition = filterCondition(filter, attributes, values.length + 1);
      return db.run(composePage(pageText(declaration, pageOf, condition)), [...values, ...condition.values]);
    },
    count: async (db, owner, filter) => {
      if (filter === undefined) return readCount(db, count, owner);
      const condition = filterCondition(filter, attributes, first);
      return readCount(db, composeCount(countText(declaration, condition)), [...owner, ...condition.values]);
    },
  };
}

async function readCount(db: Queryable, counting: Statement, values: readonly unknown[]): Promise<number> {
  const [row] = await db.run(counting, values);
  return Number(row?.size ?? 0);
}

interface PageParameters {
  readonly after: string;
  readonly limit: string;
  readonly skip: string;
}

/** A filter's part of a text. */
interface Condition {
  readonly sql: string;
  readonly lookUp: LookUp | undefined;
}

function pageText(declaration: ListDeclaration, { after, limit, skip }: PageParameters, condition?: Condition): string {
  const { columns = "*", id } = declaration;
  return `SELECT ${columns} ${fromText(declaration, condition)} AND ${id} > ${after}${filterText(condition)}
   ORDER BY ${id} LIMIT ${limit} OFFSET ${skip}`;
}

function countText(declaration: ListDeclaration, condition?: Condition): string {
  if (declaration.counted === "by triggers" && condition === undefined) return keptCountText(declaration);
  return `SELECT count(*) AS size ${fromText(declaration, condition)}${filterText(condition)}`;
}

function keptCountText({ name, noun = name, owner }: ListDeclaration): string {
  const [tenant, realm = "''"] = owner.map((_, index) => `$${index + 1}`);
  return `SELECT COALESCE(sum(live), 0)::bigint AS size FROM row_counts WHERE tenant_id = ${tenant} AND realm_id = ${realm} AND noun = '${noun}'`;
}

function filterText(condition: Condition | undefined): string {
  return condition === undefined ? "" : ` AND ${condition.sql}`;
}

// What an index finds is found first, within OFFSET 0, which the planner does not look through: else it may read all rows of the owner
// in the order of their ids, which looks no dearer while it knows nothing of the table. It may even do so within: but not where another
// order is asked for, since nothing is sorted that an index can have in order (see `createPool`).
function fromText({ from, owner, where }: ListDeclaration, condition: Condition | undefined): string {
  const owned = owner.map((column, index) => `${column} = $${index + 1}`).join(" AND ");
  if (condition?.lookUp === undefined) return `FROM ${from} WHERE ${owned} AND ${where}`;
  const { sql, order } = condition.lookUp;
  return `FROM (SELECT * FROM ${from} WHERE ${owned} AND ${sql} ORDER BY ${order} OFFSET 0) ${from} WHERE ${where}`;
}
