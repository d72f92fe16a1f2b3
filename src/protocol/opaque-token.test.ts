import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatLinkToken,
  formatOpaqueToken,
  formatRefreshToken,
  isLinkToken,
  parseOpaqueToken,
  parseRefreshToken,
  tokenSuffix,
  verifyRefreshMac,
} from "./opaque-token.ts";
import { encodeId, type IdParts } from "./token-id.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyId: fc.Arbitrary<IdParts> = fc.record({
  traceId: bytes(16),
  kind: fc.nat({ max: 255 }),
  bucket: fc.integer(),
  random: bytes(3),
});
const anyKind = fc.constantFrom("access", "code");
const anyGeneration = fc.integer({ min: 0, max: 0xffff_ffff });
const KEY = new Uint8Array(32).fill(7);
const OTHER_KEY = new Uint8Array(32).fill(8);
const ID: IdParts = { traceId: new Uint8Array(16), kind: 1, bucket: 5_000_000, random: new Uint8Array(3) };
const SECRET = new Uint8Array(32);

test("an opaque token is read as it was written", () => {
  fc.assert(
    fc.property(anyKind, anyId, bytes(32), (kind, id, secret) => {
      const token = formatOpaqueToken(kind, id, secret);
      assert.match(token, /^mayfly_(at|ac)_[A-Za-z0-9_-]{81}$/);
      const read = parseOpaqueToken(token);
      assert.equal(read?.kind, kind);
      assert.equal(read?.id, encodeId(id));
      assert.equal(read?.idParts.bucket, id.bucket);
      assert.equal(parseRefreshToken(token), undefined);
    }),
    { numRuns: 500 },
  );
});

test("a refresh token is read as it was written, and its keyed checksum holds under its key only", () => {
  fc.assert(
    fc.property(anyId, anyGeneration, bytes(32), (id, generation, secret) => {
      const token = formatRefreshToken({ id, generation, secret }, KEY);
      const read = parseRefreshToken(token);
      assert.ok(read);
      assert.equal(read.id, encodeId(id));
      assert.equal(read.generation, generation);
      assert.equal(verifyRefreshMac(read, [KEY]), true);
      assert.equal(verifyRefreshMac(read, [OTHER_KEY, KEY]), true);
      assert.equal(verifyRefreshMac(read, [OTHER_KEY]), false);
      assert.equal(verifyRefreshMac(read, []), false);
      assert.equal(parseOpaqueToken(token), undefined);
    }),
    { numRuns: 300 },
  );
});

test("one wrong character anywhere makes a token unreadable", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\u0000\u00e9";
  const tokens = fc.constantFrom(
    formatOpaqueToken("access", ID, SECRET),
    formatOpaqueToken("code", ID, SECRET),
    formatRefreshToken({ id: ID, generation: 3, secret: SECRET }, KEY),
  );
  fc.assert(
    fc.property(tokens, fc.nat(), fc.constantFrom(...alphabet), (token, pick, wrong) => {
      const at = pick % token.length;
      fc.pre(token.charAt(at) !== wrong);
      const changed = token.slice(0, at) + wrong + token.slice(at + 1);
      assert.equal(parseOpaqueToken(changed), undefined);
      assert.equal(parseRefreshToken(changed), undefined);
    }),
    { numRuns: 500 },
  );
});

test("no text from outside breaks the readers", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      assert.equal(parseOpaqueToken(text), undefined);
      assert.equal(parseRefreshToken(text), undefined);
    }),
    { numRuns: 300 },
  );
});

test("a second spelling of the same bytes is refused, though its checksum is right", async () => {
  // 56 bytes end in a base64url character with four unused bits: "A" and "B" decode alike.
  const { crc32 } = await import("node:zlib");
  const good = formatOpaqueToken("access", ID, SECRET);
  const body = good.slice(0, -6);
  assert.ok(body.endsWith("A"));
  const twin = `${body.slice(0, -1)}B`;
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let rest = crc32(twin);
  let suffix = "";
  for (let place = 0; place < 6; place += 1) {
    suffix = digits.charAt(rest % 62) + suffix;
    rest = Math.floor(rest / 62);
  }
  assert.equal(parseOpaqueToken(twin + suffix), undefined);
});

test("a token cut, padded or with another prefix is refused", () => {
  const token = formatOpaqueToken("access", ID, SECRET);
  for (const text of [
    token.slice(0, -1),
    `${token}A`,
    `${token}\n`,
    ` ${token}`,
    token.replace("_at_", "_ac_"),
    token.toUpperCase(),
  ]) {
    assert.equal(parseOpaqueToken(text), undefined);
  }
});

test("parts of the wrong size are refused when writing", () => {
  assert.throws(() => formatOpaqueToken("access", ID, new Uint8Array(31)), RangeError);
  assert.throws(() => formatRefreshToken({ id: ID, generation: -1, secret: SECRET }, KEY), RangeError);
  assert.throws(() => formatRefreshToken({ id: ID, generation: 2 ** 32, secret: SECRET }, KEY), RangeError);
  assert.throws(() => formatRefreshToken({ id: ID, generation: 1, secret: new Uint8Array(33) }, KEY), RangeError);
});

test("the suffix that lists show is eleven characters, so 192 bits stay unknown (rule 40)", () => {
  const token = formatOpaqueToken("access", ID, SECRET);
  assert.equal(tokenSuffix(token).length, 11);
  assert.ok(token.endsWith(tokenSuffix(token)));
  // At worst six bits for each of the five characters of the body, and the 32 of the checksum.
  assert.ok(256 - 5 * 6 - 32 >= 192);
});

test("a link's token is known by its grammar, checksum and one spelling, and is no other token", () => {
  fc.assert(
    fc.property(bytes(32), fc.nat({ max: 58 }), fc.constantFrom("A", "z", "0", "_"), (secret, at, other) => {
      const token = formatLinkToken(secret);
      assert.match(token, /^mayfly_bl_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/);
      assert.equal(isLinkToken(token), true);
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      assert.equal(isLinkToken(changed), changed === token);
      assert.equal(parseOpaqueToken(token), undefined);
      assert.equal(parseRefreshToken(token), undefined);
    }),
    { numRuns: 300 },
  );
  assert.equal(isLinkToken(formatOpaqueToken("code", ID, SECRET)), false);
  assert.throws(() => formatLinkToken(new Uint8Array(24)), RangeError);
});
