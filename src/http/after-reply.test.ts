import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../platform/log.ts";
import { createAfterReply } from "./after-reply.ts";

const log = createLog("silent");

test("work begins after this turn and settled waits for all of it", async () => {
  const afterReply = createAfterReply(log);
  const done: number[] = [];
  for (let index = 0; index < 30; index += 1) {
    afterReply.start(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push(index);
    });
  }
  assert.deepEqual(done, []);
  await afterReply.settled();
  assert.equal(done.length, 30);
});

test("work that throws ends nothing else", async () => {
  const afterReply = createAfterReply(log);
  let done = false;
  afterReply.start(async () => Promise.reject(new Error("the mail server is down")));
  afterReply.start(async () => {
    done = true;
  });
  await afterReply.settled();
  assert.equal(done, true);
});

test("when too much waits, more is not taken and nothing is lost", async () => {
  const afterReply = createAfterReply(log);
  let done = 0;
  const taken = Array.from({ length: 1_001 }, () =>
    afterReply.start(async () => {
      done += 1;
    }),
  );
  assert.equal(taken.filter((one) => one).length, 1_000);
  await afterReply.settled();
  assert.equal(done, 1_000);
});

test("settled resolves at once when there is nothing", async () => {
  await createAfterReply(log).settled();
});

test("attempts keep no other work waiting, and settled waits for those that work hands over", async () => {
  const afterReply = createAfterReply(log);
  const held = Promise.withResolvers<void>();
  const done: string[] = [];
  for (let count = 0; count < 10; count += 1) afterReply.attempt(() => held.promise);
  afterReply.start(async () => {
    afterReply.attempt(async () => void done.push("attempt"));
    done.push("work");
    held.resolve();
  });
  await afterReply.settled();
  assert.deepEqual(done, ["work", "attempt"]);
});

test("whoever closes waits for what has begun, and for no attempt that has not", async () => {
  const afterReply = createAfterReply(log);
  const held = Promise.withResolvers<void>();
  let attempted = 0;
  for (let count = 0; count < 10; count += 1)
    afterReply.attempt(async () => {
      attempted += 1;
      await held.promise;
    });
  await new Promise((resolve) => setImmediate(resolve));
  const closed = afterReply.close();
  afterReply.attempt(async () => {
    attempted += 100;
  });
  held.resolve();
  await closed;
  assert.equal(attempted, 4);
});
