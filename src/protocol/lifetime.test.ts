import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  advertisedLifetimes,
  type Ceiling,
  type CeilingName,
  type Ceilings,
  collectCeilings,
  decideLifetime,
  LIFETIME_SECONDS_MAX,
  type LifetimeRequest,
  type LifetimeVerdict,
  lifetimeMember,
  lifetimeRecord,
  lifetimeRefusal,
} from "./lifetime.ts";
import { INVALID_GRANT_DESCRIPTION, publicDescription } from "./oauth-error.ts";

const NOW = 1_760_000_000;
const TABLE_ORDER: readonly CeilingName[] = [
  "application",
  "resource_server",
  "scope",
  "realm",
  "tenant",
  "consent",
  "parent",
];

const application = (seconds: number): Ceiling => ({ name: "application", seconds });

function request(changes: Partial<LifetimeRequest>): LifetimeRequest {
  return {
    requested: undefined,
    ceilings: [application(3600)],
    floorSeconds: 1,
    overLimit: "reject",
    now: NOW,
    ...changes,
  };
}

function summary(verdict: LifetimeVerdict): string {
  const scope = verdict.limitedByScope === undefined ? "" : `(${verdict.limitedByScope})`;
  const limit = `${verdict.maximumSeconds} by ${verdict.limitedBy}${scope}`;
  if (verdict.outcome === "refused") return `${verdict.reason}, max ${limit}`;
  return `${verdict.grantedSeconds} ${verdict.mode}, max ${limit}`;
}

const NAMED_CASES: readonly (readonly [string, Partial<LifetimeRequest>, string])[] = [
  ["a value under the ceiling is granted exactly", { requested: 900 }, "900 exact, max 3600 by application"],
  ["a value equal to the ceiling is granted", { requested: 3600 }, "3600 exact, max 3600 by application"],
  ["one second above the ceiling is refused", { requested: 3601 }, "above_ceiling, max 3600 by application"],
  [
    "one second above the ceiling is clamped where chosen",
    { requested: 3601, overLimit: "clamp" },
    "3600 clamped, max 3600 by application",
  ],
  [
    "a value equal to the ceiling is exact with clamp, too",
    { requested: 3600, overLimit: "clamp" },
    "3600 exact, max 3600 by application",
  ],
  ["a value below the floor is refused", { requested: 59, floorSeconds: 60 }, "below_floor, max 3600 by application"],
  ["a value equal to the floor is granted", { requested: 60, floorSeconds: 60 }, "60 exact, max 3600 by application"],
  [
    "clamp does not raise a value to the floor",
    { requested: 59, floorSeconds: 60, overLimit: "clamp" },
    "below_floor, max 3600 by application",
  ],
  [
    "a clamped value below the floor is granted",
    { requested: 90, floorSeconds: 60, overLimit: "clamp", ceilings: [application(30)] },
    "30 clamped, max 30 by application",
  ],
  [
    "with a ceiling below the floor, a value above both is above the ceiling",
    { requested: 90, floorSeconds: 60, ceilings: [application(30)] },
    "above_ceiling, max 30 by application",
  ],
  [
    "with a ceiling below the floor, a value between them is below the floor",
    { requested: 45, floorSeconds: 60, ceilings: [application(30)] },
    "below_floor, max 30 by application",
  ],
  ["without a request the default is granted", { defaultSeconds: 600 }, "600 exact, max 3600 by application"],
  ["without a default expires_after is granted", {}, "3600 exact, max 3600 by application"],
  [
    "a default below the floor is granted",
    { defaultSeconds: 10, floorSeconds: 60 },
    "10 exact, max 3600 by application",
  ],
  [
    "a default above the ceiling is lowered, even with reject",
    { defaultSeconds: 3600, ceilings: [application(3600), { name: "realm", seconds: 300 }] },
    "300 clamped, max 300 by realm",
  ],
  [
    "the smallest ceiling wins",
    { ceilings: [application(3600), { name: "realm", seconds: 900 }, { name: "tenant", seconds: 1800 }] },
    "900 clamped, max 900 by realm",
  ],
  [
    "a tie goes to the first of the table",
    {
      requested: 60,
      ceilings: [application(900), { name: "resource_server", seconds: 900 }, { name: "parent", seconds: 900 }],
    },
    "60 exact, max 900 by application",
  ],
  [
    "a scope that limits is named",
    {
      requested: 60,
      ceilings: [
        application(900),
        { name: "scope", seconds: 300, scope: "a" },
        { name: "scope", seconds: 120, scope: "b" },
      ],
    },
    "60 exact, max 120 by scope(b)",
  ],
  [
    "a parent's last second can be had",
    { requested: 1, ceilings: [application(900), { name: "parent", seconds: 1 }] },
    "1 exact, max 1 by parent",
  ],
  [
    "a parent with nothing left refuses a request",
    { requested: 1, ceilings: [application(900), { name: "parent", seconds: 0 }] },
    "nothing_left, max 0 by parent",
  ],
  [
    "a parent with nothing left refuses a value below the floor for that reason",
    { requested: 1, floorSeconds: 60, ceilings: [application(900), { name: "parent", seconds: 0 }] },
    "nothing_left, max 0 by parent",
  ],
  [
    "a parent with nothing left refuses clamp and the default, too",
    { overLimit: "clamp", ceilings: [application(900), { name: "parent", seconds: -5 }] },
    "nothing_left, max -5 by parent",
  ],
  [
    "the largest value that parses is above every ceiling",
    { requested: 9_999_999_999, ceilings: [application(LIFETIME_SECONDS_MAX)] },
    `above_ceiling, max ${LIFETIME_SECONDS_MAX} by application`,
  ],
];

