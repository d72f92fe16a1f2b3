import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { type FilteredRow, passes } from "../../test/support/evaluate-filter.ts";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { COMPARISON_OPERATORS, type Filter, parseFilter, printFilter } from "../protocol/scim-filter.ts";
import type { Database, Queryable, SentStatement } from "./database.ts";
import { declareList, type ListDeclaration } from "./list-statements.ts";
import type { Statement } from "./statement.ts";

const tenantId = hexId(createRandom());
const fold = (text: string) => text.normalize("NFC").toLowerCase();
const EXACT = new Set(["id", "exact"]);

const declaration: ListDeclaration = {
  name: "test",
  from: "test_items",
  owner: ["tenant_id", "realm_id"],
  id: "item_id",
  where: "COALESCE(deleted_at_ms, 0) = 0",
  counted: "each time",
  attributes: {
    id: { type: "exact text", sql: "item_id" },
    text: { type: "text", sql: "text" },
    key: { type: "text", sql: "text_key", foldedBy: fold, index: "deleted_at_ms IS NULL" },
    exact: { type: "exact text", sql: "exact" },
    flag: { type: "boolean", sql: "flag" },
    amount: { type: "number", sql: "amount" },
    at: { type: "time", sql: "at_ms" },
    kind: { type: "enum", sql: "kind", values: ["Small", "large"] },
    "inner.text": { type: "text", sql: "inner_values ->> 'text'" },
  },
};
const list = declareList(declaration);
const keptList = declareList({ ...declaration, name: "test.kept", counted: "by triggers" });

const TABLE = `CREATE TABLE test_items (tenant_id text COLLATE "C", realm_id text COLLATE "C", item_id text COLLATE "C", text text, text_key text COLLATE "C",
  exact text, flag boolean, amount bigint, at_ms bigint, kind text, inner_values jsonb, deleted_at_ms bigint, PRIMARY KEY (tenant_id, realm_id, item_id));
  CREATE INDEX test_items_key ON test_items (tenant_id, realm_id, text_key) WHERE deleted_at_ms IS NULL;
  SELECT mayfly_protect('test_items')`;

// Few letters, so that texts meet: wildcards of LIKE and its escape among them, and letters beyond ASCII.
const letters = fc.string({ unit: fc.constantFrom(..."aAbBäÄ%_\\' 😀"), maxLength: 3 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 4 });
const times = fc.integer({ min: 0, max: 3 }).map((second) => `2026-01-31T12:00:0${second}.5Z`);
const anyRow = fc.record({
  text: orNull(letters),
  exact: orNull(letters),
  flag: orNull(fc.boolean()),
  amount: orNull(fc.integer({ min: -2, max: 2 })),
  at: orNull(times),
  kind: orNull(fc.constantFrom("Small", "large")),
  "inner.text": orNull(letters),
});
type Item = FilteredRow & { readonly id: string };

const TEXT = [...COMPARISON_OPERATORS];
const ORDER = TEXT.filter((operator) => !["co", "sw", "ew"].includes(operator));
const comparison = (
  attribute: string,
  operators: readonly (typeof COMPARISON_OPERATORS)[number][],
  value: fc.Arbitrary<string | number | boolean>,
): fc.Arbitrary<Filter> =>
  fc
    .oneof(
      { weight: 6, arbitrary: fc.record({ operator: fc.constantFrom(...operators), value }) },
      {
        weight: 1,
        arbitrary: fc.record({ operator: fc.constantFrom("eq" as const, "ne" as const), value: fc.constant(null) }),
      },
    )
    .map((asked) => ({ kind: "compare", attribute, ...asked }));
const shifted = times.chain((time) =>
  fc.constantFrom(time, time.replace(".5Z", "Z"), time.replace("T12", "T13").replace("Z", "+01:00")),
);
const comparisons: readonly fc.Arbitrary<Filter>[] = [
  comparison("ID", TEXT, fc.constantFrom("item01", "ITEM01", "1", "item")),
  comparison("text", TEXT, letters),
  comparison("Key", TEXT, letters),
  comparison("exact", TEXT, letters),
  comparison("inner.text", TEXT, letters),
  comparison("flag", ["eq", "ne"], fc.boolean()),
  comparison("amount", ORDER, fc.constantFrom(-2, -1, 0, 0.5, 1, 2, 1e300)),
  comparison("at", ORDER, shifted),
  comparison("kind", ["eq", "ne"], fc.constantFrom("small", "SMALL", "large")),
  fc
    .constantFrom("text", "key", "flag", "amount", "at", "kind", "inner.text")
    .map((attribute) => ({ kind: "present", attribute })),
  comparison("text", TEXT, letters).map((filter) => ({ kind: "value", attribute: "inner", filter })),
];
const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    { weight: 2, arbitrary: fc.oneof(...comparisons) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom("and" as const, "or" as const),
        filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }) },
  ),
}));

