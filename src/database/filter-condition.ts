import type { Comparison, ComparisonOperator, Filter, FilterValue, Presence } from "../protocol/scim-filter.ts";
import { FilterError } from "../protocol/scim-filter.ts";

/** What a filter may ask of one attribute, and where that is stored. `sql` is a fixed text of ours: a column, or an expression. */
export type FilterAttribute = TextAttribute | ExactAttribute | ScalarAttribute | EnumAttribute;

interface IndexedAttribute {
  /**
   * What the rows of an index over the owner's columns and this one have in common, such as `deleted_at_ms IS NULL`: says that there
   * is one, and that all rows of the list are in it.
   */
  readonly index?: string;
}

/** Text compared without regard to case, as far as the database's locale knows letters (RFC 7643 §2.2, caseExact false). */
interface TextAttribute extends IndexedAttribute {
  readonly type: "text";
  readonly sql: string;
  /** where the column holds what this makes of a text (such as a key in lower case): values are made alike, in place of lower() */
  readonly foldedBy?: (text: string) => string;
}

interface ExactAttribute extends IndexedAttribute {
  readonly type: "exact text";
  readonly sql: string;
}

interface ScalarAttribute {
  /** `time` is a column of milliseconds, compared with RFC 3339 texts */
  readonly type: "boolean" | "number" | "time";
  readonly sql: string;
}

/** One of a few fixed texts; a value may be written in any case. */
interface EnumAttribute {
  readonly type: "enum";
  readonly sql: string;
  readonly values: readonly string[];
}

/** By the attribute's name in lower case: names are compared without regard to case (RFC 7643 §2.1). */
export type FilterAttributes = ReadonlyMap<string, FilterAttribute>;

/** A filter as SQL. */
export interface FilterCondition {
  /** true or not true (false or unknown) of a row */
  readonly sql: string;
  /** what its parameters stand for, in order */
  readonly values: readonly unknown[];
  readonly lookUp: LookUp | undefined;
}

/** A part of a condition by which an index finds the rows. */
export interface LookUp {
  readonly sql: string;
  /** the column that the index has them in the order of */
  readonly order: string;
}

/**
 * The table of attributes that a list's filters may name.
 *
 * @param attributes by name, as it is documented
 */
export function filterAttributes(attributes: Readonly<Record<string, FilterAttribute>>): FilterAttributes {
  return new Map(Object.entries(attributes).map(([name, attribute]) => [name.toLowerCase(), attribute]));
}

/**
 * Turns a filter into a condition over columns. Every value is bound to a parameter.
 *
 * What a row has no value for is absent: `ne` is true of it and every other comparison false, `eq null` means absent and `ne null` not
 * (RFC 7644 §3.4.2.2, RFC 7643 §2.5).
 *
 * @param first the number of the first parameter that is free
 * @throws FilterError for an attribute that is not in the table, an operator it does not have, or a value of another type
 */
export function filterCondition(filter: Filter, attributes: FilterAttributes, first: number): FilterCondition {
  const values: unknown[] = [];
  const bind = (value: unknown, type: string): string => {
    values.push(value);
    return `$${first + values.length - 1}::${type}`;
  };
  const builder: Builder = { attributes, bind };
  const sql = build(builder, filter, { prefix: "", isNegated: false });
  return { sql, values, lookUp: findLookUp({ attributes, bind }, filter) };
}

interface Builder {
  readonly attributes: FilterAttributes;
  /** gives a value the next parameter */
  readonly bind: (value: unknown, type: string) => string;
}

interface Place {
  /** the attribute whose parts are named, with its dot */
  readonly prefix: string;
  /** whether unknown must be told from false */
  readonly isNegated: boolean;
}

function build(builder: Builder, filter: Filter, place: Place): string {
  switch (filter.kind) {
    case "and":
    case "or": {
      const parts = filter.filters.map((part) => build(builder, part, place));
      return `(${parts.join(filter.kind === "and" ? " AND " : " OR ")})`;
    }
    case "not":
      return `NOT ${build(builder, filter.filter, { ...place, isNegated: true })}`;
    case "value":
      // All attributes here have one value: its parts are attributes themselves.
      return build(builder, filter.filter, { ...place, prefix: `${place.prefix}${filter.attribute}.` });
    case "present":
    case "compare": {
      const sql = buildOne(builder, filter, place);
      return place.isNegated ? `((${sql}) IS TRUE)` : `(${sql})`;
    }
  }
}

function buildOne(builder: Builder, filter: Comparison | Presence, { prefix }: Place): string {
  const name = `${prefix}${filter.attribute}`;
  const attribute = findAttribute(builder, name);
  if (filter.kind === "present") return isPresent(attribute);
  const { operator, value } = filter;
  if (value === null) {
    if (operator === "eq") return `NOT (${isPresent(attribute)})`;
    if (operator === "ne") return isPresent(attribute);
    throw new FilterError(`"${shorten(name)}" cannot be compared with null by ${operator}`);
  }
  if (!OPERATORS[attribute.type].includes(operator)) {
    throw new FilterError(`"${shorten(name)}" cannot be compared by ${operator}`);
  }
  return compare(operator, bindOperands(builder, attribute, { name, value }));
}

