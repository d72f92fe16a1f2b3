import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkClientId, isSubject, subjectKey } from "./subject.ts";

test("the key of a key is itself, for any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom(..."Aa\u0130I\u0307\u03a3\u03c2\u03c3\u212a\u00c5A\u030a\u1e9e\u00df") }),
  );
  fc.assert(
    fc.property(text, (value) => {
      const key = subjectKey(value);
      assert.equal(subjectKey(key), key);
      assert.equal(key.normalize("NFC"), key);
      assert.equal(key.toLowerCase(), key);
    }),
    { numRuns: 500 },
  );
});

test("spellings that differ in case or composition are one name (rule 2)", () => {
  assert.equal(subjectKey("J\u00dcRGEN@Example.COM"), "j\u00fcrgen@example.com");
  assert.equal(subjectKey("Ju\u0308rgen"), subjectKey("J\u00fcrgen"));
  assert.equal(subjectKey("\u212bngstr\u00f6m"), subjectKey("\u00e5ngstr\u00f6m"));
  assert.equal(subjectKey("\u212a"), "k");
});

test("names that differ otherwise stay different", () => {
  assert.notEqual(subjectKey("anna"), subjectKey("anna "));
  assert.notEqual(subjectKey("anna"), subjectKey("\u0430nna"));
});

test("a client_id has 3 to 64 letters, digits, hyphens and underscores", () => {
  for (const id of ["abc", "my-app_1", "A".repeat(64), "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg"]) {
    assert.equal(checkClientId(id), undefined);
  }
  for (const id of ["", "ab", "a".repeat(65), "a b c", "a.b.c", "abc\n", "\u00e4bc", "a:bc", "a%41b"]) {
    assert.match(checkClientId(id) ?? "", /^must be 3 to 64/);
  }
});

test("a client_id that looks like an identity's id is refused (rule 2)", () => {
  for (const id of ["0123456789abcdef", "0123456789ABCDEF", "0000000000000000"]) {
    assert.match(checkClientId(id) ?? "", /16 hexadecimal digits/);
  }
});

test("a sub has 1 to 255 ASCII characters (OIDC Core §2)", () => {
  for (const name of ["a", "Ada Lovelace", "ada@example.com", "x".repeat(255)]) assert.ok(isSubject(name), name);
  for (const name of ["", "zoë", "a\tb", "a\u007f", "x".repeat(256)]) assert.ok(!isSubject(name), name);
});
