import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "../platform/hash.ts";
import {
  decideCode,
  decideRefresh,
  endFamily,
  type FamilyState,
  type PresentedRefresh,
  type RefreshDecision,
  SIBLINGS_MAX,
} from "./family.ts";

const NOW = 1_760_000_000;
const GRACE = 10;
const FRESH: FamilyState = { generation: 0, siblings: [] };

/** A refresh token as the test knows it. `parent` is the name of the token whose use made it. */
interface Token {
  readonly name: string;
  readonly parent: string;
  readonly generation: number;
  readonly hash: Uint8Array;
}

type Settings = Partial<Pick<PresentedRefresh, "rotate" | "graceSeconds">>;

/** The store that the decisions are meant for: it does what they say, and remembers who made which token. */
function family(refreshExpiresAt = NOW + 1_000_000) {
  let count = 0;
  let state: FamilyState = FRESH;
  const tokens: Token[] = [];
  const mint = (parent: string, generation: number): Token => {
    count += 1;
    const token = { name: `RT${count}`, parent, generation, hash: sha256(`RT${count}`) };
    tokens.push(token);
    return token;
  };
  const spend = decideCode(state, { hashMatches: true, expiresAt: NOW + 60, now: NOW });
  assert.equal(spend.action, "spend");
  const first = mint("code", 1);
  if (spend.action === "spend") state = spend.next({ hash: first.hash, expiresAt: refreshExpiresAt });

  function present(token: Token, now: number, settings: Settings = {}): { decision: RefreshDecision; token?: Token } {
    const { generation, hash } = token;
    const decision = decideRefresh(state, { generation, hash, now, rotate: true, graceSeconds: GRACE, ...settings });
    if (decision.action === "reuse") state = endFamily(state, now);
    if (decision.action !== "rotate" && decision.action !== "sibling") return { decision };
    const successor = mint(token.name, decision.generation);
    state = decision.next(successor.hash);
    return { decision, token: successor };
  }
  const use = (token: Token, now: number, settings: Settings = {}): Token => {
    const { token: successor, decision } = present(token, now, settings);
    assert.ok(successor, `${token.name}: ${decision.action}`);
    return successor;
  };
  const unspent = () => tokens.filter((token) => state.siblings.some((hash) => sha256(token.name).equals(hash)));
  return { first, tokens, present, use, unspent, state: () => state };
}

test("a code is spent once, and its first refresh token begins generation 1", () => {
  const decision = decideCode(FRESH, { hashMatches: true, expiresAt: NOW + 60, now: NOW });
  assert.equal(decision.action, "spend");
  if (decision.action !== "spend") return;
  const hash = sha256("RT1");
  assert.deepEqual(decision.next(), { generation: 0, siblings: [], codeSpentAt: NOW });
  assert.deepEqual(decision.next({ hash, expiresAt: NOW + 100 }), {
    generation: 1,
    siblings: [hash],
    codeSpentAt: NOW,
    refreshExpiresAt: NOW + 100,
  });
});

test("only a complete second use of a code is reuse; every other fault changes nothing (rule 5)", () => {
  const good = { hashMatches: true, expiresAt: NOW + 60, now: NOW };
  const spent: FamilyState = { ...FRESH, codeSpentAt: NOW - 5 };
  for (const state of [FRESH, spent]) {
    assert.equal(decideCode(state, { ...good, hashMatches: false }).action, "refuse");
    assert.equal(decideCode(state, { ...good, mismatch: "the redirect_uri differs" }).action, "refuse");
  }
  assert.equal(decideCode(spent, good).action, "reuse");
  assert.equal(decideCode(endFamily(spent, NOW), good).action, "refuse");
});

test("an unspent code expires at its second; a spent one is remembered beyond it", () => {
  const late = { hashMatches: true, expiresAt: NOW, now: NOW };
  assert.equal(decideCode(FRESH, late).action, "refuse");
  assert.equal(decideCode(FRESH, { ...late, now: NOW - 1 }).action, "spend");
  assert.equal(decideCode({ ...FRESH, codeSpentAt: NOW - 50 }, { ...late, now: NOW + 3600 }).action, "reuse");
});

test("a refresh token is rotated at each use, and the family keeps one", () => {
  const { first, use, unspent } = family();
  const second = use(first, NOW + 100);
  const third = use(second, NOW + 200);
  assert.deepEqual(unspent(), [third]);
  assert.equal(third.generation, 3);
});

test("a spent refresh token presented after its window ends the family", () => {
  const { first, use, present, state } = family();
  const second = use(first, NOW);
  assert.equal(present(first, NOW + GRACE).decision.action, "reuse");
  assert.equal(state().revokedAt, NOW + GRACE);
  assert.equal(present(second, NOW + GRACE).decision.action, "refuse");
});

test("a spent refresh token presented within its window gives a sibling, to the last second", () => {
  const { first, use, unspent } = family();
  const one = use(first, NOW);
  const other = use(first, NOW + GRACE - 1);
  assert.deepEqual(unspent(), [one, other]);
  assert.equal(other.generation, one.generation);
});

test("the window is counted from the first spend, not from the last sibling (rule 3)", () => {
  const { first, use, present } = family();
  use(first, NOW);
  use(first, NOW + GRACE - 1);
  assert.equal(present(first, NOW + GRACE).decision.action, "reuse");
});

test("without a window every second use is reuse", () => {
  const { first, use, present } = family();
  use(first, NOW);
  assert.equal(present(first, NOW, { graceSeconds: 0 }).decision.action, "reuse");
});

