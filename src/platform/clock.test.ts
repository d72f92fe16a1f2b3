import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock, formatInstant } from "./clock.ts";

test("a new clock says what the machine's says", () => {
  const clock = createClock();
  const before = Date.now();
  const now = clock.nowMs();
  assert.ok(now >= before - 1_000 && now <= Date.now() + 1_000, String(now));
  assert.ok(Number.isInteger(now));
});

test("a jump of the machine's clock moves nothing", (t) => {
  const clock = createClock();
  const before = clock.nowMs();
  t.mock.method(Date, "now", () => 0);
  assert.ok(clock.nowMs() >= before && clock.nowMs() < before + 60_000);
});

test("a clock that follows the database goes on from what that said", (t) => {
  const clock = createClock();
  let passed = 5_000.25;
  t.mock.method(performance, "now", () => passed);
  clock.follow(1_700_000_000_900, 5_000.25);
  assert.equal(clock.nowMs(), 1_700_000_000_900);
  assert.equal(clock.nowSeconds(), 1_700_000_000, "rounded down");
  passed += 99.9;
  assert.equal(clock.nowMs(), 1_700_000_000_999);
  assert.equal(clock.nowSeconds(), 1_700_000_000);
  passed += 0.2;
  assert.equal(clock.nowMs(), 1_700_000_001_000);
  assert.equal(clock.nowSeconds(), 1_700_000_001);
  assert.equal(clock.monotonicMs(), passed);
  clock.follow(1_600_000_000_000, passed - 1_000); // an answer that took a second to come
  assert.equal(clock.nowMs(), 1_600_000_001_000);
});

test("an instant is printed as RFC 3339 in UTC with milliseconds", () => {
  assert.equal(formatInstant(0), "1970-01-01T00:00:00.000Z");
  assert.equal(formatInstant(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
});