for (const [name, changes, expected] of NAMED_CASES) {
  test(name, () => assert.equal(summary(decideLifetime(request(changes))), expected));
}

const seconds = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: LIFETIME_SECONDS_MAX }));

// Ceilings in table order, any of them absent save the application's; scopes may be several; a parent may have ended.
const anyCeilings: fc.Arbitrary<Ceilings> = fc
  .record({
    applicationSeconds: seconds,
    resourceServerSeconds: fc.option(seconds, { nil: undefined }),
    scopePolicies: fc.uniqueArray(fc.record({ scope: fc.constantFrom("a", "b", "c", "d"), maxExpiresAfter: seconds }), {
      selector: (policy) => policy.scope,
    }),
    grantedScopes: fc.uniqueArray(fc.constantFrom("a", "b", "c", "openid")),
    realmSeconds: fc.option(seconds, { nil: undefined }),
    tenantSeconds: fc.option(seconds, { nil: undefined }),
    consentSeconds: fc.option(seconds, { nil: undefined }),
    parentExpiresAt: fc.option(
      fc.integer({ min: -3, max: 1000 }).map((left) => NOW + left),
      { nil: undefined },
    ),
    now: fc.constant(NOW),
  })
  .map(collectCeilings);

const anyRequest: fc.Arbitrary<LifetimeRequest> = fc.record({
  requested: fc.option(fc.oneof(seconds, fc.integer({ min: 1, max: 9_999_999_999 })), { nil: undefined }),
  ceilings: anyCeilings,
  floorSeconds: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 100 })),
  defaultSeconds: fc.option(seconds, { nil: undefined }),
  overLimit: fc.constantFrom("reject", "clamp"),
  now: fc.constant(NOW),
});

function holds(name: string, law: (input: LifetimeRequest, verdict: LifetimeVerdict) => void): void {
  test(name, () => {
    fc.assert(
      fc.property(anyRequest, (input) => law(input, decideLifetime(input))),
      { numRuns: 500 },
    );
  });
}

holds("no token lives longer than any ceiling", (input, verdict) => {
  if (verdict.outcome === "refused") return;
  for (const ceiling of input.ceilings) assert.ok(verdict.grantedSeconds <= ceiling.seconds);
  assert.ok(verdict.grantedSeconds >= 1);
  assert.equal(verdict.expiresAt - verdict.issuedAt, verdict.grantedSeconds);
});

holds("limited_by always names a ceiling that equals the maximum, the first of them", (input, verdict) => {
  const first = input.ceilings.find((ceiling) => ceiling.seconds === verdict.maximumSeconds);
  assert.equal(verdict.limitedBy, first?.name);
  assert.equal(verdict.limitedByScope, first?.scope);
  assert.equal(verdict.maximumSeconds, Math.min(...input.ceilings.map((ceiling) => ceiling.seconds)));
});

