import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { createBodyReader } from "./settings.ts";

const Box = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    note: Type.Optional(Type.String()),
    inner: Type.Object(
      { size: Type.Integer({ minimum: 1 }), list: Type.Array(Type.String(), { maxItems: 2 }) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
const reader = createBodyReader("box", Box);
const current = { name: "a", note: "b", inner: { size: 1, list: ["x"] } };

function violations(checked: ReturnType<typeof reader.update>): string[] {
  return checked.ok ? [] : checked.violations.map(({ field, description }) => `${field}: ${description}`);
}

test("a body changes the members it names, deeply, and replaces arrays whole", () => {
  assert.deepEqual(reader.update(current, { inner: { list: ["y"] } }), {
    ok: true,
    value: { name: "a", note: "b", inner: { size: 1, list: ["y"] } },
  });
});

test("null clears an optional member on a change, and is absent on a create", () => {
  assert.deepEqual(reader.update(current, { note: null }), {
    ok: true,
    value: { name: "a", inner: { size: 1, list: ["x"] } },
  });
  assert.deepEqual(violations(reader.update(current, { name: null })), ["box.name: missing"]);
  assert.deepEqual(reader.create({ inner: { size: 1, list: [] } }, { name: "a", inner: { size: null } }), {
    ok: true,
    value: { name: "a", inner: { size: 1, list: [] } },
  });
});

test("every violation names its member by a dotted path that ends at an array", () => {
  const body: unknown = { name: "", colour: "red", inner: { size: "1", list: [1] } };
  assert.deepEqual(violations(reader.update(current, body as object)).sort(), [
    "box.colour: is not a known member",
    "box.inner.list: element 0: must be string",
    "box.inner.size: must be integer",
    "box.name: empty string",
  ]);
  assert.deepEqual(violations(reader.update(current, { inner: { list: ["a", "b", "c"] } })), [
    "box.inner.list: array exceeds 2 elements",
  ]);
});

test("text that cannot be stored is refused", () => {
  const expected = ["box.name: holds U+0000 or a lone surrogate"];
  assert.deepEqual(violations(reader.update(current, { name: "a\u0000b" })), expected);
  assert.deepEqual(violations(reader.update(current, { name: "a\ud800b" })), expected);
});
