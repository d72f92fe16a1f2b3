import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CUSTOM_CLAIMS_BYTES_MAX,
  checkCustomClaimsAllowed,
  parseCustomClaims,
  survivesDouble,
} from "./custom-claims.ts";
import { OAuthError } from "./oauth-error.ts";

function refusal(raw: string, maxBytes?: number): string {
  try {
    parseCustomClaims(raw, maxBytes);
  } catch (error) {
    assert.ok(error instanceof OAuthError);
    assert.equal(error.code, "invalid_request");
    assert.match(error.detail, /^custom_claims /);
    return error.detail;
  }
  throw new assert.AssertionError({ message: `${raw} was not refused` });
}

test("absent and empty custom claims are none, an empty object is one (rule 21)", () => {
  assert.equal(parseCustomClaims(undefined), undefined);
  assert.equal(parseCustomClaims(""), undefined);
  assert.deepEqual(parseCustomClaims("{}"), { text: "{}", claims: {} });
});

test("custom claims come out as they were sent", () => {
  const text =
    '{"team": "caf\u00e9", "n":[1.0, 1e3,-2.50,0], "deep":{"a":{"a":[true,null]}}, "\\u0061":"\\ud83d\\ude00"}';
  assert.deepEqual(parseCustomClaims(text), { text, claims: JSON.parse(text) });
  assert.equal(parseCustomClaims(' {"a":1}\n')?.text, '{"a":1}');
});

test("whatever JSON.stringify writes within the limits is accepted and means the same", () => {
  const value = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    node: fc.oneof(
      { maxDepth: 2 },
      tie("leaf"),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 5 }), tie("node"), { maxKeys: 3 }),
    ),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 6 }), value, { maxKeys: 4 }), (claims) => {
      const text = JSON.stringify(claims);
      fc.pre(text.length < 1000 && !/\\u0000|\\ud[89a-f]|"(__proto__|constructor)"/.test(text));
      assert.deepEqual(parseCustomClaims(text), { text, claims: JSON.parse(text) });
    }),
    { numRuns: 500 },
  );
});

test("what is not a JSON object is refused", () => {
  for (const raw of ["[]", "null", "1", '"a"', "true", " "])
    assert.match(refusal(raw), /not (valid JSON|a JSON object)/);
  for (const raw of [
    "{",
    "{a:1}",
    "{'a':1}",
    '{"a":1,}',
    "{}{}",
    '{"a":01}',
    '{"a":NaN}',
    '{"a":"\u0001"}',
    '{"a":+1}',
  ]) {
    assert.match(refusal(raw), /not valid JSON/);
  }
});

test("a name that repeats within one object is refused, however it is spelled", () => {
  for (const raw of [
    '{"a":1,"a":1}',
    '{"a":1,"b":{"a":1},"\\u0061":2}',
    '{"x":[{"a":[],"b":"a","a":2}]}',
    '{"":1,"":2}',
  ]) {
    assert.match(refusal(raw), /repeats a member name/);
  }
});

test("the same name in different objects, and as a value, is fine", () => {
  const raw = '{"a":{"a":["a","a"]},"b":[{"a":1},{"a":1}],"c":"a","d":"{\\"a\\":1,\\"a\\":2}"}';
  assert.equal(parseCustomClaims(raw)?.text, raw);
});

test("__proto__ and constructor are refused as names at any depth, not as values", () => {
  for (const raw of ['{"__proto__":{}}', '{"a":[{"constructor":1}]}', '{"\\u005f_proto__":1}']) {
    assert.match(refusal(raw), /reserved member name/);
  }
  assert.ok(parseCustomClaims('{"a":"__proto__","b":["constructor"]}'));
});

