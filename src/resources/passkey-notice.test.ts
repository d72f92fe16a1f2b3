import assert from "node:assert/strict";
import { test } from "node:test";
import { composePasskeyNotice, type ToldChange } from "./passkey-notice.ts";
import { mailLookOf, THEME_DEFAULTS } from "./theme/rules.ts";

const LOOK = mailLookOf(THEME_DEFAULTS, "Shop");
const CHANGE: ToldChange = {
  accountUrl: "https://id.example/account",
  kind: "PASSKEY_ADDED",
  passkeyName: "iCloud Keychain",
  source: { actor: { type: "Anonymous" }, traceId: Buffer.alloc(16), atMs: Date.UTC(2026, 10, 26, 5, 46) },
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0 <b>",
};
const personOf = (traits: object = {}) => ({
  displayName: "Ada",
  traits: { type: "traits_v0" as const, username: "ada", primary_email_address: "ada@example.com", ...traits },
});

test("a new passkey is told of with its name, when, in which browser, and what to do", () => {
  const { to, subject, text } = composePasskeyNotice(CHANGE, personOf(), LOOK);
  assert.deepEqual([to, subject], ["ada@example.com", "A passkey was added to your account at Shop"]);
  for (const wanted of [
    /^Passkey: iCloud Keychain$/m,
    /^Time: November 26, 2026 .*5:46/m,
    /^Browser: Firefox on Linux$/m,
  ])
    assert.match(text, wanted);
  assert.match(text, /If it was not you/);
  assert.ok(text.split("\n").includes(CHANGE.accountUrl));
});

test("a notice is in the person's language and time zone, where they are any", () => {
  const person = personOf({ preferred_language: "de-AT, en;q=0.5", timezone: "Europe/Vienna" });
  const german = composePasskeyNotice({ ...CHANGE, kind: "PASSKEY_REMOVED", userAgent: undefined }, person, LOOK);
  assert.equal(german.subject, "Ein Passkey wurde aus Ihrem Konto bei Shop entfernt");
  assert.match(german.text, /^Zeit: 26\. November 2026 .*6:46 MEZ$/m);
  assert.doesNotMatch(german.text, /Browser/);
  const nowhere = composePasskeyNotice(CHANGE, personOf({ timezone: "Middle-earth" }), LOOK);
  assert.match(nowhere.text, /^Time: .*5:46.*UTC$/m);
});
