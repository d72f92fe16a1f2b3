import assert from "node:assert/strict";
import { test } from "node:test";
import { createSimulatedTimers } from "../../test/support/simulated-timers.ts";
import { ServerBusy } from "./errors.ts";
import { createPlaces, PLACES_OF_TENANT } from "./places.ts";
import { LINE_MAX, LINE_MS_MAX } from "./waiting-line.ts";

function open() {
  const { timers, pass } = createSimulatedTimers();
  const places = createPlaces(timers);
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (tenantId: string) =>
    places.hold(tenantId, async () => {
      begun.push(tenantId);
      await gate.promise;
    });
  return { pass, begun, work, end: gate.resolve };
}

test("a tenant has so many places, and who waits for one takes none from another tenant", async () => {
  const { begun, work, end } = open();
  const all = Array.from({ length: PLACES_OF_TENANT + 3 }, () => work("one"));
  const other = work("other");
  assert.deepEqual(begun, [...Array.from({ length: PLACES_OF_TENANT }, () => "one"), "other"]);
  end();
  await Promise.all([...all, other]);
  assert.equal(begun.length, PLACES_OF_TENANT + 4);
});

test("who waits too long, or finds the line full, is told that the server is busy; the places are free again after", async () => {
  const { pass, begun, work, end } = open();
  const held = Array.from({ length: PLACES_OF_TENANT }, () => work("one"));
  const waiting = Array.from({ length: LINE_MAX }, () => work("one"));
  const outcomes = Promise.allSettled(waiting);
  await assert.rejects(work("one"), ServerBusy);
  await pass(LINE_MS_MAX * 2);
  for (const outcome of await outcomes)
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof ServerBusy);
  end();
  await Promise.all(held);
  await work("one");
  assert.equal(begun.length, PLACES_OF_TENANT + 1);
});
