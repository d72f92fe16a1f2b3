import assert from "node:assert/strict";
import { test } from "node:test";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createBatcher } from "./batch.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { createBatchMeter, createDatabaseMeter } from "./meter.ts";

test("a batcher shows its line and what is with the database, and says why it refuses", async () => {
  const metrics = createMetrics(listMetrics());
  const answered = Promise.withResolvers<void>();
  const submit = createBatcher({
    run: async (items: readonly number[]) => {
      await answered.promise;
      return items;
    },
    sizeMax: 2,
    inFlightMax: 1,
    queueMax: 3,
    meter: createBatchMeter({ metrics }, "test"),
  });
  const read = async ({ name }: { readonly name: string }) =>
    (await metrics.snapshot()).find((metric) => metric.name === name)?.values[0]?.value;
  const first = [submit(1), submit(2)];
  await new Promise(setImmediate);
  const more = [submit(3), submit(4), submit(5)];
  assert.equal(await read(METRICS.batchesInFlight), 1);
  assert.equal(await read(METRICS.batchQueue), 3);
  await assert.rejects(submit(6), (error) => error instanceof DatabaseUnavailable && error.reason === "queue_full");
  answered.resolve();
  assert.deepEqual(await Promise.all([...first, ...more]), [1, 2, 3, 4, 5]);
  assert.equal(await read(METRICS.batchQueue), 0);
  await new Promise(setImmediate);
  assert.equal(await read(METRICS.batchesInFlight), 0);
});

test("the connections of several pools are added up, and a statement that fails is timed as well", async () => {
  const metrics = createMetrics(listMetrics());
  const meter = createDatabaseMeter({ metrics }, { monotonicMs: () => 0 });
  for (const max of [10, 4]) meter.watchPool({ totalCount: 3, idleCount: 1, waitingCount: 2, options: { max } });
  await assert.rejects(
    meter.statement("test.fail", () => Promise.reject(new Error("no"))),
    /no/,
  );
  const snapshots = await metrics.snapshot();
  const valuesOf = ({ name }: { readonly name: string }) =>
    snapshots.find((metric) => metric.name === name)?.values.map(({ value }) => value);
  assert.deepEqual(valuesOf(METRICS.connections), [4, 2]);
  assert.deepEqual(valuesOf(METRICS.connectionsMax), [14]);
  assert.deepEqual(valuesOf(METRICS.connectionsWaiting), [4]);
  assert.equal(valuesOf(METRICS.statementSeconds)?.at(-1), 1);
});