let database: Database;
let db: Queryable;

before(async () => {
  ({ database } = await sharedDatabase());
  await database.maintain((session) => session.query(TABLE));
  db = database.tenants([tenantId]);
});

/** Puts items on a shelf of their own. */
async function store(shelf: string, items: readonly Item[], deletedAtMs: number | null = null): Promise<void> {
  const rows = items.map(({ id, text, exact, flag, amount, at, kind, ...others }) => ({
    item_id: id,
    text,
    text_key: typeof text === "string" ? fold(text) : null,
    exact,
    flag,
    amount,
    at_ms: at === null || at === undefined ? null : Date.parse(String(at)),
    kind,
    inner_values: { text: others["inner.text"] },
  }));
  await database.maintain((session) =>
    session.query(
      `INSERT INTO test_items SELECT $1, $2, r.item_id, r.text, r.text_key, r.exact, r.flag, r.amount, r.at_ms, r.kind, r.inner_values, $4::bigint
       FROM json_populate_recordset(NULL::test_items, $3) r`,
      [tenantId, shelf, JSON.stringify(rows), deletedAtMs],
    ),
  );
}

function idsOf(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows.map((row) => String(row.item_id));
}

const ALL = { after: "", limit: 100 };

test("what an index finds is found by it, though the planner knows nothing of the table yet", async () => {
  const owner = [tenantId, "many"];
  const many = Array.from({ length: 2_000 }, (_, index) => ({ id: `item${index}`, text: `Text ${index}` }));
  await store("many", many);
  const filter = parseFilter('text co "x" and KEY eq "tEXT 77"');
  const sent: SentStatement[] = [];
  const note: Queryable = {
    run: async (statement, values) => {
      sent.push({ statement, values, tenantIds: [tenantId] });
      return db.run(statement, values);
    },
  };
  assert.deepEqual(idsOf(await list.page(note, owner, { ...ALL, filter })), ["item77"]);
  assert.equal(await list.count(note, owner, filter), 1);
  for (const { statement, values } of sent) {
    const explain: Statement = { ...statement, text: `EXPLAIN ${statement.text}` };
    const plan = (await db.run(explain, values)).map((row) => String(row["QUERY PLAN"])).join("\n");
    assert.match(plan, /Index Scan using test_items_key/);
    assert.doesNotMatch(plan, /test_items_pkey/);
  }
});

test("all rows are counted, or what triggers keep: those too that were there before", async () => {
  const [owner, empty] = [
    [tenantId, "counted"],
    [tenantId, "empty"],
  ];
  const three = ["item0", "item1", "item2"].map((id) => ({ id, text: "x" }));
  await store("counted", three);
  assert.equal(await keptList.count(db, owner), 0);
  await database.maintain((session) => session.query("SELECT mayfly_count('test_items', 'test.kept')"));
  await store("counted", [{ id: "item3", text: "y" }]);
  for (const one of [list, keptList]) {
    assert.equal(await one.count(db, owner), 4);
    assert.equal(await one.count(db, empty), 0);
    assert.equal(await one.count(db, owner, parseFilter('text eq "x"')), 3);
  }
});

test("a filter lets through what RFC 7644 says, of any rows", async () => {
  let shelves = 0;
  const rows = fc.array(anyRow, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rows, fc.array(anyFilter, { minLength: 1, maxLength: 12 }), async (generated, filters) => {
      shelves += 1;
      const shelf = `any ${shelves}`;
      const items = generated.map((row, index) => ({
        ...row,
        key: row.text,
        id: `item${String(index).padStart(2, "0")}`,
      }));
      await store(shelf, items);
      await store(shelf, [{ ...items[0], id: "dead" }], 1);
      for (const filter of filters) {
        const expected = items.filter((item) => passes(filter, item, EXACT)).map(({ id }) => id);
        const owner = [tenantId, shelf];
        const [page, size] = await Promise.all([
          list.page(db, owner, { ...ALL, filter }),
          list.count(db, owner, filter),
        ]);
        assert.deepEqual(idsOf(page), expected, printFilter(filter));
        assert.equal(size, expected.length, printFilter(filter));
      }
    }),
    { numRuns: 12 },
  );
});

