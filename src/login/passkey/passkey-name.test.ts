import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSKEY_NAME_MAX, readPasskeyName } from "./passkey-name.ts";

test("a name is kept as it was meant", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["  My   phone ", "My phone"],
    ["Zoe\u0308s Schlüssel", "Zoës Schlüssel"],
    ["<b>&amp;", "<b>&amp;"],
    ["👩‍👩‍👧", "👩‍👩‍👧"],
    ["ключ №1", "ключ №1"],
    ["🔑".repeat(PASSKEY_NAME_MAX), "🔑".repeat(PASSKEY_NAME_MAX)],
  ];
  for (const [typed, name] of cases) assert.equal(readPasskeyName(typed), name);
});

test("what cannot be seen, or changes what is around it, is no name", () => {
  const none = [
    undefined,
    "",
    "   ",
    "a\nb",
    "a\u0000",
    "\u202egnp.exe",
    "a\u2066b",
    "\u200b",
    "\u200d",
    "a\u2028b",
    "\ud800",
    "\u2060",
  ];
  for (const typed of none) assert.equal(readPasskeyName(typed), undefined, JSON.stringify(typed));
  assert.equal(readPasskeyName("x".repeat(PASSKEY_NAME_MAX)), "x".repeat(PASSKEY_NAME_MAX));
  assert.equal(readPasskeyName("x".repeat(PASSKEY_NAME_MAX + 1)), undefined);
});
