import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilter } from "../../protocol/scim-filter.ts";
import { timeBounds } from "./time-bounds.ts";

const [EARLY, LATE] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00.5Z"];
const none = { afterMs: Number.NEGATIVE_INFINITY, beforeMs: Number.POSITIVE_INFINITY };

test("what must hold of the time of every event bounds the list, a little wider than it was asked for", () => {
  const { afterMs, beforeMs } = timeBounds(
    parseFilter(`type eq "TokenRequest" and TIME ge "${EARLY}" and time le "${LATE}"`),
  );
  assert.ok(afterMs < Date.parse(EARLY) && afterMs > Date.parse(EARLY) - 10);
  assert.ok(beforeMs > Date.parse(LATE) && beforeMs < Date.parse(LATE) + 10);
  const exact = timeBounds(parseFilter(`time eq "${EARLY}"`));
  assert.ok(exact.afterMs < Date.parse(EARLY) && exact.beforeMs > Date.parse(EARLY));
});

test("what need not hold of every event bounds nothing", () => {
  assert.deepEqual(timeBounds(undefined), none);
  const filters = [
    `time ge "${EARLY}" or type pr`,
    `not (time ge "${EARLY}")`,
    `time ne "${EARLY}"`,
    'time ge "soon"',
    "time pr",
    `actor[time ge "${EARLY}"]`,
  ];
  for (const filter of filters) assert.deepEqual(timeBounds(parseFilter(filter)), none, filter);
});
