import assert from "node:assert/strict";
import { test } from "node:test";
import { listMetrics } from "./metric-table.ts";
import { createMetrics, type Declaration } from "./metrics.ts";
import { printMetrics } from "./prometheus.ts";

const COUNTER = { type: "counter", name: "seen_total", help: "Things seen.", labels: ["kind"] } as const;
const GAUGE = { type: "gauge", name: "lag_seconds", help: "How late.", labels: [], aggregator: "max" } as const;
const HISTOGRAM = {
  type: "histogram",
  name: "took_seconds",
  help: "Time.",
  labels: ["kind"],
  buckets: [0.1, 1],
} as const;
const ALL: readonly Declaration[] = [COUNTER, GAUGE, HISTOGRAM];

test("what was counted is printed as Prometheus reads it", async () => {
  const metrics = createMetrics(ALL);
  metrics.counter(COUNTER).cell("new").add();
  metrics.counter(COUNTER).cell("new").add(2);
  metrics.gauge(GAUGE).cell().set(7);
  for (const seconds of [0.1, 0.5, 1, 9]) metrics.histogram(HISTOGRAM).cell("slow").observe(seconds);
  const expected = `# HELP seen_total Things seen.
# TYPE seen_total counter
seen_total{kind="new"} 3

# HELP lag_seconds How late.
# TYPE lag_seconds gauge
lag_seconds 7

# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{kind="slow",le="0.1"} 1
took_seconds_bucket{kind="slow",le="1"} 3
took_seconds_bucket{kind="slow",le="+Inf"} 4
took_seconds_sum{kind="slow"} 10.6
took_seconds_count{kind="slow"} 4
`;
  assert.equal(await printMetrics([await metrics.snapshot()]), expected);
});

test("several processes are printed as one, each metric as it is declared", async () => {
  const processes = [1, 5].map((amount) => {
    const metrics = createMetrics(ALL);
    metrics.counter(COUNTER).cell("new").add(amount);
    metrics.gauge(GAUGE).cell().set(amount);
    metrics.histogram(HISTOGRAM).cell("slow").observe(amount);
    return metrics;
  });
  const snapshots = await Promise.all(processes.map((metrics) => metrics.snapshot()));
  const travelled: typeof snapshots = JSON.parse(JSON.stringify(snapshots));
  const text = await printMetrics(travelled);
  for (const line of ['seen_total{kind="new"} 6', "lag_seconds 5", 'took_seconds_bucket{kind="slow",le="+Inf"} 2'])
    assert.ok(text.includes(`${line}\n`), text);
});

test("a gauge that is read says what is true at the scrape, after what had to be asked for first", async () => {
  const metrics = createMetrics(ALL);
  let asked = 0;
  metrics
    .gauge(GAUGE)
    .cell()
    .read(() => asked);
  metrics.beforeSnapshot(async () => {
    asked += 1;
  });
  metrics.beforeSnapshot(() => Promise.reject(new Error("what fails to refresh hides nothing else")));
  assert.match(await printMetrics([await metrics.snapshot()]), /^lag_seconds 1$/m);
  assert.match(await printMetrics([await metrics.snapshot()]), /^lag_seconds 2$/m);
});

test("a metric has a bounded number of series; the rest is counted together", async () => {
  const metrics = createMetrics(ALL);
  for (let index = 0; index < 1_500; index += 1) metrics.counter(COUNTER).cell(`kind-${index}`).add();
  const [counted] = await metrics.snapshot();
  assert.equal(counted?.values.length, 1_001);
  assert.equal(counted?.values.find(({ labels }) => labels.kind === "other")?.value, 500);
});

test("what is not declared cannot be counted", () => {
  const metrics = createMetrics(ALL);
  assert.throws(() => metrics.counter({ ...COUNTER, name: "unknown_total" }), /not declared/);
});

test("every declared metric has a name of its own in Prometheus' form, a sentence, and buckets in order", () => {
  const declared = listMetrics();
  assert.equal(new Set(declared.map(({ name }) => name)).size, declared.length);
  for (const one of declared) {
    assert.match(one.name, one.type === "counter" ? /^[a-z][a-z_]*_total$/ : /^[a-z][a-z_]*(?<!_total)$/);
    assert.match(one.help, /^\S.*\.$/);
    if (one.type === "histogram")
      assert.deepEqual(
        [...one.buckets].sort((a, b) => a - b),
        one.buckets,
      );
  }
});
