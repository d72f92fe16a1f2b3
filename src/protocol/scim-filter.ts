// Filters of lists: the grammar of RFC 7644 §3.4.2.2, read into a tree. What the names in it mean, whoever has the rows decides.

/** Longest filter, in characters. */
export const FILTER_LENGTH_MAX = 4_096;
/** Most brackets within brackets. */
export const FILTER_DEPTH_MAX = 16;
/** Most comparisons of one filter. */
export const FILTER_COMPARISONS_MAX = 64;

/** The operators that compare an attribute with a value (RFC 7644 §3.4.2.2, table 3). */
export const COMPARISON_OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"] as const;
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number];

/** A value of a filter: JSON without arrays and objects. */
export type FilterValue = string | number | boolean | null;

/** `attribute eq "value"` */
export interface Comparison {
  readonly kind: "compare";
  readonly attribute: string;
  readonly operator: ComparisonOperator;
  readonly value: FilterValue;
}

/** `attribute pr` */
export interface Presence {
  readonly kind: "present";
  readonly attribute: string;
}

/** Two or more filters that all hold, or of which one holds. */
export interface Junction {
  readonly kind: "and" | "or";
  readonly filters: readonly Filter[];
}

/** `not (filter)` */
export interface Negation {
  readonly kind: "not";
  readonly filter: Filter;
}

/** `attribute[filter]`: some value of the attribute passes a filter over its own parts. */
export interface ValuePath {
  readonly kind: "value";
  readonly attribute: string;
  readonly filter: Filter;
}

/**
 * A filter as it was read. `attribute` is as it was written, with its schema's URN if that was named
 * (`urn:ietf:params:scim:schemas:core:2.0:User:name.givenName`); names are compared without regard to case (RFC 7643 §2.1).
 */
export type Filter = Comparison | Presence | Junction | Negation | ValuePath;

/** A filter that cannot be read, or that asks for what is not there. `message` names the place and the rule it breaks. */
export class FilterError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FilterError";
  }
}

/**
 * Reads a filter (RFC 7644 §3.4.2.2): `and` binds closer than `or`; operators, `true`, `false` and `null` may be written in any case.
 *
 * @throws FilterError for what breaks the grammar or a limit, naming the character's position from 1
 */
export function parseFilter(text: string): Filter {
  if (text.length > FILTER_LENGTH_MAX) throw new FilterError(`longer than ${FILTER_LENGTH_MAX} characters`);
  const reader: Reader = { text, at: 0, comparisons: 0 };
  const filter = readDisjunction(reader, { depth: 0, isInValue: false });
  take(reader, SPACES);
  if (reader.at < text.length) throw problem(reader, 'expected "and", "or" or the end');
  return filter;
}

/** Writes a filter as `parseFilter` reads it; two spellings of one filter have one such text, but for the case of names. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case "compare":
      return `${filter.attribute} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case "present":
      return `${filter.attribute} pr`;
    case "not":
      return `not (${printFilter(filter.filter)})`;
    case "value":
      return `${filter.attribute}[${printFilter(filter.filter)}]`;
    case "and":
    case "or":
      return filter.filters.map((part) => printPart(filter.kind, part)).join(` ${filter.kind} `);
  }
}

function printPart(around: Junction["kind"], part: Filter): string {
  const isBound = part.kind === around || (part.kind === "or" && around === "and");
  return isBound ? `(${printFilter(part)})` : printFilter(part);
}

interface Reader {
  readonly text: string;
  at: number;
  comparisons: number;
}

/** Where in the tree something is read. */
interface Place {
  readonly depth: number;
  /** within `attribute[…]`, where no other value path may stand */
  readonly isInValue: boolean;
}

