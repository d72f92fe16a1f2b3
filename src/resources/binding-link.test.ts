import assert from "node:assert/strict";
import { test } from "node:test";
import { composeInvitation } from "./binding-link.ts";
import type { BindingPlace } from "./binding-place/queries.ts";
import { THEME_DEFAULTS } from "./theme/rules.ts";

const LINK = "https://id.example/v1/x:invokeAuthenticator?token=mayfly_bl_x";

function place(changes: Partial<BindingPlace> = {}): BindingPlace {
  const person = { displayName: "Ada", status: "active", address: "ada@example.com" } as const;
  const around = { tenantKind: "production", clockOffsetSeconds: 0, theme: THEME_DEFAULTS } as const;
  return { ...around, realmName: "Shop", person, ...changes };
}

test("the mail brings the link in text and as a button in the realm's colours", () => {
  const theme = { ...THEME_DEFAULTS, button_color: "#123456", support_url: "https://shop.example/help" };
  const mail = composeInvitation(place({ theme }), LINK);
  assert.deepEqual([mail.to, mail.subject], ["ada@example.com", "Set up your passkey for Shop"]);
  assert.ok(mail.text.split("\n").includes(LINK));
  assert.ok(mail.text.includes("Help: https://shop.example/help"));
  assert.match(mail.html ?? "", new RegExp(`href="${LINK.replace("?", "\\?")}"[^>]*background:#123456;color:#FFFFFF`));
});

test("names write neither lines nor markup of their own into a mail", () => {
  const person = { displayName: "<b>Ada</b>\r\nBcc: x", status: "active", address: "ada@example.com" } as const;
  const mail = composeInvitation(place({ realmName: "Shop\nSubject: <i>", person }), LINK);
  assert.equal(mail.subject, "Set up your passkey for Shop Subject: <i>");
  assert.match(mail.text, /^Hello <b>Ada<\/b> Bcc: x,\n/);
  assert.ok(!/<b>|<i>/.test(mail.html ?? ""));
});
