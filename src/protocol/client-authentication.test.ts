import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { basicCredentials, checkClientSecret, parseBasic } from "./client-authentication.ts";
import { OAuthError } from "./oauth-error.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const character = fc.constantFrom(...ALPHABET);
const anyClientId = fc
  .string({ unit: character, minLength: 3, maxLength: 64 })
  .filter((id) => !/^[0-9a-f]{16}$/i.test(id));
const anySecret = fc.string({ unit: character, minLength: 43, maxLength: 128 });
const SECRET = "q8Zt0vXoN3rJ5yL1wKcB7mH2dGfS9aPeU4iTxRnVbYk";
const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString("base64")}`;

function isInvalidClient(error: unknown): boolean {
  assert.ok(error instanceof OAuthError);
  assert.equal(error.code, "invalid_client");
  return true;
}

// Form-encoding as oauth4webapi does it: "-" and "_" are escaped, too.
const formEncode = (text: string) =>
  text.replaceAll(/[-_]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

test("raw and form-encoded Basic give the same credentials (rule 15)", () => {
  fc.assert(
    fc.property(anyClientId, fc.oneof(anySecret, fc.constant("")), (clientId, clientSecret) => {
      for (const encode of [(text: string) => text, formEncode]) {
        const read = parseBasic(basic(`${encode(clientId)}:${encode(clientSecret)}`));
        assert.ok(read);
        assert.deepEqual(basicCredentials(read), { clientId, clientSecret });
      }
    }),
    { numRuns: 500 },
  );
});

test("no header, or one of another scheme, is no Basic", () => {
  for (const header of [undefined, "", "Bearer abc", "Basics abc", "Digest x"])
    assert.equal(parseBasic(header), undefined);
});

test("the scheme's case and the spaces after it do not matter (RFC 7235 section 2.1)", () => {
  const value = Buffer.from(`app:${SECRET}`).toString("base64");
  for (const header of [`basic ${value}`, `BASIC   ${value}`]) assert.equal(parseBasic(header)?.raw.clientId, "app");
});

test("a malformed Basic header is invalid_client", () => {
  for (const header of [
    "Basic",
    "Basic ",
    "Basic !!!",
    "Basic a b",
    basic("no colon"),
    basic(Buffer.of(0x61, 0x3a, 0xff)),
    basic(""),
  ]) {
    assert.throws(() => parseBasic(header), isInvalidClient);
  }
});

test("both readings are told, and only the first colon separates", () => {
  const read = parseBasic(basic("a%2Db+c:x:%zz"));
  assert.deepEqual(read, { raw: { clientId: "a%2Db+c", clientSecret: "x:%zz" }, decoded: undefined });
  assert.deepEqual(parseBasic(basic("a%2Db:x+y"))?.decoded, { clientId: "a-b", clientSecret: "x y" });
});

test("a decoded value outside the alphabets is invalid_client (rule 15)", () => {
  for (const text of [
    "app:%zz",
    `ap:${SECRET}`,
    `a%00p:${SECRET}`,
    "app:short",
    `app:${SECRET}+`,
    `app:${SECRET}%20`,
    `\u00e4pp:${SECRET}`,
    ":",
  ]) {
    const read = parseBasic(basic(text));
    assert.ok(read);
    assert.throws(() => basicCredentials(read), isInvalidClient);
  }
});

test("any header gives credentials, nothing, or invalid_client", () => {
  const header = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.uint8Array().map((bytes) => basic(Buffer.from(bytes))),
    fc.string({ unit: fc.constantFrom(..."a:%+4\u00e9") }).map(basic),
  );
  fc.assert(
    fc.property(header, (value) => {
      try {
        const read = parseBasic(value);
        if (read !== undefined) basicCredentials(read);
      } catch (error) {
        isInvalidClient(error);
      }
    }),
    { numRuns: 500 },
  );
});

test("random secrets are accepted, in base64url and in hexadecimal", () => {
  for (let run = 0; run < 500; run += 1) {
    assert.equal(checkClientSecret(randomBytes(32).toString("base64url")), undefined);
    assert.equal(checkClientSecret(randomBytes(32).toString("hex")), undefined);
  }
});

test("a random secret with a word before it is accepted", () => {
  assert.equal(checkClientSecret(`client-secret-${SECRET}`), undefined);
});

test("a secret of the wrong length or alphabet is refused (rule 15)", () => {
  assert.equal(checkClientSecret(SECRET), undefined);
  for (const secret of [
    "",
    SECRET.slice(1),
    "x".repeat(129),
    `${SECRET.slice(1)}+`,
    `${SECRET}\n`,
    `${SECRET}\u00e9`,
  ]) {
    assert.match(checkClientSecret(secret) ?? "", /^must be 43 to 128/);
  }
});

test("repeated characters and well-known texts are refused by name, without repeating them", () => {
  const refused = [
    "a".repeat(43),
    "ab".repeat(30),
    "0123456789".repeat(5),
    "changeme".repeat(6),
    "q8Zt0vXoN3rJ5yL1wKcB7mH2".repeat(2),
    ALPHABET,
    [...ALPHABET].reverse().join(""),
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "your-client-secret-must-be-changeme-password",
    "deadbeefdeadbeefdeadbeefDEADBEEFDEADBEEF-12",
  ];
  for (const secret of refused) {
    const reason = checkClientSecret(secret);
    assert.ok(reason, secret);
    assert.equal(reason.includes(secret), false);
  }
});
