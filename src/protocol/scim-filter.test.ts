import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  COMPARISON_OPERATORS,
  FILTER_COMPARISONS_MAX,
  FILTER_DEPTH_MAX,
  FILTER_LENGTH_MAX,
  type Filter,
  FilterError,
  parseFilter,
  printFilter,
} from "./scim-filter.ts";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";

function eq(attribute: string, value: string): Filter {
  return { kind: "compare", attribute, operator: "eq", value };
}

// RFC 7644 §3.4.2.2, figure 1, with what each must mean.
const OF_THE_RFC: readonly (readonly [text: string, filter: Filter])[] = [
  ['userName eq "bjensen"', eq("userName", "bjensen")],
  [
    'name.familyName co "O\'Malley"',
    { kind: "compare", attribute: "name.familyName", operator: "co", value: "O'Malley" },
  ],
  ['userName sw "J"', { kind: "compare", attribute: "userName", operator: "sw", value: "J" }],
  [`${USER}:userName sw "J"`, { kind: "compare", attribute: `${USER}:userName`, operator: "sw", value: "J" }],
  ["title pr", { kind: "present", attribute: "title" }],
  [
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    { kind: "compare", attribute: "meta.lastModified", operator: "gt", value: "2011-05-13T04:42:34Z" },
  ],
  [
    'title pr and userType eq "Employee"',
    { kind: "and", filters: [{ kind: "present", attribute: "title" }, eq("userType", "Employee")] },
  ],
  [
    'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
    eq("schemas", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
  ],
  [
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
    {
      kind: "and",
      filters: [
        eq("userType", "Employee"),
        {
          kind: "or",
          filters: [
            { kind: "compare", attribute: "emails", operator: "co", value: "example.com" },
            { kind: "compare", attribute: "emails.value", operator: "co", value: "example.org" },
          ],
        },
      ],
    },
  ],
  [
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    {
      kind: "and",
      filters: [
        { kind: "compare", attribute: "userType", operator: "ne", value: "Employee" },
        {
          kind: "not",
          filter: {
            kind: "or",
            filters: [
              { kind: "compare", attribute: "emails", operator: "co", value: "example.com" },
              { kind: "compare", attribute: "emails.value", operator: "co", value: "example.org" },
            ],
          },
        },
      ],
    },
  ],
  [
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
    {
      kind: "and",
      filters: [
        eq("userType", "Employee"),
        {
          kind: "value",
          attribute: "emails",
          filter: {
            kind: "and",
            filters: [
              eq("type", "work"),
              { kind: "compare", attribute: "value", operator: "co", value: "@example.com" },
            ],
          },
        },
      ],
    },
  ],
];

describe("the examples of RFC 7644 §3.4.2.2", () => {
  for (const [text, filter] of OF_THE_RFC) {
    test(text, () => assert.deepEqual(parseFilter(text), filter));
  }
});

test("operators and literals may be written in any case, and brackets stand close or apart", () => {
  assert.deepEqual(parseFilter('NOT(a EQ "x")AND ( b Pr )'), parseFilter('not (a eq "x") and (b pr)'));
  assert.deepEqual(parseFilter("  a eq TRUE or  a eq Null  "), parseFilter("a eq true or a eq null"));
});

test("values are those of JSON", () => {
  const read = (text: string) => {
    const filter = parseFilter(`a eq ${text}`);
    return filter.kind === "compare" ? filter.value : undefined;
  };
  for (const text of ['"\\u00e4\\n\\"\\\\\\/"', '""', "0", "-1.5e3", "true", "false", "null", '"ä😀"']) {
    assert.deepEqual(read(text), JSON.parse(text), text);
  }
});

test("names that are also words of the grammar are attributes where an attribute stands", () => {
  for (const name of ["and", "or", "not", "eq", "pr", "true"]) {
    assert.deepEqual(parseFilter(`${name} pr and ${name} eq "x"`), {
      kind: "and",
      filters: [{ kind: "present", attribute: name }, eq(name, "x")],
    });
  }
});

const REFUSED: readonly (readonly [text: string, message: RegExp])[] = [
  ["", /^position 1: expected an attribute's name/],
  ["a", /^position 2: expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr/],
  ["a xx 1", /^position 3: expected an operator/],
  ["a eq", /^position 5: expected a space/],
  ["a eq ", /^position 6: expected a value/],
  ["a eq x", /^position 6: expected a value/],
  ["a eq 'x'", /^position 6: expected a value/],
  ['a eq "x', /^position 6: expected a value/],
  ['a eq "\\x"', /^position 6: expected a value/],
  ['a eq "\n"', /^position 6: expected a value/],
  ['a eq "\\u0000"', /^position 6: .*U\+0000/],
  ['a eq "\\ud800"', /^position 6: .*well-formed/],
  ["a eq 01", /^position 7: expected a space/],
  ["a eq 1e999", /^position 6: a number must fit/],
  ["a eq [1]", /^position 6: expected a value/],
  ['a eq "x"and b pr', /^position 9: expected a space/],
  ['a eq "x" "y"', /^position 10: expected "and", "or" or the end|^position 9/],
  ["a pr b pr", /^position 5: expected "and", "or" or the end|^position 6/],
  ["a prx", /^position 5|^position 3/],
  ["a pr and", /^position 9: expected an attribute's name/],
  ["and", /^position 4: expected an operator/],
  ["(a pr", /^position 6: expected "and", "or" or "\)"/],
  ["a pr)", /^position 5: expected "and", "or" or the end/],
  ["a[b pr", /^position 7: expected "and", "or" or "\]"/],
  ["a[b[c pr]]", /^position 4: a value path must not stand within another/],
  ["not a pr", /^position 5: expected an operator/],
  ["1a pr", /^position 1: expected an attribute's name/],
  ["a..b pr", /^position 2: expected an operator/],
  ["ä pr", /^position 1: expected an attribute's name/],
];

describe("a filter that breaks the grammar is refused by position and rule", () => {
  for (const [text, message] of REFUSED) {
    test(JSON.stringify(text), () => assert.throws(() => parseFilter(text), { name: "FilterError", message }));
  }
});

describe("a filter has limits", () => {
  const nested = (depth: number) => `${"(".repeat(depth)}a pr${")".repeat(depth)}`;
  const joined = (count: number) => Array(count).fill("a pr").join(" or ");
  const long = (length: number) => `a eq "${"x".repeat(length - 'a eq ""'.length)}"`;

  test("at them it is read", () => {
    assert.equal(long(FILTER_LENGTH_MAX).length, FILTER_LENGTH_MAX);
    for (const text of [nested(FILTER_DEPTH_MAX), joined(FILTER_COMPARISONS_MAX), long(FILTER_LENGTH_MAX)]) {
      parseFilter(text);
    }
  });

  test("beyond them it is refused", () => {
    const refuse = (text: string, message: RegExp) =>
      assert.throws(() => parseFilter(text), { name: "FilterError", message });
    refuse(nested(FILTER_DEPTH_MAX + 1), /brackets within brackets/);
    refuse(`not (${nested(FILTER_DEPTH_MAX)})`, /brackets within brackets/);
    refuse(joined(FILTER_COMPARISONS_MAX + 1), /more than 64 comparisons/);
    refuse(long(FILTER_LENGTH_MAX + 1), /longer than 4096 characters/);
  });
});

const asWritten = { noNullPrototype: true } as const;
const attribute = fc.stringMatching(/^([a-z]{3}:[A-Z0-9.]{1,5}:)?[A-Za-z][A-Za-z0-9_-]{0,6}(\.[$a-z][a-z0-9]{0,4})?$/);
const value = fc.oneof(
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed() && !text.includes("\u0000")),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0 || 0),
  fc.constantFrom(true, false, null),
);
const one: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ kind: fc.constant("present" as const), attribute }, asWritten),
  fc.record(
    {
      kind: fc.constant("compare" as const),
      attribute,
      operator: fc.constantFrom(...COMPARISON_OPERATORS),
      value,
    },
    asWritten,
  ),
);
const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    one,
    fc.record(
      {
        kind: fc.constantFrom("and" as const, "or" as const),
        filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }),
      },
      asWritten,
    ),
    fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }, asWritten),
    fc.record({ kind: fc.constant("value" as const), attribute, filter: one }, asWritten),
  ),
}));

