import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Costs, quantile, simulateServer } from "../../test/support/simulated-server.ts";
import { createSimulatedTimers } from "../../test/support/simulated-timers.ts";
import { CALM_MS, createAdmission, UNDER_WAY_MAX, UNDER_WAY_MIN, UNDER_WAY_START } from "./admission.ts";
import { LINE_CHECK_MS, LINE_MAX, LINE_MS_MAX } from "./waiting-line.ts";

/** What a token request costs on the machine of decision 0012, one signed in the thread pool's time, and one far from its database. */
const OPAQUE: Costs = { loopMs: [0.05, 0.035], databaseMs: 2.5, refuseMs: 0.011 };
const SIGNED: Costs = { loopMs: [0.06, 0.34], databaseMs: 3, refuseMs: 0.011 };
const FAR: Costs = { loopMs: [0.05, 0.035], databaseMs: 40, refuseMs: 0.011 };

function capacityPerMs({ loopMs: [before, after] }: Costs): number {
  return 1 / (before + after);
}

for (const [name, costs] of Object.entries({ OPAQUE, SIGNED, FAR })) {
  test(`five times what a server can answer leaves those it answers quick, and it is calm a second later (${name})`, () => {
    const perMs = capacityPerMs(costs);
    const [calm, onset, over, after] = simulateServer(costs, [
      { ms: 3_000, perMs: perMs * 0.1 },
      { ms: 500, perMs: perMs * 5 },
      { ms: 10_000, perMs: perMs * 5 },
      { ms: 3_000, perMs: perMs * 0.5 },
    ]);
    assert.ok(calm && onset && over && after);
    const aloneMs = quantile(calm.servedMs, 0.5);
    // Until an overload is known for one, a burst is served, and the places are those that most servers need.
    assert.ok(quantile(onset.servedMs, 0.99) < 100 + aloneMs, `at first ${quantile(onset.servedMs, 0.99)}`);
    assert.ok(quantile(over.servedMs, 0.99) < 5 * aloneMs, `p99 ${quantile(over.servedMs, 0.99)} for ${aloneMs}`);
    // Of the loop's time, refusing takes some; the rest must not be wasted.
    const rest = 1 - 5 * perMs * costs.refuseMs;
    assert.ok(over.servedMs.length > 0.75 * rest * perMs * 10_000, `only ${over.servedMs.length} were served`);
    assert.ok(quantile(over.refusedMs, 0.99) < 10 * aloneMs);
    assert.ok(after.lastRefusedMs <= CALM_MS, `refused after ${after.lastRefusedMs} ms`);
    assert.ok(quantile(after.servedMs, 0.9) < 1.5 * aloneMs);
  });
}

test("a little too much is refused a little, and the rest is quick", () => {
  const perMs = capacityPerMs(OPAQUE);
  const [told] = simulateServer(OPAQUE, [{ ms: 10_000, perMs: perMs * 1.2 }]);
  assert.ok(told);
  const share = told.refusedMs.length / (told.servedMs.length + told.refusedMs.length);
  assert.ok(share > 0.1 && share < 0.35, `${share} were refused`);
  assert.ok(quantile(told.servedMs, 0.99) < 20);
});

test("what a server can answer is never refused, and neither is a burst", () => {
  const perMs = capacityPerMs(OPAQUE);
  const phases = [0.1, 0.5, 0.9].map((part) => ({ ms: 3_000, perMs: perMs * part }));
  const bursts = [100, 500, LINE_MAX].map((burst) => ({ ms: 2_000, burst }));
  for (const told of simulateServer(OPAQUE, [...phases, ...bursts])) assert.equal(told.refusedMs.length, 0);
});

test("clients that wait for each other are served in turn, not refused", () => {
  const admission = createAdmission(createSimulatedTimers().timers);
  const order: number[] = [];
  for (let client = 0; client < 2 * UNDER_WAY_START; client += 1) {
    if (admission.tryBegin()) continue;
    const visitor = { begin: () => void order.push(client), refuse: () => assert.fail(), isGone: () => false };
    assert.ok(admission.tryWait(visitor));
  }
  for (let count = 0; count < UNDER_WAY_START; count += 1) admission.end(0);
  assert.deepEqual(
    order,
    Array.from({ length: UNDER_WAY_START }, (_, index) => UNDER_WAY_START + index),
  );
});

