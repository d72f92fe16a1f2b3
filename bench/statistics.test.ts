import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyHistogram } from "./latency-histogram.ts";
import { median, percentile } from "./statistics.ts";

test("the median of an odd count is the middle, of an even count the mean of the two middle ones", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("a quantile of the histogram is right to one bucket, and what is too long counts in the last", () => {
  const histogram = latencyHistogram();
  for (let milliseconds = 1; milliseconds <= 100; milliseconds += 1) histogram.record(milliseconds);
  assert.equal(histogram.count(), 100);
  assert.ok(Math.abs(histogram.quantile(0.5) - 50) < 0.05);
  assert.ok(Math.abs(histogram.quantile(0.99) - 99) < 0.05);
  histogram.record(60_000);
  assert.equal(histogram.quantile(1), 5000);
});

test("a percentile is the number before which its share lies, and the last where all do", () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => percentile(hundred, share)),
    [1, 51, 100, 100],
  );
  assert.equal(percentile([7], 0.99), 7);
  assert.ok(Number.isNaN(percentile([], 0.99)));
});
