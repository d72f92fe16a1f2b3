import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../../test/support/scratch-database.ts";
import type { Database } from "../../database/database.ts";
import { DatabaseUnavailable } from "../../database/database-error.ts";
import { createLog } from "../../platform/log.ts";
import { createRandom, hexId, uuid } from "../../platform/random.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { quantileOf, totalOf } from "../../protocol/histogram.ts";
import { readTokenUsage } from "./queries.ts";
import { type CountedToken, createTokenUsageRecorder } from "./recorder.ts";

const random = createRandom();
const NOW = 1_800_000_000;
const TODAY = Math.floor(NOW / 86_400);

function newKey(tenantId = hexId(random), applicationId = uuid(random)): ApplicationKey {
  return { tenantId, realmId: hexId(random), applicationId };
}

function tokenOf(key: ApplicationKey, scope = "a b"): CountedToken {
  return { ...key, scope, issuedAt: NOW };
}

async function fixture() {
  const { database, secondNode } = await sharedDatabase();
  const lines: string[] = [];
  const log = createLog("warn", { worker: undefined, write: (line) => lines.push(line) });
  const node = (of: Database = database) => createTokenUsageRecorder({ database: of, log });
  const usageOf = (key: ApplicationKey, days = { first: TODAY - 1, last: TODAY + 1 }) =>
    readTokenUsage(database.tenants([key.tenantId]), key, days);
  const usesOf = async (key: ApplicationKey, scope = "") =>
    totalOf((await usageOf(key)).get(scope)?.ages ?? new Map()).count;
  return { database, secondNode, node, lines, usageOf, usesOf };
}

/** The database, which fails the first so many statements. */
function failing(database: Database, times: number, options: { readonly mayHaveCommitted: boolean }): Database {
  let left = times;
  return {
    ...database,
    tenants: (ids) => ({
      run: async (statement, values) => {
        left -= 1;
        if (left >= 0) throw new DatabaseUnavailable("away", options);
        return database.tenants(ids).run(statement, values);
      },
    }),
  };
}

test("what nodes count adds up, of all tokens and of each scope, in whatever order they write", async () => {
  const { secondNode, node, usageOf } = await fixture();
  const key = newKey();
  const [one, other] = [node(), node(secondNode)];
  for (let age = 1; age <= 100; age += 1)
    (age % 2 === 0 ? one : other).used(tokenOf(key, age > 50 ? "a b" : "a"), NOW + age);
  one.issued({ ...tokenOf(key), expiresAt: NOW + 3_600 });
  other.issued({ ...tokenOf(key, "b"), expiresAt: NOW + 60 });
  await Promise.all([one.flush(), other.flush()]);
  one.used(tokenOf(key, ""), NOW + 5_000);
  await one.flush();
  const usage = await usageOf(key);
  const countsOf = (scope: string) => {
    const { granted, ages } = usage.get(scope) ?? { granted: new Map(), ages: new Map() };
    return [totalOf(granted).count, totalOf(ages).count];
  };
  assert.deepEqual(
    [countsOf(""), countsOf("a"), countsOf("b")],
    [
      [2, 101],
      [1, 100],
      [2, 50],
    ],
  );
  assert.equal(quantileOf(usage.get("")?.ages ?? new Map(), 1), 5_000);
  assert.equal(totalOf(usage.get("")?.granted ?? new Map()).sum, 3_660);
});

test("nodes that write the same rows at once lose nothing, and neither waits for ever", async () => {
  const { secondNode, node, usesOf } = await fixture();
  const tenantId = hexId(random);
  const keys = Array.from({ length: 5 }, () => newKey(tenantId));
  const nodes = [node(), node(secondNode), node(), node(secondNode)];
  for (let round = 0; round < 10; round += 1) {
    for (const [n, one] of nodes.entries()) {
      const order = n % 2 === 0 ? keys : keys.toReversed();
      for (const key of order) one.used(tokenOf(key), NOW + round * 100 + n);
    }
    await Promise.all(nodes.map((one) => one.flush()));
  }
  for (const key of keys) assert.deepEqual([await usesOf(key), await usesOf(key, "a")], [40, 40]);
});

test("an age counts from not_before, and a lifetime too", async () => {
  const { node, usageOf } = await fixture();
  const key = newKey();
  const recorder = node();
  const token = { ...tokenOf(key), notBefore: NOW + 1_000 };
  recorder.issued({ ...token, expiresAt: NOW + 1_060 });
  recorder.used(token, NOW + 1_007);
  await recorder.flush();
  const { granted, ages } = (await usageOf(key)).get("") ?? { granted: new Map(), ages: new Map() };
  assert.deepEqual(
    [totalOf(granted), totalOf(ages)],
    [
      { count: 1, sum: 60 },
      { count: 1, sum: 7 },
    ],
  );
});

test("applications of one id in two tenants, and two days, are told apart", async () => {
  const { node, usesOf, usageOf } = await fixture();
  const key = newKey();
  const other = newKey(undefined, key.applicationId);
  const recorder = node();
  recorder.used(tokenOf(key), NOW);
  recorder.used(tokenOf(other), NOW);
  recorder.used(tokenOf(other), NOW + 86_400);
  await recorder.flush();
  assert.deepEqual([await usesOf(key), await usesOf(other)], [1, 2]);
  const today = await usageOf(other, { first: TODAY, last: TODAY });
  assert.equal(totalOf(today.get("")?.ages ?? new Map()).count, 1);
});

test("what could not be written waits for the database, and is written once", async () => {
  const { database, node, usesOf } = await fixture();
  const key = newKey();
  const recorder = node(failing(database, 2, { mayHaveCommitted: false }));
  recorder.used(tokenOf(key), NOW);
  await recorder.flush();
  recorder.used(tokenOf(key), NOW + 1);
  await recorder.flush();
  assert.equal(await usesOf(key), 0);
  await recorder.flush();
  await recorder.flush();
  assert.deepEqual([await usesOf(key), await usesOf(key, "b")], [2, 2]);
});

test("what may have been written is not written twice, and is said to be lost", async () => {
  const { database, node, usesOf, lines } = await fixture();
  const key = newKey();
  const recorder = node(failing(database, 1, { mayHaveCommitted: true }));
  recorder.used(tokenOf(key), NOW);
  await recorder.flush();
  await recorder.flush();
  assert.equal(await usesOf(key), 0);
  assert.match(lines.join(""), /could not be written/);
});

test("of an application with more sets of scopes than are told apart all uses count still", async () => {
  const { node, usesOf } = await fixture();
  const key = newKey();
  const recorder = node();
  for (let n = 0; n < 100; n += 1) recorder.used(tokenOf(key, `s${n}`), NOW);
  recorder.used(tokenOf(key, Array.from({ length: 21 }, (_, n) => `t${n}`).join(" ")), NOW);
  await recorder.flush();
  assert.deepEqual(
    [await usesOf(key), await usesOf(key, "s0"), await usesOf(key, "s99"), await usesOf(key, "t1")],
    [101, 1, 0, 0],
  );
});

test("beyond ten thousand applications at a time a node counts how much it does not count", async () => {
  const { node, usesOf, lines } = await fixture();
  const tenantId = hexId(random);
  const recorder = node();
  const keys = Array.from({ length: 10_002 }, () => newKey(tenantId));
  for (const key of keys) recorder.used(tokenOf(key, ""), NOW);
  await recorder.flush();
  const [first, last] = [keys[0], keys.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  assert.deepEqual([await usesOf(first), await usesOf(last)], [1, 0]);
  assert.match(lines.join(""), /"lost":2/);
});
