import assert from "node:assert/strict";
import { test } from "node:test";
import { addCounts } from "./metric-sums.ts";
import { createMetrics } from "./metrics.ts";

const COUNTER = { type: "counter", name: "c", help: "", labels: ["route"] } as const;
const GAUGE = { type: "gauge", name: "g", help: "", labels: [], aggregator: "sum" } as const;
const HISTOGRAM = { type: "histogram", name: "h", help: "", labels: [], buckets: [1] } as const;

function snapshotOf(counts: Readonly<Record<string, number>>) {
  const metrics = createMetrics([COUNTER, GAUGE, HISTOGRAM]);
  for (const [route, count] of Object.entries(counts)) metrics.counter(COUNTER).cell(route).add(count);
  metrics.gauge(GAUGE).cell().set(7);
  metrics.histogram(HISTOGRAM).cell().observe(0.5);
  return metrics.snapshot();
}

test("what ended processes counted stays, each series for itself, and what their gauges said goes", async () => {
  const [one, other] = await Promise.all([snapshotOf({ token: 3, revoke: 1 }), snapshotOf({ token: 4, jwks: 5 })]);
  const sums = addCounts(addCounts([], one), other);
  const found = sums.flatMap(({ values }) =>
    values.map(({ value, labels, metricName }) => [metricName, labels, value]),
  );
  assert.deepEqual(found, [
    [undefined, { route: "token" }, 7],
    [undefined, { route: "revoke" }, 1],
    [undefined, { route: "jwks" }, 5],
    ["h_bucket", { le: "1" }, 2],
    ["h_bucket", { le: "+Inf" }, 2],
    ["h_sum", {}, 1],
    ["h_count", {}, 2],
  ]);
  assert.deepEqual(addCounts(sums, []), sums, "a process that never told takes nothing away");
});
