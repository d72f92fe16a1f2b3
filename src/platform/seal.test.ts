import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "./random.ts";
import { createSealer } from "./seal.ts";

const random = createRandom();
const [oldKey, newKey] = [random.bytes(32), random.bytes(32)];
const sealer = createSealer([newKey], random);
const PLACE = ["tenant", "realm", "key"];

test("what is sealed opens at its place and nowhere else, whatever it holds", () => {
  const place = fc.array(fc.string(), { maxLength: 4 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), place, place, (plain, here, there) => {
      const sealed = sealer.seal(plain, here);
      assert.deepEqual(new Uint8Array(sealer.open(sealed, here)), plain);
      if (JSON.stringify(here) !== JSON.stringify(there)) assert.throws(() => sealer.open(sealed, there));
    }),
  );
});

test("places whose parts only read the same when joined are different places", () => {
  const sealed = sealer.seal(Buffer.from("secret"), ["a", "bc"]);
  for (const other of [["ab", "c"], ["abc"], ["a", "b", "c"], ["a", "bc", ""]]) {
    assert.throws(() => sealer.open(sealed, other));
  }
});

test("a changed byte anywhere, or a missing one, opens nothing", () => {
  const sealed = sealer.seal(Buffer.from("secret"), PLACE);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => sealer.open(changed, PLACE), `byte ${at}`);
    assert.throws(() => sealer.open(sealed.subarray(0, at), PLACE), `${at} bytes`);
  }
});

test("the same sealed twice looks different, and shows nothing of what it holds", () => {
  const plain = Buffer.from("a secret that is long enough to be found");
  const sealed = [sealer.seal(plain, PLACE), sealer.seal(plain, PLACE)];
  assert.notDeepEqual(sealed[0], sealed[1]);
  for (const one of sealed) assert.equal(one.includes(plain.subarray(0, 8)), false);
});

test("while one master key replaces the other both open, and the first seals", () => {
  const before = createSealer([oldKey], random);
  const between = createSealer([newKey, oldKey], random);
  const kept = before.seal(Buffer.from("kept"), PLACE);
  assert.equal(between.open(kept, PLACE).toString(), "kept");
  const made = between.seal(Buffer.from("made"), PLACE);
  assert.equal(sealer.open(made, PLACE).toString(), "made");
  assert.throws(() => before.open(made, PLACE), /a master key that is not configured/);
  assert.throws(() => sealer.open(kept, PLACE), /a master key that is not configured/);
});

test("without a master key there is no sealer", () => {
  assert.throws(() => createSealer([], random), /at least one master key/);
});
