import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Received, readEvents } from "./read-events.ts";

const TEXT =
  'retry: 250\n\nevent: end\nid: f-1\ndata: {"a":"ü"}\n\n: a comment\ndata: one\ndata:two\n\nevent: lost\nid: f-2\n\ndata: cut';
const READ: Received[] = [
  { retryMs: 250 },
  { event: "end", id: "f-1", data: '{"a":"ü"}' },
  { event: "message", id: undefined, data: "one\ntwo" },
];

async function read(chunks: readonly Uint8Array[]): Promise<Received[]> {
  async function* bytes() {
    yield* chunks;
  }
  const all: Received[] = [];
  for await (const one of readEvents(bytes())) all.push(one);
  return all;
}

test("events are read the same wherever the bytes are cut, and one without an end or data is none", async () => {
  const bytes = Buffer.from(TEXT);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
      const chunks = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
      assert.deepEqual(await read(chunks), READ);
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(await read([Buffer.from(TEXT.replaceAll("\n", "\r\n"))]), READ);
});

test("a line without an end is no stream of events", async () => {
  await assert.rejects(read([Buffer.alloc(65_537, "x")]), RangeError);
});
