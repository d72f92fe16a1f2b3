import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { createTestDatabase, databaseSide } from "../../test/support/test-database.ts";
import { migrate, numberMigrations } from "./migrate.ts";
import { openPostgresql } from "./postgresql.ts";

const NODES = 6;

async function testMigratingAtOnce(): Promise<void> {
  const { environment, drop } = await createTestDatabase();
  const url = environment.MAYFLY_DATABASE_URL ?? "";
  const nodes = Array.from({ length: NODES }, () => openPostgresql({ url, poolSize: 2 }));
  const applied = await Promise.all(nodes.map((node) => migrate(node, "auto")));
  const files = readdirSync(new URL("../../migrations/", import.meta.url)).sort();
  assert.deepEqual(applied.flat().sort(), files);
  assert.deepEqual(await Promise.all(nodes.map((node) => migrate(node, "check"))), Array(NODES).fill([]));
  await Promise.all(nodes.map((node) => node.close()));
  await drop();
}

test("migrations are in the order of their numbers, and no two have one", () => {
  assert.deepEqual(
    numberMigrations(["0010_b.sql", "0002_a.sql", "README.md"]).map(({ number }) => number),
    [2, 10],
  );
  assert.throws(() => numberMigrations(["0002_a.sql", "0001_a.sql", "0002_b.sql"]), /has the number of 0002_a\.sql/);
});

if (databaseSide() === "postgresql") {
  test("of nodes that start at the same moment each migration is applied by one", testMigratingAtOnce);
}
