import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ConsentNeed,
  type ConsentSetting,
  type ConsentTerms,
  coversTerms,
  decideConsent,
  lifetimeChoices,
  limitToConsent,
  readChosenSeconds,
  renewalChoices,
} from "./consent.ts";

const TERMS: ConsentTerms = {
  scope: ["openid", "email", "shoes:read"],
  claims: ["nickname"],
  resourceServerId: "shoes",
  maximumSeconds: 3_600,
  renewalSeconds: 86_400,
};

describe("a consent covers", () => {
  const CASES: readonly (readonly [string, Partial<ConsentTerms>, boolean])[] = [
    ["the same", {}, true],
    ["less", { scope: ["openid"], claims: [], renewalSeconds: 0 }, true],
    ["a longer life: tokens live as long as was agreed all the same", { maximumSeconds: 7_200 }, true],
    ["no other scope", { scope: ["openid", "shoes:write"] }, false],
    ["no offline_access that was not agreed to", { scope: ["openid", "offline_access"] }, false],
    ["no other claim", { claims: ["phone_number"] }, false],
    ["a claim of a scope that was agreed to", { claims: ["email_verified"] }, true],
    ["a longer renewal: access is renewed as long as was agreed all the same", { renewalSeconds: 86_401 }, true],
    ["no scope of that name elsewhere", { resourceServerId: "hats" }, false],
    ["no scope of that name nowhere", { resourceServerId: undefined }, false],
    ["OpenID scopes wherever the others are", { resourceServerId: "hats", scope: ["openid", "email"] }, true],
  ];
  for (const [name, asked, isCovered] of CASES) {
    test(name, () => assert.equal(coversTerms(TERMS, { ...TERMS, ...asked }), isCovered));
  }
});

test("a consent to no renewal covers none", () => {
  const never = { ...TERMS, renewalSeconds: 0 };
  assert.deepEqual([coversTerms(never, TERMS), coversTerms(never, never)], [false, true]);
});

describe("whether a person is asked", () => {
  const OFFLINE = { ...TERMS, scope: ["openid", "offline_access"] };
  const CASES: readonly (readonly [
    ConsentSetting,
    readonly string[],
    ConsentTerms,
    ConsentTerms | undefined,
    ConsentNeed,
  ])[] = [
    ["none", [], OFFLINE, undefined, "unasked"],
    ["none", ["consent"], TERMS, TERMS, "ask"],
    ["remembered", [], TERMS, undefined, "ask"],
    ["remembered", [], TERMS, TERMS, "remembered"],
    ["remembered", [], OFFLINE, TERMS, "ask"],
    ["remembered", ["consent"], TERMS, TERMS, "ask"],
    ["always", [], TERMS, TERMS, "ask"],
    ["always", ["none"], TERMS, TERMS, "ask"],
    [undefined, [], TERMS, undefined, "unasked"],
    [undefined, [], OFFLINE, undefined, "ask"],
    [undefined, [], OFFLINE, OFFLINE, "remembered"],
    [undefined, ["consent"], TERMS, undefined, "ask"],
  ];
  for (const [setting, prompts, terms, earlier, need] of CASES) {
    const said = earlier === undefined ? "nothing said before" : "something said before";
    test(`${setting ?? "unset"}, prompt=${prompts.join(" ")}, ${terms.scope.join(" ")}, ${said}: ${need}`, () => {
      assert.equal(decideConsent({ setting, prompts, scope: terms.scope }, terms, earlier), need);
    });
  }
});

test("nothing is granted that was not agreed to, and nothing without anybody's word where it is needed (OIDC Core §11)", () => {
  const verdict = { scope: ["openid", "offline_access", "shoes:write"], dropped: [] };
  const less = { scope: ["openid"], dropped: [] };
  assert.deepEqual(limitToConsent(verdict, TERMS, { setting: "remembered", prompts: [] }), {
    scope: ["openid"],
    dropped: [
      { scope: "offline_access", rule: "consent" },
      { scope: "shoes:write", rule: "consent" },
    ],
  });
  const refused = { code: "consent_required" };
  for (const setting of ["remembered", "always", undefined] as const)
    assert.throws(() => limitToConsent(verdict, undefined, { setting, prompts: [] }), refused);
  assert.throws(() => limitToConsent(less, undefined, { setting: "none", prompts: ["consent"] }), refused);
  assert.deepEqual(limitToConsent(verdict, undefined, { setting: "none", prompts: [] }), verdict);
  assert.deepEqual(limitToConsent(less, undefined, { setting: undefined, prompts: [] }), less);
});

test("lifetimes to choose from are round, never above the longest nor below the floor, and have what was chosen before", () => {
  const offered = (maximumSeconds: number, floorSeconds = 1, chosenSeconds?: number) =>
    lifetimeChoices({ maximumSeconds }, { floorSeconds, chosenSeconds });
  assert.deepEqual(offered(3_600), [300, 900, 3_600]);
  assert.deepEqual(offered(7_776_000), [300, 900, 3_600, 28_800, 86_400, 604_800, 7_776_000]);
  assert.deepEqual(offered(60), [60]);
  assert.deepEqual(offered(3_600, 900), [900, 3_600]);
  assert.deepEqual(
    offered(3_600, 7_200),
    [3_600],
    "a floor above everything: no value is accepted, and the default is granted",
  );
  assert.deepEqual(offered(7_200, 1, 1_234), [300, 900, 1_234, 3_600, 7_200]);
  assert.deepEqual(offered(600, 1, 3_600), [300, 600], "what was chosen is not offered above the ceiling of today");
});

test("times to renew access for are round, never above the longest, and have what was chosen before", () => {
  const offered = (renewalSeconds: number, chosenSeconds?: number) => renewalChoices({ renewalSeconds }, chosenSeconds);
  assert.deepEqual(offered(604_800), [3_600, 28_800, 86_400, 604_800]);
  assert.deepEqual(offered(86_400, 7_200), [3_600, 7_200, 28_800, 86_400]);
  assert.deepEqual(offered(3_600, 86_400), [3_600]);
  assert.deepEqual(offered(0), [0], "nothing to choose");
});

test("a chosen lifetime is a whole number of seconds between the floor and the longest", () => {
  const read = (chosen: string | undefined, floorSeconds = 60) => readChosenSeconds(chosen, 3_600, floorSeconds);
  assert.equal(read(undefined), 3_600);
  for (const seconds of [60, 61, 3_599, 3_600]) assert.equal(read(String(seconds)), seconds);
  for (const bad of ["", "0", "59", "3601", "-60", "+60", "060", "60.0", "6e1", "0x60", " 60", "٦٠", "9".repeat(11)])
    assert.equal(read(bad), undefined, bad);
  assert.equal(read("3600", 7_200), 3_600, "the longest, though the floor is above it");
});
