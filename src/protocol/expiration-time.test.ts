import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExpirationTime } from "./expiration-time.ts";
import { OAuthError, publicDescription } from "./oauth-error.ts";

test("an absent or empty expiration_time is none", () => {
  assert.equal(parseExpirationTime(undefined), undefined);
  assert.equal(parseExpirationTime(""), undefined);
});

test("one to ten digits without a leading zero are seconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9_999_999_999 }), (seconds) => {
      assert.equal(parseExpirationTime(String(seconds)), seconds);
    }),
    { numRuns: 500 },
  );
});

const REFUSED = [
  "0",
  "-5",
  "+5",
  "1.5",
  "1e3",
  "0x10",
  "007",
  " 60",
  "60 ",
  "60\n",
  "\t60",
  "6 0",
  "10000000000",
  "99999999999",
  "\u0661\u0662",
  "\uff11",
  "1_000",
  "1,000",
  "NaN",
  "Infinity",
  "60s",
  "-0",
  "00",
  "0b1",
  "1n",
  "''",
  "null",
  "\u00b2",
];

for (const value of REFUSED) {
  test(`expiration_time ${JSON.stringify(value)} is refused and named`, () => {
    assert.throws(
      () => parseExpirationTime(value),
      (error) => {
        assert.ok(error instanceof OAuthError);
        assert.equal(error.code, "invalid_request");
        assert.match(publicDescription(error), /^expiration_time must be/);
        return true;
      },
    );
  });
}

test("no text but such digits is taken for a lifetime", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789+-.ex \n"), minLength: 1, maxLength: 12 }), (text) => {
      const canonical = String(Number.parseInt(text, 10)) === text && Number(text) >= 1 && text.length <= 10;
      if (canonical) assert.equal(parseExpirationTime(text), Number(text));
      else assert.throws(() => parseExpirationTime(text), OAuthError);
    }),
    { numRuns: 500 },
  );
});
