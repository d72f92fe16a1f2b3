import assert from "node:assert/strict";
import { test } from "node:test";
import { slicesOf } from "./slices.ts";

test("a list is cut into slices in its order, and the last one holds what is left", () => {
  assert.deepEqual(slicesOf([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(slicesOf([1, 2, 3, 4], 2), [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(slicesOf([1], 2), [[1]]);
  assert.deepEqual(slicesOf([], 2), []);
});
