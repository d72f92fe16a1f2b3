import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { createTestDatabase, databaseSide } from "../../test/support/test-database.ts";
import { migrate } from "./migrate.ts";
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

if (databaseSide() === "postgresql") {
  test("of nodes that start at the same moment each migration is applied by one", testMigratingAtOnce);
}
