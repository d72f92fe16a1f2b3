import fc from "fast-check";
import type { SchemaNode } from "../../src/http/openapi/schema-node.ts";

// Bodies and texts that nobody should send: some are no JSON, some are anything, most fit the schema but for one place.

/** Text in which everything may occur that a database or a parser trips over. */
const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "\ud800",
    "__proto__",
    "constructor",
    "'; DROP TABLE tokens; --",
    "x".repeat(70_000),
    "\u202e💩",
  ),
);
const hostileValue = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e308,
    2 ** 53,
    -(2 ** 63),
    0.1,
    [],
    {},
    [[[[[[]]]]]],
    { a: null },
    [null],
    "0",
    ["\u0000"],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const NO_JSON = [
  "",
  "{",
  "[1",
  '"',
  "nul",
  "{]}",
  "\u0000",
  "{}{}",
  "[[[[[[",
  '{"a":1,}',
  "\ufeff{}",
  '{"a":"\\ud800"}',
  "1e999",
];

/** Values that fit a schema, or nearly: patterns and formats are only tried. */
function fitting(schema: SchemaNode): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(fitting));
  const [type] = [schema.type ?? []].flat();
  if (type === "object") return fittingObject(schema);
  if (type === "array") return fc.array(fitting(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
  if (type === "integer" || type === "number") {
    return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) });
  }
  if (type === "boolean") return fc.boolean();
  return type === "string" ? fittingText(schema) : hostileValue;
}

function fittingObject({ properties = {}, required = [] }: SchemaNode): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, member]) => [name, fitting(member)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: required.filter((name) => name in properties) });
}

function fittingText({ pattern, minLength = 0, maxLength = 64 }: SchemaNode): fc.Arbitrary<string> {
  if (pattern?.includes("{16}")) return fc.constantFrom("00000000000000aa", "0123456789abcdef");
  if (pattern?.includes("[0-9a-f]{8}-")) return fc.constant("00000000-0000-4000-8000-0000000000aa");
  const unit = fc.constantFrom(..."abcABC019 _-.é");
  return fc.string({ unit, minLength, maxLength: Math.max(minLength, Math.min(maxLength, 70)) });
}

/** A value with another in one place of it: a member more, a member less, or another value where one stands. */
function spoil(value: unknown, [turn = 0, ...turns]: readonly number[], bad: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && turns.length > 0) {
    const index = turn % value.length;
    return value.with(index, spoil(value[index], turns, bad));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return bad;
  const entries: [string, unknown][] = Object.entries(value);
  const index = turn % (entries.length + 2);
  const chosen = entries[index];
  if (chosen === undefined) return index === entries.length ? { ...value, unknown_member: bad } : bad;
  if (turns.length === 0) return Object.fromEntries(entries.filter((entry) => entry !== chosen));
  return { ...value, [chosen[0]]: spoil(chosen[1], turns, bad) };
}

/** Bodies for an operation, most of them malformed. */
export function malformedBodies(schema: SchemaNode): fc.Arbitrary<string | Uint8Array> {
  const turns = fc.array(fc.nat(40), { minLength: 1, maxLength: 5 });
  const spoiled = fc.tuple(fitting(schema), turns, hostileValue).map(([value, where, bad]) => spoil(value, where, bad));
  return fc.oneof(
    { weight: 8, arbitrary: spoiled.map((value) => JSON.stringify(value) ?? "") },
    { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<string | Uint8Array>(
        ...NO_JSON,
        Uint8Array.of(0xff, 0xfe),
        Uint8Array.of(0x22, 0xc3, 0x22),
      ),
    },
  );
}

/** Query strings for an operation: values that are none, members that it does not have, members twice. */
export function malformedQueries(query: Readonly<Record<string, SchemaNode>>): fc.Arbitrary<string> {
  const name = fc.constantFrom(
    ...Object.keys(query),
    "unknown_member",
    "__proto__",
    "page_size",
    "page_token",
    "filter",
  );
  const text = hostileText
    .filter((value) => value.length < 3_000)
    .map((value) => encodeURIComponent(value.toWellFormed()));
  const value = fc.oneof(
    text,
    fc.constantFrom(
      "%00",
      "%",
      "%ED%A0%80",
      "-1",
      "1e9",
      "99999999999",
      "id+eq",
      "id+eq+%221%22+and",
      "(((((",
      "true",
      "id+pr",
      "%22",
    ),
  );
  return fc
    .array(
      fc.tuple(name, value).map(([one, other]) => `${one}=${other}`),
      { minLength: 1, maxLength: 3 },
    )
    .map((all) => all.join("&"));
}
