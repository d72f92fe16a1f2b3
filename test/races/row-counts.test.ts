import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { Database, Queryable } from "../../src/database/database.ts";
import { statement } from "../../src/database/statement.ts";
import { createRandom, hexId } from "../../src/platform/random.ts";
import type { RealmKey } from "../../src/protocol/client-metadata.ts";
import { countGroups, deleteGroup, insertGroup, updateGroupSettings } from "../../src/resources/group/queries.ts";
import { sharedDatabase } from "../support/scratch-database.ts";
import { databaseSide } from "../support/test-database.ts";

// Totals of lists are kept by triggers: they must be what counting would say, whoever writes with whom, and make nobody wait.

const random = createRandom();
const NOW_MS = 1_800_000_000_000;
const countRows = statement(
  "test.count_groups",
  "SELECT count(*) AS size FROM groups WHERE tenant_id = $1 AND realm_id = $2 AND COALESCE(deleted_at_ms, 0) = 0",
);
const listSlots = statement("test.list_slots", "SELECT slot FROM row_counts WHERE tenant_id = $1 AND realm_id = $2");
const insertMany = statement(
  "test.insert_groups",
  `INSERT INTO groups (tenant_id, realm_id, group_id, display_name, display_name_key, created_at_ms, updated_at_ms)
   SELECT tenant_id, realm_id, id, id, id, 1, 1 FROM unnest($1::text[], $2::text[], $3::text[]) AS t(tenant_id, realm_id, id)`,
);
const removeSome = statement(
  "test.remove_groups",
  "DELETE FROM groups WHERE tenant_id = $1 AND realm_id = $2 AND group_id < $3",
);
const bury = statement(
  "test.bury_groups",
  "UPDATE groups SET deleted_at_ms = 1 WHERE tenant_id = $1 AND group_id < $2",
);

let database: Database;
let secondNode: Database;

before(async () => {
  ({ database, secondNode } = await sharedDatabase());
});

function newRealm(): RealmKey {
  return { tenantId: hexId(random), realmId: hexId(random) };
}

async function add(db: Queryable, realm: RealmKey): Promise<void> {
  const groupId = hexId(random);
  await insertGroup(db, { ...realm, groupId }, { display_name: groupId, description: "" }, NOW_MS);
}

async function assertExact(realm: RealmKey): Promise<number> {
  const db = database.tenants([realm.tenantId]);
  const [row] = await db.run(countRows, [realm.tenantId, realm.realmId]);
  assert.equal(await countGroups(db, realm), row?.size);
  return Number(row?.size);
}

type Step = "add" | "add many" | "rename" | "delete" | "delete again" | "bury" | "remove" | "fail";
const STEPS: readonly Step[] = ["add", "add", "add many", "rename", "delete", "delete again", "bury", "remove", "fail"];

/** Does something to groups of two realms; an id in hexadecimal is below "8" half of the time. */
async function take(db: Queryable, step: Step, realms: readonly RealmKey[]): Promise<void> {
  const [realm = newRealm(), other = realm] = realms;
  const { tenantId, realmId } = realm;
  const key = { ...realm, groupId: hexId(random) };
  const settings = { display_name: key.groupId, description: "" };
  if (step === "add") await add(db, realm);
  if (step === "bury") await db.run(bury, [tenantId, "8"]);
  if (step === "remove") await db.run(removeSome, [tenantId, realmId, "8"]);
  if (step === "fail") {
    await add(db, realm);
    throw new Error("rolled back");
  }
  if (step === "add many") {
    const places = [realm, other, realm];
    await db.run(insertMany, [
      places.map((at) => at.tenantId),
      places.map((at) => at.realmId),
      places.map(() => hexId(random)),
    ]);
  }
  if (step === "rename" || step === "delete" || step === "delete again") {
    await insertGroup(db, key, settings, NOW_MS);
    await updateGroupSettings(db, key, { ...settings, description: "new" }, NOW_MS);
    if (step !== "rename") await deleteGroup(db, key, NOW_MS);
    if (step === "delete again") await deleteGroup(db, key, NOW_MS);
  }
}

test("a total is what counting says, after any changes, of single rows and of many, kept and rolled back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 12 }), async (steps) => {
      const realm = newRealm();
      const other = { ...realm, realmId: hexId(random) };
      for (const step of steps) {
        const done = database.transaction([realm.tenantId], (session) => take(session, step, [realm, other]));
        await done.catch((error: Error) => assert.equal(error.message, "rolled back"));
        await assertExact(realm);
        await assertExact(other);
      }
    }),
    { numRuns: 15 },
  );
});

test("writers of two nodes at once lose no count", async () => {
  const realm = newRealm();
  const nodes = [database, secondNode];
  const writing = Array.from({ length: 40 }, (_, index) => {
    const db = (nodes[index % 2] ?? database).tenants([realm.tenantId]);
    return add(db, realm);
  });
  await Promise.all(writing);
  assert.equal(await assertExact(realm), 40);
  const slots = await database.tenants([realm.tenantId]).run(listSlots, [realm.tenantId, realm.realmId]);
  assert.ok(slots.length <= 8, `${slots.length} slots of 8 connections`);
});

if (databaseSide() === "postgresql") {
  test("no writer waits for another's transaction, in whatever order they change things", async () => {
    const realm = newRealm();
    const other = { ...realm, realmId: hexId(random) };
    await add(database.tenants([realm.tenantId]), realm);
    await add(database.tenants([realm.tenantId]), other);
    await database.transaction([realm.tenantId], async (session) => {
      await add(session, realm);
      // The second node begins and ends while the first is under way; then each needs what the other has touched.
      await secondNode.transaction([realm.tenantId], async (second) => {
        await add(second, other);
        await add(session, other);
        await add(second, realm);
      });
    });
    assert.equal(await assertExact(realm), 3);
    assert.equal(await assertExact(other), 3);
  });
}