// RFC 7643 §2.1 for names, with the "$" of `$ref`; the URN before them is whatever RFC 3986 lets a URI hold.
const ATTRIBUTE =
  /(?:[A-Za-z][A-Za-z0-9+.\-_~:/?#@!$&'*,;=%]*:)?[A-Za-z$][A-Za-z0-9$_-]*(?:\.[A-Za-z$][A-Za-z0-9$_-]*)*/y;
const SPACES = / */y;
const WORD = /[A-Za-z]+/y;
// RFC 8259 §6; of §7 only where a string ends.
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const LITERALS: ReadonlyMap<string, FilterValue> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

function readDisjunction(reader: Reader, place: Place): Filter {
  return readJunction(reader, "or", () => readJunction(reader, "and", () => readOne(reader, place)));
}

function readJunction(reader: Reader, kind: Junction["kind"], readPart: () => Filter): Filter {
  const first = readPart();
  const filters = [first];
  while (takeWord(reader, kind)) filters.push(readPart());
  return filters.length === 1 ? first : { kind, filters };
}

function readOne(reader: Reader, place: Place): Filter {
  take(reader, SPACES);
  if (reader.text[reader.at] === "(") return readBracket(reader, place, ")");
  const start = reader.at;
  if (takeWord(reader, "not")) {
    take(reader, SPACES);
    if (reader.text[reader.at] === "(") return { kind: "not", filter: readBracket(reader, place, ")") };
    reader.at = start; // an attribute of that name
  }
  const attribute = take(reader, ATTRIBUTE);
  if (attribute === undefined) throw problem(reader, "expected an attribute's name");
  if (reader.text[reader.at] !== "[") return readComparison(reader, attribute);
  if (place.isInValue) throw problem(reader, "a value path must not stand within another");
  return { kind: "value", attribute, filter: readBracket(reader, { ...place, isInValue: true }, "]") };
}

function readBracket(reader: Reader, place: Place, end: ")" | "]"): Filter {
  if (place.depth === FILTER_DEPTH_MAX) throw problem(reader, `more than ${FILTER_DEPTH_MAX} brackets within brackets`);
  reader.at += 1;
  const filter = readDisjunction(reader, { ...place, depth: place.depth + 1 });
  take(reader, SPACES);
  if (reader.text[reader.at] !== end) throw problem(reader, `expected "and", "or" or "${end}"`);
  reader.at += 1;
  return filter;
}

function readComparison(reader: Reader, attribute: string): Filter {
  reader.comparisons += 1;
  if (reader.comparisons > FILTER_COMPARISONS_MAX) {
    throw problem(reader, `more than ${FILTER_COMPARISONS_MAX} comparisons`);
  }
  const spaces = take(reader, SPACES);
  const start = reader.at;
  const word = take(reader, WORD)?.toLowerCase();
  const operator = COMPARISON_OPERATORS.find((one) => one === word);
  if (spaces === "" || (word !== "pr" && operator === undefined)) {
    throw problem({ ...reader, at: start }, `expected an operator: ${COMPARISON_OPERATORS.join(", ")} or pr`);
  }
  if (operator === undefined) {
    endWord(reader);
    return { kind: "present", attribute };
  }
  if (take(reader, SPACES) === "") throw problem(reader, "expected a space");
  const value = readValue(reader);
  endWord(reader);
  return { kind: "compare", attribute, operator, value };
}

function readValue(reader: Reader): FilterValue {
  const start = { ...reader };
  const string = take(reader, STRING);
  if (string !== undefined) return readText(string, start);
  const number = take(reader, NUMBER);
  if (number !== undefined) {
    if (Number.isFinite(Number(number))) return Number(number);
    throw problem(start, "a number must fit into 64 bits");
  }
  const literal = LITERALS.get(take(reader, WORD)?.toLowerCase() ?? "");
  if (literal === undefined) throw problem(start, EXPECTED_VALUE);
  return literal;
}

const EXPECTED_VALUE = "expected a value: a string in double quotes, as in JSON, a number, true, false or null";

function readText(json: string, start: Reader): string {
  const text = unquote(json);
  if (text === undefined) throw problem(start, EXPECTED_VALUE);
  // No stored text holds either: the database could not be asked for it.
  if (!text.isWellFormed() || text.includes("\u0000")) {
    throw problem(start, "a string must be well-formed Unicode without U+0000");
  }
  return text;
}

function unquote(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    return undefined; // a control character, or an escape that JSON does not have
  }
}

/** Whether this word stands next, after spaces; it is read if it does. */
function takeWord(reader: Reader, expected: string): boolean {
  const start = reader.at;
  take(reader, SPACES);
  if (take(reader, WORD)?.toLowerCase() === expected && isWordEnd(reader)) return true;
  reader.at = start;
  return false;
}

function endWord(reader: Reader): void {
  if (!isWordEnd(reader)) throw problem(reader, "expected a space, a closing bracket or the end");
}

function isWordEnd({ text, at }: Reader): boolean {
  return at === text.length || " ()]".includes(text[at] ?? "");
}

/** Reads what the pattern matches here; undefined when it matches nothing. */
function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  reader.at += found?.length ?? 0;
  return found;
}

function problem({ at }: Reader, rule: string): FilterError {
  return new FilterError(`position ${at + 1}: ${rule}`);
}
