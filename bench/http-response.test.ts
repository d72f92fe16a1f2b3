import assert from "node:assert/strict";
import { test } from "node:test";
import { findResponseEnd } from "./http-response.ts";

const find = (text: string) => findResponseEnd(Buffer.from(text, "latin1"));

test("a response with a content length ends where its body does, and not before", () => {
  const response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (let length = 0; length < response.length; length += 1) assert.equal(find(response.slice(0, length)), undefined);
  assert.deepEqual(find(response), { status: 200, end: response.length });
});

test("a chunked response ends with its last chunk", () => {
  const response = "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  assert.equal(find(response.slice(0, -2)), undefined);
  assert.deepEqual(find(response), { status: 400, end: response.length });
});
