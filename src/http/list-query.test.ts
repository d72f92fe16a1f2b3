import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Type } from "typebox";
import { Check } from "typebox/schema";
import { FILTER_LENGTH_MAX, FilterError } from "../protocol/scim-filter.ts";
import { ListQueryParts } from "../resources/schema-parts.ts";
import { LIST_PAGE_TOKEN_LENGTH_MAX } from "./list-page-token.ts";
import {
  CONFIGURATION_PAGE_SIZES,
  DIRECTORY_PAGE_SIZES,
  type ListQuery,
  type ListQueryMembers,
  type ListResult,
  type ListRules,
  parseListQuery,
  readListPage,
} from "./list-query.ts";
import { ManagementError } from "./management-error.ts";

const NOW = 1_800_000_000;
const WEEK_SECONDS = 604_800;
const RULES: ListRules = { list: ["groups", "t1", "r1"], sizes: DIRECTORY_PAGE_SIZES, kept: ["resource_server_id"] };
const IDS = Array.from({ length: 450 }, (_, index) => `id${String(index).padStart(3, "0")}`);

function parse(query: ListQueryMembers, rules: ListRules = RULES, now = NOW): ListQuery {
  return parseListQuery(query, rules, now);
}

/** Pages of ids, as the database would answer. */
function read(query: ListQuery, ids: readonly string[] = IDS): Promise<ListResult<string>> {
  return readListPage(query, {
    page: async ({ after, limit, skip = 0 }) => ids.filter((id) => id > after).slice(skip, skip + limit),
    count: async () => ids.length,
    idOf: (id) => id,
  });
}

async function firstToken(query: ListQueryMembers = {}): Promise<string> {
  const { ends } = await read(parse(query));
  return ends.next_page_token ?? "";
}

function refuses(field: string, work: () => unknown, description = /./): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof ManagementError);
    const [detail] = error.details;
    assert.ok(detail?.type === "FieldViolations");
    assert.deepEqual(
      detail.field_violations.map((violation) => violation.field),
      [field],
    );
    assert.match(detail.field_violations[0]?.description ?? "", description);
    return error.status === 400;
  });
}

describe("the size of a page", () => {
  test("is the default when it is absent or 0, and the maximum when it is more (reference 2.1)", () => {
    const sizes = (rules: ListRules) =>
      [undefined, "", "0", "7", "500", "4294967295"].map((page_size) => parse({ page_size }, rules).pageSize);
    assert.deepEqual(sizes(RULES), [20, 20, 20, 7, 200, 200]);
    assert.deepEqual(sizes({ ...RULES, sizes: CONFIGURATION_PAGE_SIZES }), [100, 100, 100, 7, 100, 100]);
  });

  test("and the number of rows to skip are refused when they are no numbers", () => {
    for (const text of ["-1", "1.5", "x", "1e3", " 1"]) {
      refuses("page_size", () => parse({ page_size: text }));
      refuses("skip", () => parse({ skip: text }));
    }
    refuses("skip", () => parse({ skip: "99999999999" }));
    refuses("skip", () => parse({ skip: "4294967296" }));
    assert.equal(parse({ skip: "4294967295" }).skip, 4_294_967_295);
  });
});

test("pages of any size show every row once, in order, and the last says that it is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 0, max: 450 }), async (size, count) => {
      const ids = IDS.slice(0, count);
      const seen: string[] = [];
      let query: ListQueryMembers = { page_size: String(size) };
      for (;;) {
        const { items, ends } = await read(parse(query), ids);
        assert.equal(ends.total_size, count);
        seen.push(...items);
        if (!("next_page_token" in ends)) break;
        assert.equal(items.length, Math.min(size, DIRECTORY_PAGE_SIZES.maximum));
        query = { page_token: ends.next_page_token };
      }
      assert.deepEqual(seen, ids);
    }),
    { numRuns: 50 },
  );
});

