import assert from "node:assert/strict";
import { test } from "node:test";
import { gateOf, isViolated, judge } from "./verdict.ts";

test("what is to be large is reached at the target, passes at 0.8 of it, and is below under that", () => {
  const target = { atLeast: 2.5 };
  assert.equal(judge(2.5, target), "reached");
  assert.equal(judge(2.49, target), "within the gate");
  assert.equal(judge(2, target), "within the gate");
  assert.equal(judge(1.99, target), "below");
});

test("what is to be small passes at the target divided by 0.8", () => {
  assert.deepEqual(gateOf({ atMost: 20 }), { atMost: 25 });
  assert.equal(judge(20, { atMost: 20 }), "reached");
  assert.equal(judge(25, { atMost: 20 }), "within the gate");
  assert.equal(judge(25.1, { atMost: 20 }), "below");
});

test("what must not happen at all has no gate", () => {
  assert.equal(judge(0, { atMost: 0 }), "reached");
  assert.equal(judge(1, { atMost: 0 }), "below");
  assert.equal(isViolated(1, { atMost: 0 }), true);
  assert.equal(isViolated(undefined, { atMost: 0 }), true);
  assert.equal(isViolated(0, { atMost: 0 }), false);
  assert.equal(isViolated(100, { atMost: 1 }), false, "what is slow is no violation");
});

test("a figure that could not be measured has no verdict", () => {
  assert.equal(judge(undefined, { atMost: 1 }), "not measured");
  assert.equal(judge(Number.NaN, { atMost: 1 }), "not measured");
});
