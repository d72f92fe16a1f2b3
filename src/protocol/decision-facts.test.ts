import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boundFacts, FACT_LENGTH_MAX, FACTS_MAX } from "./decision-facts.ts";

test("a long text is cut, and a surrogate pair that the cut parts does no harm", () => {
  const { uri } = boundFacts({ uri: `${"x".repeat(FACT_LENGTH_MAX - 1)}😀` });
  assert.equal(uri, `${"x".repeat(FACT_LENGTH_MAX - 1)}\ufffd`);
});

test("a long list is cut and says how much is missing", () => {
  const { scope } = boundFacts({ scope: Array.from({ length: FACTS_MAX + 7 }, (_, index) => `s${index}`) });
  assert.ok(Array.isArray(scope));
  assert.equal(scope.length, FACTS_MAX + 1);
  assert.equal(scope.at(-1), "and 7 more");
});

test("small facts stay as they are", () => {
  const facts = { lifetime: { granted: 900, mode: "exact" }, dropped: [{ scope: "a", rule: "roles" }], won: true };
  assert.deepEqual(boundFacts(facts), facts);
});

test("whatever comes from outside, the record is a JSON that PostgreSQL takes", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.anything()), (facts) => {
      const text = JSON.stringify(boundFacts(facts), (_, value) => (typeof value === "bigint" ? String(value) : value));
      assert.ok(!text.includes("\\u0000"));
      assert.ok(!/\\ud[89a-f]/i.test(text));
    }),
    { numRuns: 300 },
  );
});