describe("a page token", () => {
  const filter = 'display_name eq "a" and id pr';

  test("keeps the size, the filter and the members that clients leave out", async () => {
    const token = await firstToken({ page_size: "3", filter, resource_server_id: "rs1", skip: "2" });
    assert.match(token, /^[A-Za-z0-9_-]+$/, "clients splice it into URLs unescaped");
    const next = parse({ page_token: token });
    assert.equal(next.after, "id004");
    assert.equal(next.pageSize, 3);
    assert.equal(next.filter?.text, filter);
    assert.deepEqual(next.kept, { resource_server_id: "rs1" });
    assert.equal(next.skip, 0, "it is sent each time");
  });

  test("is good with another size, and with the same filter however it is spelled", async () => {
    const page_token = await firstToken({ filter });
    assert.equal(parse({ page_token, page_size: "7", skip: "4" }).pageSize, 7);
    parse({ page_token, filter: '  display_name EQ  "\\u0061"   AND id PR' });
  });

  test("is refused with another filter or member, for another list, and after a week", async () => {
    const page_token = await firstToken({ filter, resource_server_id: "rs1" });
    refuses("page_token", () => parse({ page_token, filter: "id pr" }));
    refuses("page_token", () => parse({ page_token, resource_server_id: "rs2" }));
    refuses("page_token", () => parse({ page_token }, { ...RULES, list: ["groups", "t1", "r2"] }));
    refuses("page_token", () => parse({ page_token }, RULES, NOW + WEEK_SECONDS));
    parse({ page_token }, RULES, NOW + WEEK_SECONDS - 1);
    const unfiltered = await firstToken();
    refuses("page_token", () => parse({ page_token: unfiltered, filter }));
  });

  test("can be as long as the longest filter makes it", async () => {
    for (const letter of ['\\"', "x", "\\\\"]) {
      const long = `id eq "${letter.repeat(Math.floor((FILTER_LENGTH_MAX - 'id eq ""'.length) / letter.length))}"`;
      const page_token = await firstToken({ filter: long, resource_server_id: "x".repeat(256) });
      assert.ok(Check(Type.Object(ListQueryParts), { page_token, filter: long }), String(page_token.length));
      parse({ page_token });
    }
  });

  const forge = async (changes: object): Promise<string> => {
    const content: unknown = JSON.parse(Buffer.from(await firstToken(), "base64url").toString("utf8"));
    return Buffer.from(JSON.stringify(Object.assign({}, content, changes))).toString("base64url");
  };

  test("that somebody made asks for no more than a query can", async () => {
    for (const [size, expected] of [
      [1_000_000, 200],
      [0, 1],
      [-5, 1],
    ] as const) {
      assert.equal(parse({ page_token: await forge({ size }) }).pageSize, expected);
    }
  });

  const WRONG: readonly object[] = [
    { after: "\u0000" },
    { after: "\ud800" },
    { after: 1 },
    { after: "x".repeat(257) },
    { size: "1" },
    { size: 1.5 },
    { list: "x" },
    { until: null },
    { until: 0 },
    { filter: 1 },
    { filter: "x" },
    { filter: 'id eq "\\u0000"' },
    { kept: null },
    { kept: { colour: "red" } },
    { kept: { resource_server_id: 1 } },
    { kept: { resource_server_id: "\u0000" } },
  ];
  for (const changes of WRONG) {
    test(`that somebody made is refused by name: ${JSON.stringify(changes).slice(0, 60)}`, async () => {
      const page_token = await forge(changes);
      refuses("page_token", () => parse({ page_token }));
    });
  }

  test("is any text, and no other error comes of it", () => {
    const made = fc.json().map((text) => Buffer.from(text).toString("base64url"));
    fc.assert(
      fc.property(fc.oneof(made, fc.string({ unit: "binary", minLength: 1 })), (page_token) => {
        refuses("page_token", () => parse({ page_token }));
      }),
    );
    refuses("page_token", () => parse({ page_token: "A".repeat(LIST_PAGE_TOKEN_LENGTH_MAX + 1) }));
  });
});

describe("a filter", () => {
  test("is counted only where its page does not show all that passes", async () => {
    let counted = 0;
    const size = async (query: ListQueryMembers, count: number) => {
      counted = 0;
      const { ends } = await readListPage(parse({ ...query, filter: "id pr" }), {
        page: async ({ after, limit, skip = 0 }) =>
          IDS.slice(0, count)
            .filter((id) => id > after)
            .slice(skip, skip + limit),
        count: async () => {
          counted += 1;
          return count;
        },
        idOf: String,
      });
      return ends.total_size;
    };
    assert.deepEqual([await size({}, 20), counted], [20, 0]);
    assert.deepEqual([await size({}, 21), counted], [21, 1]);
    assert.deepEqual([await size({ skip: "1" }, 3), counted], [3, 1]);
    const page_token = await firstToken({ filter: "id pr" });
    assert.deepEqual([await size({ page_token }, 30), counted], [30, 1]);
  });

  test("that cannot be read is refused by name, with the place", () => {
    refuses("filter", () => parse({ filter: "id xx 1" }), /^position 4: expected an operator/);
    assert.equal(parse({ filter: "" }).filter, undefined);
  });

  test("that asks for what the list does not have is refused by name", async () => {
    const failure = new FilterError('there is no attribute "colour" to filter by');
    const reading = readListPage(parse({ filter: "colour pr" }), {
      page: async () => Promise.reject(failure),
      count: async () => Promise.reject(failure),
      idOf: String,
    });
    const error: unknown = await reading.catch((thrown: unknown) => thrown);
    refuses(
      "filter",
      () => {
        throw error;
      },
      /"colour"/,
    );
  });
});
