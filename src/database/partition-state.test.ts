import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase } from "../../test/support/scratch-database.ts";
import { readPartitionState } from "./partition-state.ts";
import { dropForgotten, ensurePartitions } from "./partitions.ts";

const NOW = 1_800_000_000; // a multiple of 300 s, two hours and a day

test("partitions are counted ahead of need, and their lag behind it", async () => {
  const { database } = await openScratchDatabase();
  const at = async (seconds: number) => {
    const { tables, purgeLagSeconds } = await readPartitionState(database, NOW + seconds);
    const tokens = tables.find(({ table }) => table === "tokens");
    return { ahead: tokens?.ahead, secondsLeft: tokens?.secondsLeft, purgeLagSeconds };
  };
  assert.deepEqual(await at(0), { ahead: 0, secondsLeft: 0, purgeLagSeconds: 0 });
  await ensurePartitions(database, NOW);
  assert.deepEqual(await at(0), { ahead: 2, secondsLeft: 600, purgeLagSeconds: 0 });
  const names = (await readPartitionState(database, NOW)).tables.map(({ table }) => table);
  assert.deepEqual(names.sort(), ["authorization_requests", "decisions", "events", "grants", "tokens"]);
  assert.deepEqual(await at(301), { ahead: 0, secondsLeft: 299, purgeLagSeconds: 1 });
  assert.deepEqual(await at(601), { ahead: 0, secondsLeft: 0, purgeLagSeconds: 301 });
  await ensurePartitions(database, NOW + 601);
  assert.deepEqual(await at(601), { ahead: 2, secondsLeft: 899, purgeLagSeconds: 301 });
  await dropForgotten(database, NOW + 601);
  assert.equal((await at(601)).purgeLagSeconds, 0);
});
