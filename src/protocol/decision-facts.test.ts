import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boundFacts, FACT_LENGTH_MAX, FACTS_MAX } from "./decision-facts.ts";
import { formatOpaqueToken, formatRefreshToken, SECRET_BYTES } from "./opaque-token.ts";
import { ID_KINDS } from "./token-id.ts";

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

test("a token that a client put somewhere is not kept, but for its prefix", () => {
  const id = { traceId: Buffer.alloc(16, 1), kind: ID_KINDS.access, bucket: 7, random: Buffer.alloc(3, 2) };
  const access = formatOpaqueToken("access", id, Buffer.alloc(SECRET_BYTES, 5));
  const refresh = formatRefreshToken({ id, generation: 1, secret: Buffer.alloc(SECRET_BYTES, 6) }, Buffer.alloc(32, 7));
  const facts = boundFacts({ dropped: [{ scope: refresh }, { scope: "a" }], uri: `https://a.example/${access}/x` });
  assert.deepEqual(facts, {
    dropped: [{ scope: "mayfly_rt_…" }, { scope: "a" }],
    uri: "https://a.example/mayfly_at_…/x",
  });
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