test("a database that is far is found out: after a second nothing is refused that can be answered", () => {
  const perMs = capacityPerMs(FAR) * 0.6;
  const [, later] = simulateServer(FAR, [
    { ms: 2_000, perMs },
    { ms: 5_000, perMs },
  ]);
  assert.equal(later?.refusedMs.length, 0);
});

test("whatever requests cost, an overload of any size ends, and its server is not idle meanwhile", () => {
  const made = fc.record({
    before: fc.double({ min: 0.02, max: 1, noNaN: true }),
    after: fc.double({ min: 0.01, max: 1, noNaN: true }),
    databaseMs: fc.double({ min: 0.2, max: 60, noNaN: true }),
    factor: fc.double({ min: 1.5, max: 8, noNaN: true }),
    seed: fc.integer({ min: 1, max: 1_000 }),
  });
  const property = fc.property(made, ({ before, after, databaseMs, factor, seed }) => {
    const costs: Costs = { loopMs: [before, after], databaseMs, refuseMs: 0.01 };
    const perMs = capacityPerMs(costs);
    // More than the loop could even refuse is nobody's to answer.
    const arriving = Math.min(perMs * factor, 20);
    const phases = [
      { ms: 3_000, perMs: arriving },
      { ms: 3_000, perMs: perMs * 0.4 },
    ];
    const [over, calm] = simulateServer(costs, phases, seed);
    assert.ok(over && calm);
    const possible = perMs * Math.max(0, 1 - arriving * costs.refuseMs) * 3_000;
    assert.ok(over.servedMs.length > 0.3 * possible, `${over.servedMs.length} of ${possible} were served`);
    assert.ok(calm.lastRefusedMs <= 2 * CALM_MS, `refused after ${calm.lastRefusedMs} ms`);
  });
  fc.assert(property, { numRuns: 25 });
});

/** What may happen at a door, in any order. */
type Happening = "arrives" | "ends" | "is withdrawn" | "gives up" | "time passes";

test("whatever happens, everybody is told once and in time, nobody waits beside a free place, and the bounds hold", async () => {
  const happening = fc.constantFrom<Happening>(
    "arrives",
    "arrives",
    "arrives",
    "ends",
    "is withdrawn",
    "gives up",
    "time passes",
  );
  const story = fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 120 })), { maxLength: 150 });
  const property = fc.asyncProperty(story, async (happenings) => {
    const { timers, pass } = createSimulatedTimers();
    const admission = createAdmission(timers);
    const told: { begun: number; refused: number; readonly sinceMs: number; isGone: boolean }[] = [];
    const arrive = (): void => {
      const visit = { begun: 0, refused: 0, sinceMs: timers.nowMs(), isGone: false };
      const tell = (what: "begun" | "refused") => () => {
        visit[what] += 1;
        assert.ok(timers.nowMs() - visit.sinceMs <= LINE_MS_MAX + LINE_CHECK_MS, "somebody waited too long");
      };
      const visitor = { begin: tell("begun"), refuse: tell("refused"), isGone: () => visit.isGone };
      told.push(visit);
      const isFree = admission.underWay() < UNDER_WAY_MIN;
      if (admission.tryBegin()) visit.begun += 1;
      else {
        assert.ok(!isFree, "somebody was kept out of an empty house");
        if (!admission.tryWait(visitor)) visit.refused += 1;
      }
    };
    for (const [what, amount] of happenings) {
      if (what === "time passes") await pass(amount * 5);
      for (let count = 0; count < amount; count += 1) {
        if (what === "arrives") arrive();
        if (what === "ends" && admission.underWay() > 0) admission.end(timers.nowMs() - 3);
        if (what === "is withdrawn" && admission.underWay() > 0) admission.withdraw();
      }
      const waiting = told.find(({ begun, refused, isGone }) => begun + refused === 0 && !isGone);
      if (what === "gives up" && waiting !== undefined) waiting.isGone = true;
      assert.ok(admission.limit() >= UNDER_WAY_MIN && admission.limit() <= UNDER_WAY_MAX);
      assert.ok(admission.underWay() <= UNDER_WAY_MAX && admission.waiting() <= LINE_MAX);
    }
    await pass(LINE_MS_MAX + LINE_CHECK_MS);
    for (const { begun, refused, isGone } of told) {
      if (isGone) assert.equal(begun, 0, "somebody was begun who is gone");
      else assert.equal(begun + refused, 1);
    }
  });
  await fc.assert(property, { numRuns: 200 });
});