test("numbers that change in a double are refused, all others are taken", () => {
  for (const token of [
    "9007199254740993",
    "1e400",
    "-1e400",
    "1e-400",
    "0.10000000000000000001",
    "-0",
    "-0.0",
    "123456789012345678901",
    "-0e5",
    "3.141592653589793238",
  ]) {
    assert.match(refusal(`{"a":[${token}]}`), /number that a double cannot hold/);
  }
  for (const token of [
    "0",
    "0.0",
    "0e999999999999",
    "1.0",
    "100",
    "1e2",
    "1E+2",
    "0.1",
    "-0.5e-3",
    "9007199254740992",
    "9007199254740994",
    "1e21",
    "1.7976931348623157e308",
    "5e-324",
    "123456789012345680000",
  ]) {
    assert.ok(parseCustomClaims(`{"a":${token}}`), token);
  }
});

test("every double survives as JavaScript writes it", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(survivesDouble(JSON.stringify(value)), true);
      assert.equal(survivesDouble(value.toExponential()), true);
    }),
    { numRuns: 500 },
  );
});

test("a number survives if and only if it is the number that comes back, by exact arithmetic", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 22 });
  const token = fc
    .tuple(fc.constantFrom("", "-"), digits, digits, fc.integer({ min: -30, max: 30 }))
    .map(([sign, whole, fraction, exponent]) => `${sign}${BigInt(whole)}.${fraction}e${exponent}`);
  // Every token and every double near it is a whole number of 10^-400.
  const exact = (decimal: string) => {
    const [mantissa = "", exponent = "0"] = decimal.split("e");
    const [whole = "", fraction = ""] = mantissa.split(".");
    return BigInt(whole + fraction) * 10n ** BigInt(400 + Number(exponent) - fraction.length);
  };
  fc.assert(
    fc.property(token, (text) => {
      fc.pre(!Object.is(Number(text), -0));
      assert.equal(survivesDouble(text), exact(text) === exact(String(Number(text))));
    }),
    { numRuns: 500 },
  );
});

test("U+0000 and lone surrogates are refused in names and values, pairs are fine", () => {
  assert.match(refusal('{"a":"\\u0000"}'), /U\+0000/);
  assert.match(refusal('{"\\u0000":1}'), /U\+0000/);
  assert.match(refusal('{"a":["\\ud800"]}'), /lone surrogate/);
  assert.match(refusal('{"\\udc00x":1}'), /lone surrogate/);
  assert.match(refusal('{"a":"\ud800"}'), /lone surrogate/);
  assert.ok(parseCustomClaims('{"a":"\\ud83d\\ude00"}'));
});

test("five levels are accepted, six are not", () => {
  assert.ok(parseCustomClaims('{"a":[{"b":[{"c":1}]}]}'));
  assert.match(refusal('{"a":[{"b":[{"c":[]}]}]}'), /nested deeper than 5/);
  assert.match(refusal(`{"a":${"[".repeat(2000)}${"]".repeat(2000)}}`), /nested deeper than 5/);
});

test("the limit counts UTF-8 bytes; an application may have a lower one, never a higher", () => {
  const of = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
  assert.ok(parseCustomClaims(of(CUSTOM_CLAIMS_BYTES_MAX)));
  assert.match(refusal(of(CUSTOM_CLAIMS_BYTES_MAX + 1)), /larger than 4096 bytes/);
  assert.match(refusal(of(CUSTOM_CLAIMS_BYTES_MAX + 1), 10_000), /larger than 4096 bytes/);
  assert.match(refusal(of(101), 100), /larger than 100 bytes/);
  assert.match(refusal(`{"a":"${"\u00e9".repeat(2048)}"}`), /larger than 4096 bytes/);
});

test("a denied parameter is refused, an absent or empty one is not (rule 21)", () => {
  assert.throws(() => checkCustomClaimsAllowed("{}", "deny"), /custom_claims is not allowed/);
  checkCustomClaimsAllowed("", "deny");
  checkCustomClaimsAllowed(undefined, "deny");
  checkCustomClaimsAllowed("{}", "allow");
});

test("any text gives claims or an invalid_request, never another error", () => {
  const hostile = fc.string({ unit: fc.constantFrom(...'{}[],:"\\ua0e-.19 '), maxLength: 30 });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.json()), (raw) => {
      try {
        parseCustomClaims(raw);
      } catch (error) {
        assert.ok(error instanceof OAuthError);
      }
    }),
    { numRuns: 500 },
  );
});
