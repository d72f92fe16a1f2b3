import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OAuthError } from "./oauth-error.ts";
import {
  PARAMETER_NAME_LENGTH_MAX,
  PARAMETER_VALUE_LENGTH_MAX,
  PARAMETERS_MAX,
  parseForm,
  parseQuery,
  refuseInQuery,
} from "./parameters.ts";

const form = (text: string) => parseForm(Buffer.from(text, "utf8"));

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof OAuthError);
    assert.equal(error.code, "invalid_request");
    return error.detail;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

test("any parameters that a form encodes are read back", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((value) => !value.includes("\0"));
  const pairs = fc.uniqueArray(fc.tuple(text, text), { maxLength: 10, selector: ([name]) => name });
  fc.assert(
    fc.property(pairs, (sent) => {
      const encoded = new URLSearchParams(sent.map(([name, value]) => [name, value])).toString();
      assert.deepEqual([...form(encoded).values], sent);
      assert.deepEqual([...parseQuery(`?${encoded}`).values], sent);
    }),
    { numRuns: 500 },
  );
});

test("any bytes give parameters or an invalid_request, never another error", () => {
  const hostile = fc
    .string({ unit: fc.constantFrom(..."%&=+aF0d8\u0000\u00e9"), maxLength: 60 })
    .map((text) => Buffer.from(text));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), hostile), (bytes) => {
      try {
        for (const [name, value] of parseForm(bytes).values) {
          assert.ok(name.isWellFormed() && value.isWellFormed());
          assert.ok(!name.includes("\0") && !value.includes("\0"));
          assert.notEqual(value, "");
        }
      } catch (error) {
        assert.ok(error instanceof OAuthError);
        assert.equal(error.code, "invalid_request");
      }
    }),
    { numRuns: 500 },
  );
});

test("plus and %20 are both a space, %2B is a plus", () => {
  assert.deepEqual(
    [...form("scope=a+b%20c%2Bd&state=x").values],
    [
      ["scope", "a b c+d"],
      ["state", "x"],
    ],
  );
});

test("a value may hold an equals sign", () => {
  assert.equal(form("token=abc==").values.get("token"), "abc==");
});

test("raw UTF-8 is read, and a byte order mark is part of the name", () => {
  assert.equal(form("login_hint=j\u00fcrgen").values.get("login_hint"), "j\u00fcrgen");
  assert.equal(form("\ufeffgrant_type=x").values.get("grant_type"), undefined);
});

test("an empty value is treated as absent, and known as sent (RFC 6749 section 3.1)", () => {
  const { values, empty } = form("expiration_time=&scope&state=1&&");
  assert.deepEqual([...values.keys()], ["state"]);
  assert.deepEqual([...empty], ["expiration_time", "scope"]);
});

test("a parameter sent twice is refused by name, even with one value, even empty (RFC 6749 section 3.2)", () => {
  for (const body of ["scope=a&scope=a", "scope=a&x=1&scope=b", "scope=&scope=a", "scope&scope", "sco%70e=a&scope=a"]) {
    assert.equal(
      refusal(() => form(body)),
      "scope was sent more than once",
    );
  }
});

test("parameters that may repeat are listed in order", () => {
  const options = { repeatable: ["audience", "resource"] };
  const { lists, values } = parseForm(Buffer.from("audience=b&x=1&audience=&audience=a"), options);
  assert.deepEqual(lists.get("audience"), ["b", "a"]);
  assert.deepEqual([...values], [["x", "1"]]);
  assert.match(
    refusal(() => parseForm(Buffer.from("x=1&x=1"), options)),
    /^x was sent/,
  );
});

test("duplicates are reported where asked, and have no value that anybody could use", () => {
  const read = parseQuery("client_id=a&state=1&state=2&scope=x", { duplicates: "report" });
  assert.deepEqual(read.duplicates, ["state"]);
  assert.equal(read.values.has("state"), false);
  assert.equal(read.values.get("client_id"), "a");
  assert.match(
    refusal(() => parseQuery("state=1&state=2")),
    /^state was sent more than once/,
  );
});

test("broken encodings are refused by the name of the field (rule 10)", () => {
  for (const value of ["%", "%4", "%zz", "%ff", "%c0%80", "%ed%a0%80", "%00", "a%00b", "%f4%90%80%80", "%e2%82"]) {
    assert.match(
      refusal(() => form(`scope=${value}`)),
      /^scope is not percent-encoded UTF-8/,
    );
    assert.match(
      refusal(() => form(`${value}=scope`)),
      /^the name of a parameter/,
    );
    assert.match(
      refusal(() => parseQuery(`scope=${value}`)),
      /^scope is not percent-encoded UTF-8/,
    );
  }
  assert.match(
    refusal(() => parseForm(Uint8Array.of(0x61, 0x3d, 0xff))),
    /not valid UTF-8/,
  );
  assert.match(
    refusal(() => parseForm(Uint8Array.of(0x61, 0x3d, 0x00))),
    /^a is not/,
  );
});

test("a query string that is not a URI is refused", () => {
  for (const query of ["a=\u00fc", "a=b c", "a=\u0000", "a=\ud800", "a=b\n"]) {
    assert.match(
      refusal(() => parseQuery(query)),
      /not a valid URI/,
    );
  }
});

test("a name that may be a misplaced secret is not repeated", () => {
  const secret = "s3cret-Value_0123456789012345678901234567890123";
  assert.doesNotMatch(
    refusal(() => form(`${secret}=1&${secret}=2`)),
    /s3cret/,
  );
});

test("too many, too long names and too long values are refused", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=1`).join("&");
  assert.equal(form(many(PARAMETERS_MAX)).values.size, PARAMETERS_MAX);
  assert.match(
    refusal(() => form(many(PARAMETERS_MAX + 1))),
    /more than 64 parameters/,
  );
  assert.equal(form(`${"n".repeat(PARAMETER_NAME_LENGTH_MAX)}=1`).values.size, 1);
  assert.match(
    refusal(() => form(`${"n".repeat(PARAMETER_NAME_LENGTH_MAX + 1)}=1`)),
    /name of a parameter has over/,
  );
  assert.equal(form(`v=${"v".repeat(PARAMETER_VALUE_LENGTH_MAX)}`).values.size, 1);
  assert.match(
    refusal(() => form(`v=${"v".repeat(PARAMETER_VALUE_LENGTH_MAX + 1)}`)),
    /^v has over/,
  );
});

test("expiration_time in the query string is refused, whatever its value and however often (rule 31)", () => {
  for (const query of [
    "expiration_time=60",
    "?expiration_time",
    "x=1&expiration_time=&y",
    "expiration_time=1&expiration_time=2",
    "%65xpiration_time=60",
  ]) {
    assert.match(
      refusal(() => refuseInQuery(query, "expiration_time")),
      /belongs in the request body/,
    );
  }
  refuseInQuery("", "expiration_time");
  refuseInQuery("principal_type=identity&principal_id=1&principal_id=2", "expiration_time");
});
