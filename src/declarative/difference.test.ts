import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDifference } from "./difference.ts";

test("what is the same has no difference, whatever the order of its members", () => {
  assert.deepEqual(
    describeDifference({ a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 2 }] }, a: 1 }, "values"),
    [],
  );
});

test("a difference says from what to what, and of a list what came and went", () => {
  const before = { pkce: "disabled", inner: { seconds: 60 }, scopes: ["a", "b"], order: ["x", "y"] };
  const after = { pkce: "s256", inner: {}, scopes: ["b", "c"], order: ["y", "x"], added: true };
  assert.deepEqual(describeDifference(before, after, "values"), [
    'pkce: "disabled" -> "s256"',
    "inner.seconds: 60 -> none",
    'scopes: +"c" -"a"',
    "order: in another order",
    "added: none -> true",
  ]);
});

test("of personal data only the member is told", () => {
  const changed = describeDifference({ traits: { title: "Dr" } }, { traits: { title: "Prof" } }, "names");
  assert.deepEqual(changed, ["traits.title changed"]);
});
