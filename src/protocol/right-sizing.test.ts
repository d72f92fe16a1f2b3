import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { addValue, type Histogram } from "./histogram.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";
import { countUsesBeyond, exposureBeyond, recommendLifetime, USES_MIN } from "./right-sizing.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram: Histogram = new Map();
  for (const value of values) addValue(histogram, value);
  return histogram;
}

const uses = (age: number, count = USES_MIN) => histogramOf(Array.from({ length: count }, () => age));
const DAY = { defaultSeconds: 86_400, floorSeconds: 1 };

describe("a recommended lifetime", () => {
  test("is the next round one above the latest of 99 in 100 uses and its headroom", () => {
    const expected = [
      [0, 10],
      [5, 15],
      [20, 30],
      [40, 60],
      [48, 60],
      [60, 120],
      [200, 300],
      [600, 900],
      [2_000, 2_700],
      [3_000, 7_200],
      [50_000, 64_800],
    ] as const;
    for (const [age, seconds] of expected) assert.deepEqual(recommendLifetime(uses(age), DAY), { seconds }, `${age}`);
  });

  test("leaves the latest one in a hundred out", () => {
    const ages = histogramOf([...Array.from({ length: 99 }, () => 20), 80_000]);
    assert.deepEqual(recommendLifetime(ages, DAY), { seconds: 30 });
    assert.equal(countUsesBeyond(ages, 30), 1);
  });

  test("is not made of fewer than 100 uses", () => {
    const refused = { seconds: undefined, reason: "too_few_uses" };
    assert.deepEqual(recommendLifetime(uses(5, USES_MIN - 1), DAY), refused);
    assert.deepEqual(recommendLifetime(new Map(), DAY), refused);
  });

  test("is shorter than the present default or none, so that applying it again changes nothing", () => {
    const refused = { seconds: undefined, reason: "nothing_shorter" };
    assert.deepEqual(recommendLifetime(uses(70_000), DAY), refused);
    assert.deepEqual(recommendLifetime(uses(5), { ...DAY, defaultSeconds: 15 }), refused);
  });

  test("is never below the floor, which may leave nothing shorter", () => {
    assert.deepEqual(recommendLifetime(uses(5), { ...DAY, floorSeconds: 300 }), { seconds: 300 });
    const refused = { seconds: undefined, reason: "nothing_shorter" };
    assert.deepEqual(recommendLifetime(uses(5), { ...DAY, floorSeconds: 86_400 }), refused);
  });

  test("outlasts 99 of 100 uses of any workload, is no shorter than the floor and shorter than the default", () => {
    const anyAges = fc.array(fc.integer({ min: 0, max: LIFETIME_SECONDS_MAX }), {
      minLength: USES_MIN,
      maxLength: 300,
    });
    const anyPresent = fc.record({
      defaultSeconds: fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX }),
      floorSeconds: fc.integer({ min: 1, max: 7_200 }),
    });
    fc.assert(
      fc.property(anyAges, anyPresent, (ages, present) => {
        const { seconds } = recommendLifetime(histogramOf(ages), present);
        if (seconds === undefined) return;
        assert.ok(seconds >= present.floorSeconds && seconds < present.defaultSeconds);
        assert.ok(ages.filter((age) => age < seconds).length >= Math.floor(0.99 * ages.length));
      }),
      { numRuns: 300 },
    );
  });
});

test("unused exposure is what lies beyond, exactly where lifetimes differ by more than a bucket, and never too much", () => {
  assert.deepEqual(exposureBeyond(histogramOf([3_600, 3_600, 60, 300]), 300), {
    grantedSeconds: 7_560,
    unusedSeconds: 6_600,
  });
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX }), { minLength: 1, maxLength: 100 }),
      fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX }),
      (granted, seconds) => {
        const { grantedSeconds, unusedSeconds } = exposureBeyond(histogramOf(granted), seconds);
        const exact = granted.reduce((sum, one) => sum + Math.max(0, one - seconds), 0);
        assert.equal(
          grantedSeconds,
          granted.reduce((sum, one) => sum + one, 0),
        );
        assert.ok(unusedSeconds <= exact && unusedSeconds >= exact - grantedSeconds / 32);
      },
    ),
    { numRuns: 300 },
  );
});