describe("a list", () => {
  const owner = [tenantId, "ten"];
  const ids = Array.from({ length: 10 }, (_, index) => `item${index}`);

  before(async () => {
    await store(
      "ten",
      ids.map((id, index) => ({ id, text: index % 2 === 0 ? "Even" : "odd" })),
    );
    await store("ten", [{ id: "item10", text: "even" }], 1);
    await store("other", [{ id: "item00", text: "even" }]);
  });

  test("goes on after the id that was last, leaves out as many as it is told to, and ends", async () => {
    const page = async (after: string, limit: number, skip?: number) =>
      idsOf(await list.page(db, owner, { after, limit, skip }));
    assert.deepEqual(await page("", 3), ids.slice(0, 3));
    assert.deepEqual(await page("item2", 3), ids.slice(3, 6));
    assert.deepEqual(await page("item2", 3, 2), ids.slice(5, 8));
    assert.deepEqual(await page("item8", 3), ids.slice(9));
    assert.deepEqual(await page("item9", 3), []);
    assert.equal(await list.count(db, owner), 10);
  });

  test("does so with a filter as well, found by an index or not", async () => {
    for (const filter of [parseFilter('text eq "EVEN"'), parseFilter('key eq "EVEN" and id pr')]) {
      const page = async (after: string, skip: number) =>
        idsOf(await list.page(db, owner, { after, limit: 2, skip, filter }));
      assert.deepEqual(await page("", 0), ["item0", "item2"]);
      assert.deepEqual(await page("item2", 0), ["item4", "item6"]);
      assert.deepEqual(await page("item2", 1), ["item6", "item8"]);
      assert.equal(await list.count(db, owner, filter), 5);
    }
  });

  test("shows nothing of another owner or tenant", async () => {
    assert.deepEqual(idsOf(await list.page(db, [tenantId, "other"], ALL)), ["item00"]);
    const other = hexId(createRandom());
    for (const filter of [undefined, parseFilter("id pr"), parseFilter('key eq "even"')]) {
      assert.deepEqual(await list.page(database.tenants([other]), owner, { ...ALL, filter }), []);
      assert.equal(await list.count(database.tenants([other]), owner, filter), 0);
    }
  });
});

const REFUSED: readonly (readonly [filter: string, message: RegExp])[] = [
  ["colour pr", /^there is no attribute "colour" to filter by$/],
  ['key eq "x" or inner.colour eq "x"', /no attribute "inner.colour"/],
  ['inner[colour eq "x"]', /no attribute "inner.colour"/],
  [`${"x".repeat(100)} pr`, /no attribute "x{64}…"/],
  ["text eq 1", /^"text" is compared with a text$/],
  ["exact eq true", /^"exact" is compared with a text$/],
  ["flag gt true", /^"flag" cannot be compared by gt$/],
  ['flag eq "true"', /^"flag" is compared with true or false$/],
  ['amount co "1"', /^"amount" cannot be compared by co$/],
  ['amount eq "1"', /^"amount" is compared with a number$/],
  ['kind sw "s"', /^"kind" cannot be compared by sw$/],
  ['kind eq "medium"', /^"kind" is compared with one of "Small", "large"$/],
  ["text gt null", /^"text" cannot be compared with null by gt$/],
  ["at gt 1", /RFC 3339 time/],
];
const NO_TIMES = [
  "2026-01-31",
  "2026-01-31T12:00:00",
  "2026-02-30T12:00:00Z",
  "2026-01-31T24:00:00Z",
  "2026-01-31T12:00:60Z",
  "",
];

describe("a filter that asks for what is not there is refused by name", () => {
  for (const [text, message] of [
    ...REFUSED,
    ...NO_TIMES.map((time) => [`at eq "${time}"`, /^"at" is compared with an RFC 3339 time/] as const),
  ]) {
    test(text.slice(0, 60), async () => {
      const filter = parseFilter(text);
      const refusal = { name: "FilterError", message };
      await assert.rejects(list.page(db, [tenantId, "ten"], { ...ALL, filter }), refusal);
      await assert.rejects(list.count(db, [tenantId, "ten"], filter), refusal);
    });
  }
});
