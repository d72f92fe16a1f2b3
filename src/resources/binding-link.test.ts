import assert from "node:assert/strict";
import { test } from "node:test";
import { composeInvitation } from "./binding-link.ts";
import { mailLookOf, THEME_DEFAULTS } from "./theme/rules.ts";

const LINK = "https://id.example/v1/x:invokeAuthenticator?token=mayfly_bl_x";
const ADA = { displayName: "Ada", status: "active", address: "ada@example.com", language: "en" } as const;
const LOOK = mailLookOf(THEME_DEFAULTS, "Shop");

test("the mail brings the link in text and as a button in the realm's colours", () => {
  const theme = { ...THEME_DEFAULTS, button_color: "#123456", support_url: "https://shop.example/help" };
  const mail = composeInvitation({ look: mailLookOf(theme, "Shop"), person: ADA }, LINK);
  assert.deepEqual([mail.to, mail.subject], ["ada@example.com", "Set up your passkey for Shop"]);
  assert.ok(mail.text.split("\n").includes(LINK));
  assert.ok(mail.text.includes("Help: https://shop.example/help"));
  assert.match(mail.html ?? "", new RegExp(`href="${LINK.replace("?", "\\?")}"[^>]*background:#123456;color:#ffffff`));
});

test("a realm has a name of its own for mails, and the person a language", () => {
  const look = mailLookOf({ ...THEME_DEFAULTS, email_realm_name: "Ada's shop" }, "Shop");
  const mail = composeInvitation({ look, person: { ...ADA, language: "de" } }, LINK);
  assert.equal(mail.subject, "Richten Sie Ihren Passkey für Ada's shop ein");
  assert.match(mail.text, /^Guten Tag Ada,\n/);
});

test("names write neither lines nor markup of their own into a mail", () => {
  const person = { ...ADA, displayName: "<b>Ada</b>\r\nBcc: x" };
  const mail = composeInvitation({ look: { ...LOOK, realmName: "Shop\nSubject: <i>" }, person }, LINK);
  assert.equal(mail.subject, "Set up your passkey for Shop Subject: <i>");
  assert.match(mail.text, /^Hello <b>Ada<\/b> Bcc: x,\n/);
  assert.ok(!/<b>|<i>/.test(mail.html ?? ""));
});
