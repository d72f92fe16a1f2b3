import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../../platform/random.ts";
import { type Attempt, addAttempt, sumAttempts } from "./queries.ts";

const random = createRandom();
const HOUR = 500_000;

async function fixture() {
  const { database, secondNode } = await sharedDatabase();
  const realm = { tenantId: hexId(random), realmId: hexId(random) };
  const attempt: Attempt = { countedKey: random.bytes(32), kind: "code_sent", hour: HOUR };
  return { db: database.tenants([realm.tenantId]), second: secondNode.tenants([realm.tenantId]), realm, attempt };
}

test("attempts are counted exactly, even by two nodes at once", async () => {
  const { db, second, realm, attempt } = await fixture();
  const nodes = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? db : second));
  const sums = await Promise.all(nodes.map((node) => addAttempt(node, realm, attempt, [1])));
  const seen = sums.flat().toSorted((a, b) => a - b);
  assert.deepEqual(
    seen,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
});

test("a window sums the hours it covers, the current one included", async () => {
  const { db, realm, attempt } = await fixture();
  for (const hour of [HOUR - 24, HOUR - 23, HOUR - 1, HOUR - 1]) await addAttempt(db, realm, { ...attempt, hour }, []);
  assert.deepEqual(await sumAttempts(db, realm, attempt, [1, 2, 24, 25]), [0, 2, 3, 4]);
  assert.deepEqual(await addAttempt(db, realm, attempt, [24, 1, 2]), [4, 1, 3]);
  assert.deepEqual(await sumAttempts(db, realm, attempt, [1]), [1]);
});

test("each kind, key, realm and tenant has a count of its own", async () => {
  const { db, realm, attempt } = await fixture();
  await addAttempt(db, realm, attempt, []);
  assert.deepEqual(await addAttempt(db, realm, { ...attempt, kind: "wrong_try" }, [24]), [1]);
  assert.deepEqual(await addAttempt(db, realm, { ...attempt, countedKey: random.bytes(32) }, [24]), [1]);
  assert.deepEqual(await addAttempt(db, { ...realm, realmId: hexId(random) }, attempt, [24]), [1]);
  const other = await fixture();
  assert.deepEqual(await sumAttempts(other.db, realm, attempt, [24]), [0], "another tenant sees nothing");
});