function findAttribute({ attributes }: Builder, name: string): FilterAttribute {
  const attribute = attributes.get(name.toLowerCase());
  if (attribute === undefined) throw new FilterError(`there is no attribute "${shorten(name)}" to filter by`);
  return attribute;
}

const NAME_LENGTH_MAX = 64;

function shorten(name: string): string {
  return name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX)}…` : name;
}

// RFC 7644 §3.4.2.2, "pr": not null and, of a text, not empty.
function isPresent({ type, sql }: FilterAttribute): string {
  const isText = type === "text" || type === "exact text" || type === "enum";
  return isText ? `${sql} IS NOT NULL AND ${sql} <> ''` : `${sql} IS NOT NULL`;
}

const EQUALITY: readonly ComparisonOperator[] = ["eq", "ne"];
const ORDER: readonly ComparisonOperator[] = [...EQUALITY, "gt", "ge", "lt", "le"];
const TEXT: readonly ComparisonOperator[] = [...ORDER, "co", "sw", "ew"];
const OPERATORS: Readonly<Record<FilterAttribute["type"], readonly ComparisonOperator[]>> = {
  text: TEXT,
  "exact text": TEXT,
  boolean: EQUALITY,
  number: ORDER,
  time: ORDER,
  enum: EQUALITY,
};

interface Operands {
  readonly left: string;
  readonly right: string;
  readonly isText: boolean;
}

interface Asked {
  readonly name: string;
  readonly value: Exclude<FilterValue, null>;
}

function bindOperands({ bind }: Builder, attribute: FilterAttribute, { name, value }: Asked): Operands {
  const { sql, type } = attribute;
  const refuse = (expected: string) => new FilterError(`"${shorten(name)}" is compared with ${expected}`);
  switch (type) {
    case "boolean":
      if (typeof value !== "boolean") throw refuse("true or false");
      return { left: sql, right: bind(value, "boolean"), isText: false };
    case "number":
      if (typeof value !== "number") throw refuse("a number");
      return { left: sql, right: bind(value, "double precision"), isText: false };
    case "time": {
      const ms = typeof value === "string" ? parseTime(value) : undefined;
      if (ms === undefined) throw refuse('an RFC 3339 time such as "2026-01-31T12:00:00Z"');
      return { left: sql, right: bind(ms, "double precision"), isText: false };
    }
    case "enum": {
      const known = attribute.values.find((one) => one.toLowerCase() === String(value).toLowerCase());
      if (known === undefined) throw refuse(`one of ${attribute.values.map((one) => `"${one}"`).join(", ")}`);
      return { left: sql, right: bind(known, "text"), isText: true };
    }
    case "exact text":
      if (typeof value !== "string") throw refuse("a text");
      return { left: sql, right: bind(value, "text"), isText: true };
    case "text":
      if (typeof value !== "string") throw refuse("a text");
      if (attribute.foldedBy) return { left: sql, right: bind(attribute.foldedBy(value), "text"), isText: true };
      return { left: `lower(${sql})`, right: `lower(${bind(value, "text")})`, isText: true };
  }
}

const SYMBOLS = { eq: "=", gt: ">", ge: ">=", lt: "<", le: "<=" } as const;

// Functions and not LIKE, whose wildcards a value may hold.
function compare(operator: ComparisonOperator, { left, right, isText }: Operands): string {
  switch (operator) {
    case "eq":
      return `${left} = ${right}`;
    case "ne":
      return `${left} IS DISTINCT FROM ${right}`;
    case "co":
      return `strpos(${left}, ${right}) > 0`;
    case "sw":
      return `starts_with(${left}, ${right})`;
    case "ew":
      return `right(${left}, length(${right})) = ${right}`;
    case "gt":
    case "ge":
    case "lt":
    case "le":
      // By code points, on every database alike.
      return isText ? `${left} ${SYMBOLS[operator]} ${right} COLLATE "C"` : `${left} ${SYMBOLS[operator]} ${right}`;
  }
}

// Without an offset it would be some local time, and a fraction may be finer than the column: it is compared as it is.
const TIME = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;
const DAYS_START = 8;
const DAYS_END = 10;

function parseTime(text: string): number | undefined {
  const [, seconds = "", fraction = "", offset = ""] = TIME.exec(text) ?? [];
  const ms = Date.parse(`${seconds}${offset}`.toUpperCase());
  // Date.parse takes 30 February for 2 March.
  const day = new Date(Date.parse(`${seconds}Z`.toUpperCase())).getUTCDate();
  if (Number.isNaN(ms) || day !== Number(seconds.slice(DAYS_START, DAYS_END))) return undefined;
  return ms + Number(`0${fraction}`) * 1_000;
}

/** One comparison that all rows of the list pass and that an index answers. */
function findLookUp(builder: Builder, filter: Filter): LookUp | undefined {
  const parts = filter.kind === "and" ? filter.filters : [filter];
  for (const part of parts) {
    if (part.kind !== "compare" || part.operator !== "eq" || typeof part.value !== "string") continue;
    const attribute = findAttribute(builder, part.attribute);
    const index = "index" in attribute ? attribute.index : undefined;
    if (index === undefined) continue;
    const { left, right } = bindOperands(builder, attribute, { name: part.attribute, value: part.value });
    // A range and no equation: only then is it an order that an index can have.
    return { sql: `${left} >= ${right} AND ${left} <= ${right} AND ${index}`, order: left };
  }
  return undefined;
}