holds("mode is exact if and only if granted equals requested", (input, verdict) => {
  if (verdict.outcome === "refused" || input.requested === undefined) return;
  assert.equal(verdict.mode === "exact", verdict.grantedSeconds === input.requested);
});

holds(
  "a lifetime other than the requested one is granted only where clamp was chosen, and says so",
  (input, verdict) => {
    if (verdict.outcome === "refused" || input.requested === undefined) return;
    if (verdict.grantedSeconds === input.requested) return;
    assert.equal(input.overLimit, "clamp");
    assert.equal(verdict.mode, "clamped");
    assert.equal(lifetimeMember(verdict)?.mode, "clamped");
    assert.equal(verdict.grantedSeconds, verdict.maximumSeconds);
  },
);

holds(
  "a request is refused if and only if nothing is left, it is below the floor, or above a ceiling that rejects",
  (input, verdict) => {
    const maximum = Math.min(...input.ceilings.map((ceiling) => ceiling.seconds));
    const asked = input.requested;
    const expected =
      maximum <= 0
        ? "nothing_left"
        : asked === undefined
          ? undefined
          : asked < input.floorSeconds
            ? "below_floor"
            : asked > maximum && input.overLimit === "reject"
              ? "above_ceiling"
              : undefined;
    assert.equal(verdict.outcome === "refused" ? verdict.reason : undefined, expected);
  },
);

holds("without a request the default is granted, lowered to the ceiling and never refused for it", (input, verdict) => {
  if (input.requested !== undefined || verdict.outcome === "refused") return;
  const wanted = input.defaultSeconds ?? input.ceilings[0].seconds;
  assert.equal(verdict.grantedSeconds, Math.min(wanted, verdict.maximumSeconds));
  assert.equal(verdict.ledger.basis, "default");
  assert.equal(verdict.ledger.basisSeconds, wanted);
  assert.equal(verdict.ledger.lowered, verdict.mode === "clamped");
});

holds("the ledger lists every ceiling in the table's order and marks one winner", (input, verdict) => {
  const { ceilings } = verdict.ledger;
  assert.deepEqual(
    ceilings.map(({ won: _, ...ceiling }) => ceiling),
    [...input.ceilings],
  );
  const positions = ceilings.map((ceiling) => TABLE_ORDER.indexOf(ceiling.name));
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );
  const winners = ceilings.filter((ceiling) => ceiling.won);
  assert.equal(winners.length, 1);
  assert.equal(winners[0]?.name, verdict.limitedBy);
});

test("any one ceiling lowered below all others becomes the limit", () => {
  fc.assert(
    fc.property(anyRequest, fc.nat(), (input, pick) => {
      const index = pick % input.ceilings.length;
      const below = Math.min(...input.ceilings.map((ceiling) => ceiling.seconds)) - 1;
      const [first, ...rest] = input.ceilings.map((ceiling, at) =>
        at === index ? { ...ceiling, seconds: below } : ceiling,
      );
      assert.ok(first);
      const verdict = decideLifetime({ ...input, ceilings: [first, ...rest] });
      assert.equal(verdict.maximumSeconds, below);
      assert.equal(verdict.limitedBy, input.ceilings[index]?.name);
      assert.equal(verdict.limitedByScope, input.ceilings[index]?.scope);
    }),
    { numRuns: 500 },
  );
});

holds("the lifetime member is there if and only if a lifetime was requested", (input, verdict) => {
  if (verdict.outcome === "refused") return;
  const member = lifetimeMember(verdict);
  assert.equal(member === undefined, input.requested === undefined);
  if (member === undefined) return;
  assert.equal(member.granted, verdict.grantedSeconds);
  assert.equal(member.limited_by, verdict.limitedBy);
  assert.equal("scope" in member, member.limited_by === "scope");
});

