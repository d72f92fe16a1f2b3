import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createEndedTokens, type EndedTokens } from "./ended-tokens.ts";

const nameOf = (tokenId: string): string => createHash("sha256").update(tokenId).digest("base64url");

/** A feed's side of a connection: each event names the one before. */
function feedTo(list: EndedTokens, previous = "f-0") {
  let before = previous;
  return (event: string, id: string, data: object = {}) => {
    const taken = list.take({ event, id, data: JSON.stringify({ previous: before, ...data }) });
    before = id;
    return taken;
  };
}

const end = (tokenId: string, exp?: number) => ({
  jti_sha256: nameOf(tokenId),
  at: 1,
  ...(exp === undefined ? {} : { exp }),
});

test("what the feed told is known at once, and the smallest end counts", () => {
  let complete = 0;
  const list = createEndedTokens(() => {
    complete += 1;
  });
  const send = feedTo(list);
  send("hello", "f-0", { resumed: false });
  send("end", "f-1", end("a"));
  assert.deepEqual([list.endOf("a"), list.endOf("b"), complete], [0, undefined, 0]);
  send("heartbeat", "f-1");
  send("end", "f-2", end("b", 500));
  send("end", "f-3", end("b", 900));
  assert.equal(list.endOf("b"), 500);
  send("end", "f-4", end("b"));
  assert.deepEqual([list.endOf("b"), list.position(), complete], [0, "f-4", 1]);
});

test("an event that is missing is a gap, whichever comes next; after a resumption too", () => {
  for (const next of ["end", "heartbeat", "hello"]) {
    const list = createEndedTokens(() => undefined);
    const send = feedTo(list);
    send("hello", "f-0", { resumed: false });
    send("heartbeat", "f-0");
    const resumed = feedTo(list, "f-1");
    assert.equal(resumed(next, "f-2", { ...end("a"), resumed: true }), "gap", next);
  }
});

test("read from the beginning, the old list counts until the new one is whole", () => {
  const list = createEndedTokens(() => undefined);
  const send = feedTo(list);
  send("hello", "f-0", { resumed: false });
  send("end", "f-1", end("old"));
  send("heartbeat", "f-1");
  list.restart();
  assert.equal(list.position(), undefined);
  const again = feedTo(list);
  again("hello", "f-0", { resumed: false });
  again("end", "f-2", end("new"));
  assert.deepEqual([list.endOf("old"), list.endOf("new")], [0, 0]);
  again("heartbeat", "f-2");
  assert.deepEqual([list.endOf("old"), list.endOf("new")], [undefined, 0]);
});

test("a list that has grown to twice its size is read anew", () => {
  const list = createEndedTokens(() => undefined);
  const send = feedTo(list);
  send("hello", "f-0", { resumed: false });
  for (let number = 1; number <= 10_001; number += 1) send("end", `f-${number}`, end(String(number)));
  assert.equal(send("heartbeat", "f-10001"), "taken");
  for (let number = 10_002; number <= 20_003; number += 1) send("end", `f-${number}`, end(String(number)));
  assert.equal(send("heartbeat", "f-20003"), "overgrown");
});