test("whatever is printed is read as the same filter", () => {
  const isWithinLimits = (filter: Filter) => {
    const text = printFilter(filter);
    return text.length <= FILTER_LENGTH_MAX && text.split(/ (?:pr|[a-z]{2}) ?/).length <= FILTER_COMPARISONS_MAX;
  };
  fc.assert(
    fc.property(anyFilter.filter(isWithinLimits), (filter) => {
      assert.deepEqual(parseFilter(printFilter(filter)), filter);
    }),
    { numRuns: 1_000 },
  );
});

test("any text is a filter or refused as one", () => {
  const pieces = fc.constantFrom(...'()[]" \\.:$-', "a", "not", "and", "or", "eq", "pr", "1", "null", "urn:", '"x"');
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (written) => {
      try {
        assert.deepEqual(parseFilter(printFilter(parseFilter(written))), parseFilter(written));
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
      }
    }),
    { numRuns: 5_000 },
  );
});

test("and binds closer than or, wherever they stand", () => {
  const words = fc.array(fc.constantFrom("and", "or"), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(words, (joints) => {
      const text = joints.reduce((before, joint, index) => `${before} ${joint} a${index + 1} pr`, "a0 pr");
      const bracketed = text
        .split(" or ")
        .map((part) => (part.includes(" and ") ? `(${part})` : part))
        .join(" or ");
      assert.deepEqual(parseFilter(text), parseFilter(bracketed));
    }),
  );
});
