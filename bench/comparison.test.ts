import assert from "node:assert/strict";
import { test } from "node:test";
import { type CaseResult, FIGURES, ratioRows, ratioToBaseline } from "./comparison.ts";
import type { LoadResult } from "./load-plan.ts";
import { formatRows } from "./table.ts";
import { judge } from "./verdict.ts";

function round(requests: number, p99Milliseconds: number): LoadResult {
  return {
    requests,
    statuses: {},
    errors: 0,
    seconds: 1,
    p50Milliseconds: 1,
    p99Milliseconds,
    serverCpuSeconds: 1,
    serverRssBytes: 100,
    generatorUtilisation: 0.5,
    values: [],
  };
}

const mayfly = [round(300, 5), round(900, 30), round(400, 8)];
const peer = [round(100, 10), round(150, 10), round(200, 10)];
const result: CaseResult = {
  benchmarkCase: {
    title: "case",
    contenders: [],
    baseline: { side: "peer-postgresql", format: "ES256" },
    targetRatio: 2.5,
    prepare: () => Promise.reject(new Error("not here")),
  },
  measurements: [
    { contender: { side: "mayfly", format: "ES256" }, rounds: mayfly },
    { contender: { side: "peer-postgresql", format: "ES256" }, rounds: peer },
  ],
};

test("a ratio is taken round by round, and the median of them is what counts", () => {
  assert.equal(ratioToBaseline(result, mayfly, FIGURES.requestsPerSecond), 3);
  assert.equal(ratioToBaseline(result, peer, FIGURES.requestsPerSecond), 1);
});

test("without the baseline there is no ratio", () => {
  const alone = { ...result, measurements: result.measurements.slice(0, 1) };
  assert.ok(Number.isNaN(ratioToBaseline(alone, mayfly, FIGURES.requestsPerSecond)));
  assert.ok(ratioRows([alone]).every(({ value, target }) => target && judge(value, target) === "not measured"));
});

test("Mayfly's rate, p99, CPU and memory each have a target, the peer's have none", () => {
  const verdicts = ratioRows([result]).map(({ unit, value, target }) => [
    unit,
    value?.toFixed(2),
    target && judge(value, target),
  ]);
  assert.deepEqual(verdicts, [
    ["x requests/s", "3.00", "reached"],
    ["x p99", "0.80", "below"],
    ["x CPU/request", "0.33", "reached"],
    ["x RSS", "1.00", "below"],
  ]);
});

test("a row shows its target, the gate and the verdict", () => {
  const table = formatRows([
    { label: "fast", value: 2.2, unit: "x", target: { atLeast: 2.5 } },
    { label: "unknown", value: undefined, unit: "s", note: "no disk" },
  ]);
  assert.match(table, /\| fast \| 2.2 \| x \| >= 2.5 \| >= 2 \| within the gate \| {2}\|/);
  assert.match(table, /\| unknown \| - \| s \| - \| - \| - \| no disk \|/);
});
