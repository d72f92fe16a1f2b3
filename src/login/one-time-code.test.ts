import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../platform/random.ts";
import { newCode, readCode } from "./one-time-code.ts";

const random = createRandom();

test("a code has six digits, leading zeros included", () => {
  const small = { ...random, below: () => 7 };
  assert.equal(newCode(small, "production"), "000007");
  for (let count = 0; count < 500; count += 1) assert.match(newCode(random, "production"), /^[0-9]{6}$/);
});

test("a code has eight while many are guessed", () => {
  const small = { ...random, below: (limit: number) => limit - 1 };
  assert.equal(newCode(small, "production", 8), "99999999");
  assert.equal(readCode("1234 5678"), "12345678");
  assert.equal(newCode(random, "test", 8), "424242");
});

test("every code of a test tenant is 424242, and those of a production tenant are drawn (rule 41)", () => {
  assert.equal(newCode(random, "test"), "424242");
  const drawn = new Set(Array.from({ length: 50 }, () => newCode(random, "production")));
  assert.ok(drawn.size > 40);
});

for (const typed of ["123456", " 123 456 ", "123-456", "12 34 56"]) {
  test(`"${typed}" is read as people type a code`, () => assert.equal(readCode(typed), "123456"));
}

for (const typed of [undefined, "", "12345", "1234567", "12345a", "１２３４５６", "123_456"]) {
  test(`"${typed}" is no code and costs no try`, () => assert.equal(readCode(typed), undefined));
}
