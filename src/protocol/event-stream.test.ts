import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEvent, formatPosition, formatRetry, parsePosition } from "./event-stream.ts";

test("an event is its name, its id and one line of data, and ends with an empty line", () => {
  const written = formatEvent({ event: "end", id: "00ff00ff00ff00ff-7", data: { text: "two\nlines" } });
  assert.equal(written, 'event: end\nid: 00ff00ff00ff00ff-7\ndata: {"text":"two\\nlines"}\n\n');
  assert.equal(formatRetry(500), "retry: 500\n\n");
});

test("a position is read as it was written, and nothing else is one", () => {
  for (const number of [0, 1, 999_999_999_999_999]) {
    const position = { feed: "00ff00ff00ff00ff", number };
    assert.deepEqual(parsePosition(formatPosition(position)), position);
  }
  for (const text of ["", "7", "00ff00ff00ff00ff-", "00ff00ff00ff00ff-07", "00ff00ff00ff00ff--1", "00FF00ff00ff00ff-1"])
    assert.equal(parsePosition(text), undefined, text);
  assert.equal(parsePosition("00ff00ff00ff00ff-1234567890123456"), undefined);
});