test("the lifetime member has the wire form of the contract", () => {
  const verdict = decideLifetime(request({ requested: 7200, overLimit: "clamp" }));
  assert.equal(verdict.outcome, "granted");
  assert.deepEqual(verdict.outcome === "granted" && lifetimeMember(verdict), {
    requested: 7200,
    granted: 3600,
    maximum: 3600,
    mode: "clamped",
    limited_by: "application",
  });
});

function refusalOf(changes: Partial<LifetimeRequest>): { code: string; description: string; detail: string } {
  const verdict = decideLifetime(request(changes));
  assert.equal(verdict.outcome, "refused");
  if (verdict.outcome !== "refused") throw new Error("unreachable");
  const error = lifetimeRefusal(verdict);
  assert.deepEqual(error.facts, { lifetime: lifetimeRecord(verdict) });
  return { code: error.code, description: publicDescription(error), detail: error.detail };
}

test("a value above the ceiling is refused with parameter, value, ceiling and what sets it", () => {
  const { code, description } = refusalOf({ requested: 7200 });
  assert.equal(code, "invalid_request");
  assert.equal(
    description,
    "expiration_time 7200 is above the maximum of 3600 seconds, set by the application (token_configuration.expires_after)",
  );
});

test("a value above a scope's ceiling is refused naming that scope", () => {
  const { description } = refusalOf({
    requested: 7200,
    ceilings: [application(9000), { name: "scope", seconds: 60, scope: "shoes:write" }],
  });
  assert.match(description, /maximum of 60 seconds, set by the resource server for the scope shoes:write/);
});

test("a value below the floor is refused naming the floor", () => {
  const { code, description } = refusalOf({ requested: 5, floorSeconds: 60 });
  assert.equal(code, "invalid_request");
  assert.match(description, /expiration_time 5 is below the minimum of 60 seconds/);
});

test("a parent with nothing left is an invalid_grant that tells the wire no cause", () => {
  const { code, description, detail } = refusalOf({ ceilings: [application(60), { name: "parent", seconds: 0 }] });
  assert.equal(code, "invalid_grant");
  assert.equal(description, INVALID_GRANT_DESCRIPTION);
  assert.match(detail, /nothing is left/);
});

test("ceilings are collected in the table's order, scopes only where granted, the parent by what is left of it", () => {
  assert.deepEqual(
    collectCeilings({
      applicationSeconds: 100,
      resourceServerSeconds: 90,
      scopePolicies: [
        { scope: "x", maxExpiresAfter: 10 },
        { scope: "b", maxExpiresAfter: 80 },
        { scope: "a", maxExpiresAfter: 70 },
      ],
      grantedScopes: ["a", "b", "c"],
      realmSeconds: 60,
      tenantSeconds: 50,
      consentSeconds: 40,
      parentExpiresAt: NOW + 30,
      now: NOW + 0.9,
    }),
    [
      { name: "application", seconds: 100 },
      { name: "resource_server", seconds: 90 },
      { name: "scope", seconds: 70, scope: "a" },
      { name: "scope", seconds: 80, scope: "b" },
      { name: "realm", seconds: 60 },
      { name: "tenant", seconds: 50 },
      { name: "consent", seconds: 40 },
      { name: "parent", seconds: 30 },
    ],
  );
});

test("a child never outlives its parent, even when issued within a second", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 50, noNaN: true }), fc.integer({ min: 1, max: 100 }), (offset, left) => {
      const now = NOW + offset;
      const ceilings = collectCeilings({ applicationSeconds: 3600, parentExpiresAt: NOW + left, now });
      const verdict = decideLifetime(request({ ceilings, now }));
      if (verdict.outcome === "granted") assert.ok(verdict.expiresAt <= NOW + left);
      else assert.ok(Math.floor(now) >= NOW + left);
    }),
  );
});

test("discovery advertises the smallest of application, resource server, realm and tenant", () => {
  assert.deepEqual(advertisedLifetimes({ applicationSeconds: 3600 }, 1), { minimumSeconds: 1, maximumSeconds: 3600 });
  assert.deepEqual(
    advertisedLifetimes(
      { applicationSeconds: 3600, resourceServerSeconds: 900, realmSeconds: 600, tenantSeconds: 700 },
      30,
    ),
    { minimumSeconds: 30, maximumSeconds: 600 },
  );
});
