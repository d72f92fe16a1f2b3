import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import { LIFETIME_SECONDS_MAX } from "./lifetime.ts";
import {
  findQuotaReached,
  type LivePeriod,
  planCounting,
  quotasOf,
  slotOf,
  slotSql,
  stricterPlan,
} from "./live-count.ts";

const anyPeriod: fc.Arbitrary<LivePeriod> = fc
  .tuple(
    fc.integer({ min: 1_700_000_000, max: 4_000_000_000 }),
    fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX })),
  )
  .map(([issuedAt, lifetime]) => ({ issuedAt, endsAt: issuedAt + lifetime }));

test("a slot ends at or after the end of what it counts, by less than a 64th of its lifetime, or an eighth", () => {
  fc.assert(
    fc.property(anyPeriod, (period) => {
      const lifetime = period.endsAt - period.issuedAt;
      const [late, later] = [slotOf(period, true) - period.endsAt, slotOf(period, false) - period.endsAt];
      assert.ok(late >= 0 && late < Math.max(1, lifetime / 64));
      assert.ok(later >= late && later < Math.max(1, lifetime / 8));
    }),
    { numRuns: 500 },
  );
});

test("a steady stream is counted right to one in a hundred", () => {
  for (const lifetime of [60, 127, 128, 900, 3_600, 86_400, 7_776_000]) {
    // One a second, or a thousand in a lifetime; looked at in the middle of a slot.
    const step = Math.max(1, Math.floor(lifetime / 1_000));
    const now = 1_800_000_000 + Math.floor(lifetime / 128 / 2);
    let [alive, counted] = [0, 0];
    for (let issuedAt = now - 2 * lifetime; issuedAt <= now; issuedAt += step) {
      if (issuedAt + lifetime > now) alive += 1;
      if (slotOf({ issuedAt, endsAt: issuedAt + lifetime }, true) > now) counted += 1;
    }
    assert.ok(Math.abs(counted - alive) <= alive / 100, `${counted} for ${alive} of ${lifetime} s`);
  }
});

test("the slot is the same in SQL", async () => {
  const { database } = await sharedDatabase();
  const periods = [
    ...fc.sample(anyPeriod, 200),
    ...[0, 1, 63, 64, 127, 128, 129].map((n) => ({ issuedAt: 1, endsAt: 1 + n })),
  ];
  const rows = await database.maintain((session) =>
    session.query(
      `SELECT ${slotSql("issued_at", "ends_at")} AS slot FROM json_to_recordset($1::json) AS p(issued_at bigint, ends_at bigint)`,
      [JSON.stringify(periods.map(({ issuedAt, endsAt }) => ({ issued_at: issuedAt, ends_at: endsAt })))],
    ),
  );
  assert.deepEqual(
    rows.map((row) => row.slot),
    periods.map((period) => slotOf(period, true)),
  );
});

test("an application has half of its tenant's quota unless it has its own", () => {
  assert.deepEqual(quotasOf(1_000, undefined), { tenant: 1_000, application: 500 });
  assert.deepEqual(quotasOf(1, undefined), { tenant: 1, application: 1 });
  assert.deepEqual(quotasOf(1_000, 900), { tenant: 1_000, application: 900 });
  assert.deepEqual(quotasOf(undefined, undefined), { tenant: 10_000_000, application: 5_000_000 });
});

test("a quota refuses what would pass it, and the reserve is 5 % more", () => {
  const quotas = { tenant: 1_000, application: 100 };
  const reached = (tenant: number, application: number, mayUseReserve = false) =>
    findQuotaReached({ tenant, application }, quotas, mayUseReserve);
  assert.equal(reached(999, 99), undefined);
  assert.deepEqual(reached(999, 100), { quota: "application", maximum: 100, live: 100 });
  assert.deepEqual(reached(1_000, 99), { quota: "tenant", maximum: 1_000, live: 1_000 });
  assert.equal(reached(1_049, 104, true), undefined);
  assert.equal(reached(1_000, 105, true)?.quota, "application");
  assert.equal(reached(1_050, 1, true)?.quota, "tenant");
});

test("the nearer a quota, the sooner a node writes and looks, and near it at once", () => {
  const quotas = { tenant: 1_000_000, application: 500_000 };
  const plan = (application: number) => planCounting({ tenant: application, application }, quotas);
  const levels = [0, 100_000, 300_000, 440_000];
  for (const [n, level] of levels.entries()) {
    const { isNear, isFine, heldBackMax, unreadMax } = plan(level);
    assert.equal(isNear, false);
    // An eighth of a tenth, half of it on average, is less than one in a hundred of the quota.
    assert.equal(isFine, level >= quotas.application / 10);
    assert.ok(heldBackMax <= quotas.application / 500);
    // Twenty nodes that issue so many each, before any of them looks again, pass nothing.
    assert.ok(20 * unreadMax <= quotas.application - level);
    assert.ok(n === 0 || unreadMax < plan(levels[n - 1] ?? 0).unreadMax);
  }
  assert.deepEqual(plan(450_000), { isNear: true, isFine: true, heldBackMax: 1, unreadMax: 1 });
  assert.deepEqual(stricterPlan(plan(0), plan(450_000)), plan(450_000));
});