test("nobody is begun for a client that is gone, and a place that comes free goes to the next", () => {
  const admission = createAdmission(createSimulatedTimers().timers);
  while (admission.tryBegin());
  assert.equal(admission.underWay(), UNDER_WAY_START);
  const begun: string[] = [];
  const visitor = (name: string, isGone: boolean) => ({
    begin: () => void begun.push(name),
    refuse: () => assert.fail("nobody had to be refused"),
    isGone: () => isGone,
  });
  for (const [name, isGone] of [
    ["first", true],
    ["second", false],
    ["third", false],
  ] as const)
    assert.ok(admission.tryWait(visitor(name, isGone)));
  admission.end(0);
  assert.deepEqual(begun, ["second"]);
  admission.withdraw();
  assert.deepEqual(begun, ["second", "third"]);
  assert.equal(admission.waiting(), 0);
});

test("when nothing ends any more, all who wait are refused soon, and whoever comes then at once", async () => {
  const { timers, pass } = createSimulatedTimers();
  const admission = createAdmission(timers);
  while (admission.tryBegin());
  let refused = 0;
  const visitor = {
    begin: () => assert.fail("there was no place"),
    refuse: () => {
      refused += 1;
    },
    isGone: () => false,
  };
  for (let count = 0; count < 10; count += 1) assert.ok(admission.tryWait(visitor));
  await pass(LINE_MS_MAX + LINE_CHECK_MS);
  assert.equal(refused, 10);
  assert.equal(admission.tryBegin(), false);
  assert.equal(admission.tryWait(visitor), false);
});

test("in an overload one that has waited elsewhere is turned away, and counts as refused; else it is one like the others", async () => {
  const { timers, pass } = createSimulatedTimers();
  const admission = createAdmission(timers);
  assert.equal(admission.turnAway(), false);
  const visitor = { begin: () => assert.fail(), refuse: () => undefined, isGone: () => false };
  while (admission.tryBegin());
  assert.ok(admission.tryWait(visitor));
  await pass(LINE_MS_MAX + LINE_CHECK_MS);
  for (let second = 0; second < 3; second += 1) {
    // None of those that are new is refused, so that only these keep the overload one.
    for (let count = 0; count < 10; count += 1) assert.equal(admission.turnAway(), true);
    await pass(CALM_MS);
  }
  assert.equal(admission.turnAway(), true);
  await pass(CALM_MS);
  while (admission.underWay() > 0) admission.end(timers.nowMs());
  for (let count = 0; count < 20; count += 1) {
    assert.ok(admission.tryBegin());
    admission.end(timers.nowMs());
  }
  await pass(CALM_MS);
  assert.ok(admission.tryBegin());
  assert.equal(admission.turnAway(), false);
});

test("what requests take while others are turned away is not what they take alone", async () => {
  const { timers, pass } = createSimulatedTimers();
  const admission = createAdmission(timers);
  while (admission.tryBegin());
  assert.ok(admission.tryWait({ begin: () => undefined, refuse: () => undefined, isGone: () => false }));
  await pass(LINE_MS_MAX + LINE_CHECK_MS);
  while (admission.underWay() > 0) admission.end(timers.nowMs());
  const limitBefore = admission.limit();
  for (let round = 0; round < 200; round += 1) {
    let begun = 0;
    // Fewer than may be, always: nobody of them is refused.
    while (begun < Math.max(UNDER_WAY_MIN, admission.limit() - 1) && admission.tryBegin()) begun += 1;
    const insideMs = begun <= UNDER_WAY_MIN ? 1 : 20;
    await pass(insideMs);
    for (; begun > 0; begun -= 1) admission.end(timers.nowMs() - insideMs);
    for (let count = 0; count < UNDER_WAY_START; count += 1) admission.turnAway();
  }
  assert.ok(
    admission.limit() < limitBefore / 4,
    `${admission.limit()} are let in though they take twenty times as long`,
  );
});
