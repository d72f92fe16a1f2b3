import assert from "node:assert/strict";
import { test } from "node:test";
import { timeAgo } from "./time-ago.ts";

test("how long ago something was is said in the largest unit that has passed", () => {
  const said = [-5, 0, 59, 60, 3_599, 7_200, 86_400, 259_200, 5_184_000, 63_072_000].map((seconds) =>
    timeAgo(seconds, "en"),
  );
  assert.deepEqual(said, [
    ...["now", "now", "now", "1 minute ago", "59 minutes ago", "2 hours ago"],
    ...["1 day ago", "3 days ago", "2 months ago", "2 years ago"],
  ]);
});

test("and in the person's language", () => {
  assert.equal(timeAgo(7_200, "de"), "vor 2 Stunden");
  assert.equal(timeAgo(7_200, "es"), "hace 2 horas");
});
