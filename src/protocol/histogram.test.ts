import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addHistogram,
  addValue,
  bucketOf,
  type Histogram,
  largestOf,
  quantileBucket,
  quantileOf,
  totalOf,
} from "./histogram.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";

/** The law's bound is 5 %; this is what the buckets promise. */
const WIDTH_MAX = 1 / 32;

const anySeconds = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: LIFETIME_SECONDS_MAX }),
);
const anyWorkload = fc.array(anySeconds, { minLength: 1, maxLength: 300 });
const anyPart = fc.oneof(fc.constantFrom(0.5, 0.9, 0.99, 1), fc.double({ min: 0.001, max: 1, noNaN: true }));

function histogramOf(values: readonly number[]): Histogram {
  const histogram: Histogram = new Map();
  for (const value of values) addValue(histogram, value);
  return histogram;
}

/** By its definition, of the numbers themselves. */
function trueQuantile(values: readonly number[], part: number): number {
  return values.toSorted((one, other) => one - other)[Math.ceil(part * values.length) - 1] ?? Number.NaN;
}

test("buckets follow one another without a gap, each at most a 32nd of its numbers wide", () => {
  for (let bucket = 0; bucket < bucketOf(LIFETIME_SECONDS_MAX); bucket += 1) {
    const [smallest, largest] = [largestOf(bucket - 1) + 1, largestOf(bucket)];
    assert.ok(largest >= smallest && largest - smallest <= smallest * WIDTH_MAX, `bucket ${bucket}`);
    assert.deepEqual([bucketOf(smallest), bucketOf(largest)], [bucket, bucket]);
  }
});

test("every quantile is within 5 % of the true one, exact where its bucket holds one number, and never above its bucket", () => {
  fc.assert(
    fc.property(anyWorkload, anyPart, (values, part) => {
      const histogram = histogramOf(values);
      const exact = trueQuantile(values, part);
      const read = quantileOf(histogram, part) ?? Number.NaN;
      assert.ok(Math.abs(read - exact) <= exact * WIDTH_MAX, `${read} for ${exact}`);
      const bucket = quantileBucket(histogram, part) ?? -1;
      assert.equal(bucket, bucketOf(exact));
      assert.ok(largestOf(bucket) >= exact);
      if (new Set(values.filter((value) => bucketOf(value) === bucket)).size === 1) assert.equal(read, exact);
    }),
    { numRuns: 500 },
  );
});

test("parts added in any order, and grouped in any way, are what one would have counted", () => {
  const anyParts = fc.array(anyWorkload, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      anyParts.chain((parts) =>
        fc.tuple(
          fc.constant(parts),
          fc.shuffledSubarray(parts, { minLength: parts.length, maxLength: parts.length }),
          fc.integer({ min: 0, max: parts.length }),
        ),
      ),
      ([parts, shuffled, cut]) => {
        const whole = histogramOf(parts.flat());
        const merged: Histogram = new Map();
        for (const some of [shuffled.slice(0, cut), shuffled.slice(cut)]) {
          const group: Histogram = new Map();
          for (const part of some) addHistogram(group, histogramOf(part));
          addHistogram(merged, group);
        }
        assert.deepEqual(new Map([...merged].sort()), new Map([...whole].sort()));
        assert.equal(totalOf(merged).count, parts.flat().length);
      },
    ),
    { numRuns: 300 },
  );
});

test("adding changes only what is added to", () => {
  const added = histogramOf([100]);
  const sum = histogramOf([100]);
  addHistogram(sum, added);
  addHistogram(sum, added);
  assert.deepEqual([totalOf(added).count, totalOf(sum).count], [1, 3]);
});

test("where nothing was counted there is no quantile", () => {
  assert.equal(quantileOf(new Map(), 0.99), undefined);
  assert.deepEqual(totalOf(new Map()), { count: 0, sum: 0 });
});
