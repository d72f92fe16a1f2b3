import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnerSession, Row } from "../src/database/database.ts";
import { listStatements } from "../src/database/statement.ts";
import { GRANTS } from "../src/resources/grant/queries.ts";
import { TOKENS } from "../src/resources/token/queries.ts";
import { sharedServer } from "./support/test-server.ts";

// A plan is made once for a statement, often while the newest partition is empty (settled 9). What it costs with a million rows in it
// shows in its shape: whoever has ids finds each row by its primary key.

/** Statements that are given ids. The others read lists, in the order of an index. */
const BY_KEY = /^(token\.(read|read_live_grants|issue)|grant\.read|revocation\.end_tokens|revocation\.end_grants)$/;

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Every node of the generic plan of a statement for a batch of every bucket, made as the server's own role makes it. */
async function planOf(session: OwnerSession, { name, text }: { name: string; text: string }): Promise<PlanNode[]> {
  const values = Array<string>(Math.max(...numbersIn(text, /\$(\d+)/g))).fill("NULL");
  for (const lowest of numbersIn(text, /BETWEEN \$(\d+) AND/g)) values[lowest - 1] = "0";
  for (const highest of numbersIn(text, /BETWEEN \$\d+ AND \$(\d+)/g)) values[highest - 1] = String(2 ** 31 - 1);
  await session.query("BEGIN; SET LOCAL ROLE mayfly_app; SET LOCAL plan_cache_mode = force_generic_plan");
  try {
    await session.query(`PREPARE planned AS ${text}`);
    const [row] = await session.query(`EXPLAIN (FORMAT JSON) EXECUTE planned(${values.join(", ")})`);
    const plans = row?.["QUERY PLAN"];
    assert.ok(Array.isArray(plans), name);
    return flatten(plans[0].Plan);
  } finally {
    await session.query("ROLLBACK; DEALLOCATE ALL");
  }
}

function numbersIn(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map(([, digits]) => Number(digits));
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

test("whoever has the id of a token or a grant finds it by its primary key, in the partitions of its batch", async () => {
  const { database } = (await sharedServer()).deps;
  const statements = listStatements().filter(({ name }) => BY_KEY.test(name));
  assert.equal(statements.length, 6);
  await database.maintain(async (session) => {
    for (const statement of statements) {
      const scans = (await planOf(session, statement)).filter(
        (node) => /^(tokens|grants)_c\d/.test(node["Relation Name"] ?? "") && node["Node Type"] !== "ModifyTable",
      );
      assert.ok(scans.length > 0, statement.name);
      for (const scan of scans) {
        assert.match(
          scan["Index Name"] ?? scan["Node Type"],
          /_pkey$/,
          `${statement.name} reads ${scan["Relation Name"]}`,
        );
        assert.match(scan["Index Cond"] ?? "", /\bid = /, statement.name);
      }
      assert.match(statement.text, /bucket BETWEEN \$\d AND \$\d/, statement.name);
    }
  });
});

test("a page of events reads each table in the order of its primary key, and sorts nothing but what it found", async () => {
  const { database } = (await sharedServer()).deps;
  const statements = listStatements().filter(({ name }) => /^event\.list_/.test(name));
  assert.equal(statements.length, 2);
  await database.maintain(async (session) => {
    for (const statement of statements) {
      const nodes = await planOf(session, statement);
      const scans = nodes.filter((node) => /^(events|tokens|decisions)_c\d/.test(node["Relation Name"] ?? ""));
      assert.deepEqual(
        new Set(scans.map((node) => node["Relation Name"]?.replace(/_.*/, ""))),
        new Set(["events", "tokens", "decisions"]),
      );
      for (const scan of scans) {
        assert.match(scan["Index Name"] ?? scan["Node Type"], /_pkey$/, statement.name);
        assert.match(scan["Index Cond"] ?? "", /tenant_id = .*realm_id = .*\bid [<>]/, statement.name);
      }
      const sorts = nodes.filter((node) => node["Node Type"].includes("Sort"));
      assert.ok(sorts.length <= 1, `${statement.name} sorts ${sorts.length} times`);
    }
  });
});

test("many tokens are ended in the order of their application, each by its primary key", async () => {
  const { database } = (await sharedServer()).deps;
  const statements = listStatements().filter(({ name }) => name.startsWith("token_revocation_batch."));
  assert.equal(statements.length, 4);
  await database.maintain(async (session) => {
    for (const statement of statements) {
      const nodes = await planOf(session, statement);
      const scans = nodes.filter(
        (node) => /^(tokens|grants)_c\d/.test(node["Relation Name"] ?? "") && node["Node Type"] !== "ModifyTable",
      );
      assert.ok(scans.length > 0, statement.name);
      for (const scan of scans) {
        const found = scan["Index Name"] ?? scan["Node Type"];
        assert.match(found, /(_pkey|application_id_id_idx\d*)$/, `${statement.name} reads ${scan["Relation Name"]}`);
      }
    }
  });
});

test("what ended tokens is taken in its order and settled by where it was, however much waits", async () => {
  const { database } = (await sharedServer()).deps;
  await database.maintain(async (session) => {
    const read = async (name: string) => {
      const statement = listStatements().find((one) => one.name === name);
      assert.ok(statement, name);
      const nodes = await planOf(session, statement);
      assert.ok(!nodes.some((node) => node["Node Type"].includes("Sort")), `${name} sorts`);
      return nodes.filter((node) => node["Index Name"] !== undefined);
    };
    const conditionOf = async (name: string) => {
      const [node, ...others] = await read(name);
      assert.deepEqual([node?.["Index Name"], others], ["revocation_causes_pkey", []], name);
      return node?.["Index Cond"] ?? "";
    };
    await conditionOf("revocation_cause.take");
    assert.match(await conditionOf("revocation_cause.settle"), /pages = .*cause_id >= .*cause_id <= /);
    assert.match(await conditionOf("revocation_cause.postpone"), /pages = .*cause_id = /);
  });
});

/** By the statement that is given one natural key. */
const NATURAL_KEYS: Readonly<Record<string, string>> = {
  "identity.find_by_email": "identities_email",
  "application.find_by_client_id": "applications_client_id",
  "resource_server.find_by_identifier": "resource_servers_identifier",
};

test("whoever has a person's address, a client's id or an audience finds the row by its index, in a realm of any size", async () => {
  const { database } = (await sharedServer()).deps;
  await database.maintain(async (session) => {
    for (const [name, index] of Object.entries(NATURAL_KEYS)) {
      const statement = listStatements().find((one) => one.name === name);
      assert.ok(statement, name);
      const scans = (await planOf(session, statement)).filter((node) => node["Relation Name"] !== undefined);
      assert.deepEqual(
        scans.map((node) => node["Index Name"]),
        [index],
      );
      assert.match(scans[0]?.["Index Cond"] ?? "", /_key\b|client_id|identifier/, name);
    }
  });
});

test("updates by primary key know which columns a row must have", async () => {
  const { database } = (await sharedServer()).deps;
  const key = ["tenant_id", "realm_id", "id", "bucket"];
  for (const table of [TOKENS, GRANTS]) {
    const rows = await database.maintain<Row[]>((session) =>
      session.query(
        `SELECT column_name AS name FROM information_schema.columns
          WHERE table_schema = current_schema AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL`,
        [table.name],
      ),
    );
    const required = rows.map(({ name }) => String(name)).filter((name) => !key.includes(name));
    assert.deepEqual([...table.required].sort(), required.sort(), table.name);
  }
});
