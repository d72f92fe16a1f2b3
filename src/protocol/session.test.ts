import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OAuthError } from "./oauth-error.ts";
import { decideLogin, isSessionOpen, type LoginWish, type OpenSession, refuseInteraction } from "./session.ts";

const POLICY = { idleSeconds: 100, absoluteSeconds: 1_000 };
const NOW = 10_000;

describe("whether a session is open", () => {
  const session = { authTime: NOW - 500, seenAt: NOW - 50, endedAt: undefined, identityIsDead: false };

  test("it is, until the second of either end", () => {
    assert.equal(isSessionOpen(session, POLICY, NOW), true);
    assert.equal(isSessionOpen(session, POLICY, NOW + 49), true);
    assert.equal(isSessionOpen(session, POLICY, NOW + 50), false);
    const used = { ...session, seenAt: NOW + 499 };
    assert.equal(isSessionOpen(used, POLICY, NOW + 499), true);
    assert.equal(isSessionOpen(used, POLICY, NOW + 500), false);
  });

  test("it is not once it was ended, or its person may not log in", () => {
    assert.equal(isSessionOpen({ ...session, endedAt: NOW - 1 }, POLICY, NOW), false);
    assert.equal(isSessionOpen({ ...session, identityIsDead: true }, POLICY, NOW), false);
  });
});

describe("what a request needs of the person", () => {
  const wish: LoginWish = {
    ...{ prompts: [], maxAgeSeconds: undefined, isNative: false },
    ...{ methodAcrs: ["mayfly:1", "mayfly:3"], requestedAcrs: [], acrIsEssential: false },
  };
  const open: OpenSession = {
    ...{ authTime: NOW - 60, acr: "mayfly:1", isHinted: undefined, hasHintedAddress: undefined },
    asksConsent: false,
  };
  const CASES: readonly (readonly [string, Partial<LoginWish>, Partial<OpenSession> | undefined, string])[] = [
    ["no session", {}, undefined, "login"],
    ["an open session", {}, {}, "nothing"],
    ["prompt=login", { prompts: ["login"] }, {}, "login"],
    ["max_age that is met to the second", { maxAgeSeconds: 60 }, {}, "nothing"],
    ["max_age that is passed", { maxAgeSeconds: 59 }, {}, "login"],
    ["max_age=0 in the second of the login", { maxAgeSeconds: 0 }, { authTime: NOW }, "login"],
    ["another person's id_token_hint", {}, { isHinted: false }, "login"],
    ["this person's id_token_hint", {}, { isHinted: true }, "nothing"],
    ["another address in login_hint", {}, { hasHintedAddress: false }, "account"],
    ["prompt=select_account", { prompts: ["select_account"] }, {}, "account"],
    ["consent that is to be asked for", {}, { asksConsent: true }, "consent"],
    ["an account before consent", { prompts: ["select_account"] }, { asksConsent: true }, "account"],
    ["a native request", { isNative: true }, {}, "native"],
    ["an application that takes passkeys only", { methodAcrs: ["mayfly:3"] }, {}, "login"],
    [
      "an application that takes codes only, and a passkey",
      { methodAcrs: ["mayfly:1"] },
      { acr: "mayfly:3" },
      "nothing",
    ],
    ["a stronger class that a login can reach", { requestedAcrs: ["mayfly:3"] }, {}, "login"],
    ["it without asking", { requestedAcrs: ["mayfly:3"], prompts: ["none"] }, {}, "nothing"],
    [
      "it without asking, as essential",
      { requestedAcrs: ["mayfly:3"], prompts: ["none"], acrIsEssential: true },
      {},
      "login",
    ],
    ["one of two classes", { requestedAcrs: ["mayfly:3", "mayfly:1"] }, {}, "nothing"],
    ["a class that the session has", { requestedAcrs: ["mayfly:3"] }, { acr: "mayfly:3" }, "nothing"],
    ["a class that no login here reaches", { requestedAcrs: ["mayfly:3"], methodAcrs: ["mayfly:1"] }, {}, "nothing"],
    ["a class that nobody knows", { requestedAcrs: ["urn:other"] }, {}, "nothing"],
  ];
  for (const [name, asked, session, need] of CASES) {
    test(`${name}: ${need}`, () => {
      const found = session === undefined ? undefined : { ...open, ...session };
      assert.equal(decideLogin({ ...wish, ...asked }, found, NOW), need);
    });
  }

  test("prompt=none refuses whatever would have to be asked, by its own name (OIDC Core §3.1.2.6)", () => {
    const none = { ...wish, prompts: ["none"] };
    const told = (refused: LoginWish, need: Parameters<typeof refuseInteraction>[1]): string | undefined => {
      try {
        refuseInteraction(refused, need);
        return undefined;
      } catch (error) {
        return error instanceof OAuthError ? error.code : "another";
      }
    };
    assert.equal(told(none, "nothing"), undefined);
    assert.equal(told(none, "login"), "login_required");
    assert.equal(told(none, "account"), "account_selection_required");
    assert.equal(told(none, "consent"), "consent_required");
    assert.equal(told({ ...none, isNative: true }, "login"), "interaction_required");
    assert.equal(told(wish, "login"), undefined);
  });
});
