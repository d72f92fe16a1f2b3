import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { placeOf, STATUS_LIST_SIZE, statusListClaims } from "./status-list.ts";

test("each place of a list is handed out once, in an order that the key decides", () => {
  const orders = ["one", "another"].map((key) => {
    const places = new Set<number>();
    for (let n = 0; n < STATUS_LIST_SIZE; n += 23) places.add(placeOf(Buffer.from(key), n));
    assert.equal(places.size, Math.ceil(STATUS_LIST_SIZE / 23));
    for (const place of places) assert.ok(place >= 0 && place < STATUS_LIST_SIZE);
    return [...places].slice(0, 8);
  });
  assert.notDeepEqual(orders[0], orders[1]);
});

test("bits are written as the draft has them: the first place is the lowest bit of the first byte", () => {
  // Draft §4.1: [1, 0, 0, 1, 1, 1, 0, 1 | 1, 1, 0, 0, 0, 1, 0, 1] is 0xb9 0xa3.
  const claims = statusListClaims("https://id.example/1", [0, 3, 4, 5, 7, 8, 9, 13, 15], 1_000);
  const { bits, lst } = JSON.parse(JSON.stringify(claims.status_list));
  const bytes = inflateSync(Buffer.from(lst, "base64url"));
  assert.deepEqual([bits, bytes.length, bytes.subarray(0, 3).toString("hex")], [1, STATUS_LIST_SIZE / 8, "b9a300"]);
  assert.deepEqual(
    { ...claims, status_list: "" },
    { sub: "https://id.example/1", iat: 1_000, exp: 1_060, ttl: 30, status_list: "" },
  );
});
