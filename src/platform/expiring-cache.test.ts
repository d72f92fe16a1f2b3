import assert from "node:assert/strict";
import { test } from "node:test";
import { createExpiringCache } from "./expiring-cache.ts";

/** A cache of two entries, each good for a second, with a time and a source that the test moves. */
function fixture() {
  const world = { now: 0, reads: [] as string[], value: "first" as string | undefined };
  const cache = createExpiringCache<string>({ entriesMax: 2, goodForMs: 1_000 }, () => world.now);
  const get = (name: string): Promise<string | undefined> =>
    cache.get(name, async () => {
      world.reads.push(name);
      return world.value;
    });
  return { world, cache, get };
}

test("a value is read once and good for its time, to the last millisecond", async () => {
  const { world, get } = fixture();
  assert.equal(await get("a"), "first");
  world.value = "second";
  world.now = 1_000;
  assert.equal(await get("a"), "first");
  world.now = 1_001;
  assert.equal(await get("a"), "second");
  assert.deepEqual(world.reads, ["a", "a"]);
});

test("its time begins when it was asked for, not when the answer came", async () => {
  const { world, cache, get } = fixture();
  const slow = await cache.get("a", async () => {
    world.now = 900;
    return "slow";
  });
  assert.equal(slow, "slow");
  world.now = 1_001;
  assert.equal(await get("a"), "first");
});

test("that something is not there is not remembered, and ends what was", async () => {
  const { world, get } = fixture();
  assert.equal(await get("a"), "first");
  world.now = 1_001;
  world.value = undefined;
  assert.equal(await get("a"), undefined);
  world.value = "again";
  assert.equal(await get("a"), "again");
});

test("a read that fails fails its caller and is tried anew by the next", async () => {
  const { cache, get } = fixture();
  await assert.rejects(
    cache.get("a", () => Promise.reject(new Error("no answer"))),
    /no answer/,
  );
  assert.equal(await get("a"), "first");
});

test("what is forgotten is read anew", async () => {
  const { world, cache, get } = fixture();
  await get("a");
  world.value = "second";
  cache.forget("a");
  cache.forget("never there");
  assert.equal(await get("a"), "second");
});

test("what is read while it is forgotten is not kept", async () => {
  const { world, cache, get } = fixture();
  const { promise: answered, resolve } = Promise.withResolvers<string>();
  const slow = cache.get("a", () => answered);
  cache.forget("a");
  resolve("from before");
  assert.equal(await slow, "from before");
  world.value = "second";
  assert.equal(await get("a"), "second");
});

test("a beginning forgets all that begin so", async () => {
  const { world, cache, get } = fixture();
  await get("t1/a");
  await get("t2/a");
  world.value = "second";
  cache.forget("t1/");
  assert.deepEqual([await get("t1/a"), await get("t2/a")], ["second", "first"]);
  cache.forget("");
  assert.equal(await get("t2/a"), "second");
});

test("the oldest goes when there are too many, and a renewed one is young", async () => {
  const { world, get } = fixture();
  await get("a");
  await get("b");
  world.now = 1_001;
  await get("a"); // renewed: now b is the oldest
  await get("c");
  world.reads.length = 0;
  await get("a");
  await get("c");
  assert.deepEqual(world.reads, []);
  await get("b");
  assert.deepEqual(world.reads, ["b"]);
});
