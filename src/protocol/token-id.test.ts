import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeId, encodeId, ID_BYTES, ID_KINDS, type IdParts, lowestIdOf } from "./token-id.ts";

const anyId: fc.Arbitrary<IdParts> = fc.record({
  traceId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  kind: fc.nat({ max: 255 }),
  bucket: fc.integer(),
  random: fc.uint8Array({ minLength: 3, maxLength: 3 }),
});

test("an id is read as it was written", () => {
  fc.assert(
    fc.property(anyId, (parts) => {
      const id = encodeId(parts);
      assert.match(id, /^[A-Za-z0-9_-]{32}$/);
      const read = decodeId(id);
      assert.ok(read);
      assert.deepEqual([...read.traceId], [...parts.traceId]);
      assert.deepEqual([...read.random], [...parts.random]);
      assert.equal(read.kind, parts.kind);
      assert.equal(read.bucket, parts.bucket);
    }),
    { numRuns: 500 },
  );
});

test("every 32 base64url characters are the one spelling of some id", () => {
  const character = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
  fc.assert(
    fc.property(fc.string({ unit: character, minLength: 32, maxLength: 32 }), (text) => {
      const parts = decodeId(text);
      assert.ok(parts);
      assert.equal(encodeId(parts), text);
    }),
    { numRuns: 500 },
  );
});

test("what is not 32 base64url characters is no id", () => {
  const id = encodeId({ traceId: new Uint8Array(16), kind: 1, bucket: 7, random: new Uint8Array(3) });
  for (const text of [
    "",
    id.slice(1),
    `${id}A`,
    `${id}\n`,
    id.replace("A", "+"),
    id.replace("A", "="),
    ` ${id.slice(1)}`,
  ]) {
    assert.equal(decodeId(text), undefined);
  }
});

test("the ids of one trace share their beginning, for the decision's range of the primary key", () => {
  const traceId = new Uint8Array(16).fill(9);
  const ids = [ID_KINDS.access, ID_KINDS.grant].map((kind) =>
    encodeId({ traceId, kind, bucket: kind, random: new Uint8Array(3).fill(kind) }),
  );
  assert.equal(ids[0]?.slice(0, 21), ids[1]?.slice(0, 21));
});

test("parts out of range are refused", () => {
  const good: IdParts = { traceId: new Uint8Array(16), kind: 1, bucket: 0, random: new Uint8Array(3) };
  const bad: readonly Partial<IdParts>[] = [
    { traceId: new Uint8Array(15) },
    { random: new Uint8Array(4) },
    { kind: 256 },
    { kind: -1 },
    { kind: 0.5 },
    { bucket: 2 ** 31 },
  ];
  for (const part of bad) assert.throws(() => encodeId({ ...good, ...part }), RangeError);
});

test("the lowest id of an instant is above those of requests before it, and above none of those since", () => {
  const bytesAt = (ms: number, fill: number) => {
    const traceId = Buffer.alloc(16, fill);
    traceId.writeUIntBE(ms, 0, 6);
    const id = encodeId({ traceId, kind: ID_KINDS.access, bucket: 0, random: new Uint8Array(3).fill(fill) });
    return Buffer.from(id, "base64url");
  };
  const ms = 1_800_000_000_000;
  assert.equal(Buffer.compare(lowestIdOf(ms), bytesAt(ms - 1, 0xff)), 1);
  assert.equal(Buffer.compare(lowestIdOf(ms), bytesAt(ms, 0)), -1);
  assert.deepEqual(lowestIdOf(-1), Buffer.alloc(ID_BYTES));
});
