import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bucketFor,
  describeBucket,
  isForgotten,
  isLivePartitionRange,
  partitionOf,
  partitionsAhead,
} from "./bucket.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";

const HOUR = 3600;
const DAY = 86_400;
const INT4_MAX = 2 ** 31 - 1;
const anyNow = fc.integer({ min: 1_700_000_000, max: 4_000_000_000 });
const anyLifetime = fc.oneof(
  fc.integer({ min: 1, max: HOUR }),
  fc.integer({ min: 1, max: 140 * DAY }),
  fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX }),
  fc.constantFrom(HOUR, HOUR + 1, DAY, DAY + 1, 14 * DAY, 14 * DAY + 1, 140 * DAY, 140 * DAY + 1, LIFETIME_SECONDS_MAX),
);

test("a bucket ends at or after the expiry of each of its tokens, within one width", () => {
  fc.assert(
    fc.property(anyNow, anyLifetime, (now, lifetime) => {
      const bucket = bucketFor(now, lifetime);
      const description = describeBucket(bucket);
      assert.ok(description);
      assert.ok(Number.isInteger(bucket) && bucket > 0 && bucket <= INT4_MAX);
      assert.ok(description.endsAtSeconds >= now + lifetime);
      assert.ok(description.endsAtSeconds < now + lifetime + description.widthSeconds);
    }),
    { numRuns: 500 },
  );
});

test("a lifetime's class follows the settled table", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [1, 0, 300],
    [HOUR, 0, 300],
    [HOUR + 1, 1, 7200],
    [DAY, 1, 7200],
    [DAY + 1, 2, DAY],
    [14 * DAY, 2, DAY],
    [14 * DAY + 1, 3, 10 * DAY],
    [140 * DAY, 3, 10 * DAY],
    [140 * DAY + 1, 4, 10 * DAY],
    [LIFETIME_SECONDS_MAX, 4, 10 * DAY],
    [LIFETIME_SECONDS_MAX + 1, 4, 10 * DAY],
  ];
  for (const [lifetime, number, width] of cases) {
    const description = describeBucket(bucketFor(1_760_000_000, lifetime));
    assert.equal(description?.class, number);
    assert.equal(description?.widthSeconds, width);
  }
});

test("a shorter lifetime never lands in a wider class", () => {
  fc.assert(
    fc.property(anyNow, anyLifetime, anyLifetime, (now, one, other) => {
      const [short, long] = [Math.min(one, other), Math.max(one, other)];
      const [a, b] = [describeBucket(bucketFor(now, short)), describeBucket(bucketFor(now, long))];
      assert.ok(a && b && a.class <= b.class);
    }),
    { numRuns: 500 },
  );
});

test("every new token finds its partition, also one made up to a width later", () => {
  fc.assert(
    fc.property(anyNow, anyLifetime, fc.nat({ max: 299 }), (now, lifetime, later) => {
      const bucket = bucketFor(now + later, lifetime);
      const holding = partitionsAhead(now).filter((range) => range.from <= bucket && bucket < range.to);
      assert.equal(holding.length, 1);
      assert.deepEqual(holding[0], partitionOf(bucket));
    }),
    { numRuns: 500 },
  );
});

test("partitions do not overlap, have names of their own, and stay few", () => {
  fc.assert(
    fc.property(anyNow, (now) => {
      const ranges = partitionsAhead(now).toSorted((a, b) => a.from - b.from);
      for (const [index, range] of ranges.entries()) {
        const next = ranges[index + 1];
        assert.ok(range.from < range.to && range.to <= INT4_MAX);
        assert.ok(next === undefined || range.to <= next.from);
        assert.match(range.suffix, /^[a-z0-9_]{1,20}$/);
      }
      assert.equal(new Set(ranges.map((range) => range.suffix)).size, ranges.length);
      assert.ok(ranges.length <= 75, `${ranges.length} partitions`);
    }),
  );
});

test("no partition ahead can be forgotten yet", () => {
  fc.assert(
    fc.property(anyNow, (now) => {
      for (const range of partitionsAhead(now)) {
        if (range.suffix !== "overflow") assert.equal(isForgotten(range.from, now), false);
      }
    }),
  );
});

test("a bucket is live while its token is, and forgotten at its end and never before", () => {
  fc.assert(
    fc.property(anyNow, anyLifetime, fc.double({ min: 0, max: 1, noNaN: true }), (now, lifetime, part) => {
      const bucket = bucketFor(now, lifetime);
      const during = now + Math.floor(part * (lifetime - 1));
      assert.equal(isForgotten(bucket, during), false);
      assert.equal(isLivePartitionRange(bucket, during), true);
      const end = describeBucket(bucket)?.endsAtSeconds ?? 0;
      assert.equal(isForgotten(bucket, end - 1), false);
      assert.equal(isForgotten(bucket, end), true);
      assert.equal(isLivePartitionRange(bucket, end), false);
    }),
    { numRuns: 500 },
  );
});

test("a live range is one that a partition stands for", () => {
  const edges = fc.tuple(fc.nat({ max: 6 }), fc.integer({ min: -3, max: 3 })).map(([n, by]) => n * 2 ** 28 + by);
  const near = fc
    .tuple(anyLifetime, fc.integer({ min: -4, max: 4 }))
    .map(([life, by]) => bucketFor(1_760_000_000, life) + by);
  fc.assert(
    fc.property(fc.oneof(fc.integer(), edges, near), (bucket) => {
      if (!isLivePartitionRange(bucket, 1_760_000_000)) return;
      assert.ok(partitionsAhead(1_760_000_000).some((range) => range.from <= bucket && bucket < range.to));
    }),
    { numRuns: 500 },
  );
});

test("what is no bucket is neither live nor forgotten", () => {
  for (const bucket of [-1, -(2 ** 31), 5 * 2 ** 28, INT4_MAX, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(describeBucket(bucket), undefined);
    assert.equal(isForgotten(bucket, 1e12), false);
    assert.equal(isLivePartitionRange(bucket, 1_760_000_000), false);
    assert.throws(() => partitionOf(bucket), RangeError);
  }
});