test("the ninth sibling is refused and ends nothing (rule 3)", () => {
  const { first, use, present, unspent, state } = family();
  const siblings = Array.from({ length: SIBLINGS_MAX }, () => use(first, NOW));
  assert.equal(present(first, NOW).decision.action, "refuse");
  assert.equal(state().revokedAt, undefined);
  assert.deepEqual(unspent(), siblings);
  assert.ok(use(siblings.at(-1) ?? first, NOW + 1));
});

test("using one sibling spends the others; presenting one of those ends the family, at any time", () => {
  for (const later of [0, 1, GRACE, 100_000]) {
    const { first, use, present, state } = family();
    const one = use(first, NOW);
    const other = use(first, NOW);
    use(one, NOW + 1);
    assert.equal(present(other, NOW + 1 + later).decision.action, "reuse");
    assert.notEqual(state().revokedAt, undefined);
  }
});

test("owner and thief both refresh within the window and both use their successor: the family is dead (rule 3)", () => {
  const { first, use, present, tokens } = family();
  const owner = use(first, NOW);
  const thief = use(first, NOW + 5);
  const next = use(thief, NOW + 6);
  assert.equal(present(owner, NOW + 7).decision.action, "reuse");
  assert.equal(present(next, NOW + 8).decision.action, "refuse");
  for (const token of tokens) assert.equal(present(token, NOW + 9).decision.action, "refuse");
});

test("a token of an older generation is reuse, even within the window of a younger one", () => {
  const { first, use, present } = family();
  use(use(first, NOW), NOW);
  assert.equal(present(first, NOW).decision.action, "reuse");
});

test("every token of the family expires at one instant (rule 4), and then nothing is reuse any more", () => {
  const { first, use, present, state } = family(NOW + 1000);
  const second = use(first, NOW + 500);
  assert.equal(present(second, NOW + 1000).decision.action, "refuse");
  assert.equal(present(first, NOW + 1000).decision.action, "refuse");
  assert.equal(state().revokedAt, undefined);
  assert.ok(use(second, NOW + 999));
});

test("without rotation a token is kept and changes nothing", () => {
  const { first, present, state } = family();
  const before = state();
  assert.deepEqual(present(first, NOW + 5, { rotate: false }).decision, { action: "keep" });
  assert.equal(state(), before);
});

test("siblings from before rotation was switched off still end one another", () => {
  const { first, use, present } = family();
  const one = use(first, NOW);
  const other = use(first, NOW);
  use(one, NOW + 1, { rotate: false });
  assert.equal(present(other, NOW + 2, { rotate: false }).decision.action, "reuse");
});

test("a token of a generation to come, of none, or that was never answered is refused and ends nothing", () => {
  const { first, present, state } = family();
  for (const token of [
    { ...first, generation: 2 },
    { ...first, generation: 0 },
    { ...first, hash: sha256("other") },
  ]) {
    assert.equal(present(token, NOW).decision.action, "refuse");
  }
  assert.equal(state().revokedAt, undefined);
});

test("a family without refresh tokens refuses every one", () => {
  const token = { generation: 0, hash: sha256("x"), now: NOW, rotate: true, graceSeconds: GRACE };
  assert.equal(decideRefresh({ ...FRESH, codeSpentAt: NOW }, token).action, "refuse");
});

test("ending a family keeps the first instant", () => {
  assert.equal(endFamily(endFamily(FRESH, NOW), NOW + 5).revokedAt, NOW);
});

const anyStep = fc.record({
  pick: fc.nat({ max: 1000 }),
  recent: fc.boolean(),
  wait: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.integer({ min: 0, max: 30 })),
  rotate: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
});

test("in every history all unspent refresh tokens of a family have the same parent, and none that was replaced is accepted", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const { tokens, present, unspent, state } = family();
      const used = new Set<string>();
      let now = NOW;
      for (const { pick, recent, wait, rotate } of steps) {
        now += wait;
        const pool = recent ? tokens.slice(-3) : tokens;
        const token = pool[pick % pool.length];
        assert.ok(token);
        const wasLive = unspent().includes(token);
        const dead = state().revokedAt !== undefined;
        const { decision } = present(token, now, { rotate });
        if (decision.action === "rotate") used.add(token.name);

        assert.ok(new Set(unspent().map(({ parent }) => parent)).size <= 1, "the law of rule 3");
        assert.ok(unspent().length <= SIBLINGS_MAX);
        assert.equal(new Set(unspent().map(({ generation }) => generation)).size <= 1, true);
        if (dead) assert.equal(decision.action, "refuse");
        else if (wasLive) assert.ok(decision.action === "rotate" || decision.action === "keep");
        else assert.notEqual(decision.action, "rotate");
        // Of one generation at most one token was ever used: two live branches cannot be.
        const generations = tokens.filter(({ name }) => used.has(name)).map(({ generation }) => generation);
        assert.equal(new Set(generations).size, generations.length);
      }
    }),
    { numRuns: 500 },
  );
});

test("two holders who each go on with their own successor are found out, whatever the interleaving", () => {
  const turns = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 15 })), { minLength: 4, maxLength: 30 });
  fc.assert(
    fc.property(turns, (sequence) => {
      const { first, present, state } = family();
      const holder = { owner: first, thief: first };
      const successes = { owner: 0, thief: 0 };
      let now = NOW;
      for (const [ownerGoes, wait] of sequence) {
        now += wait;
        const who = ownerGoes ? "owner" : "thief";
        const { token } = present(holder[who], now);
        if (token === undefined) continue;
        holder[who] = token;
        successes[who] += 1;
      }
      // The first success may be a sibling's; a second one of both means that both used their own successor.
      if (state().revokedAt === undefined) assert.ok(Math.min(successes.owner, successes.thief) < 2);
    }),
    { numRuns: 500 },
  );
});
