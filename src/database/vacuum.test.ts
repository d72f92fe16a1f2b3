import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase } from "../../test/support/scratch-database.ts";
import { vacuumEmbedded } from "./vacuum.ts";

test("the embedded database is vacuumed where much is dead, in the catalog too, and where transaction ids are old", async () => {
  const { database } = await openScratchDatabase();
  if (database.kind !== "embedded") {
    assert.deepEqual(await vacuumEmbedded(database, 0), []); // a server does it itself
    return;
  }
  await vacuumEmbedded(database);
  const run = (text: string) => database.maintain((session) => session.query(text));
  await run("INSERT INTO leases SELECT 'test-' || n, '', 0 FROM generate_series(1, 3000) n");
  await run("DELETE FROM leases WHERE name LIKE 'test-%'");
  for (let n = 0; n < 300; n += 1) {
    await run("CREATE TABLE gone (a integer, b integer, c integer, d integer, e integer); DROP TABLE gone");
  }
  const vacuumed = await vacuumEmbedded(database);
  assert.ok(vacuumed.includes("public.leases"), vacuumed.join());
  assert.ok(vacuumed.includes("pg_catalog.pg_attribute"), vacuumed.join());
  assert.ok(!vacuumed.includes("public.tenants"), vacuumed.join());
  assert.deepEqual(await vacuumEmbedded(database), []);
  assert.ok((await vacuumEmbedded(database, 0)).length > 50);
});
