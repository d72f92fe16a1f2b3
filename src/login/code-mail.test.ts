import assert from "node:assert/strict";
import { test } from "node:test";
import type { MailLook } from "../http/mail-layout.ts";
import { type CodeMail, composeCodeMail } from "./code-mail.ts";

const LOOK: MailLook = {
  realmName: "Customers",
  logo: { light: undefined, dark: undefined },
  supportUrl: undefined,
  colors: { background: "#0b6658", text: "#ffffff" },
};
const mailFor = (changes: Partial<CodeMail> = {}) =>
  composeCodeMail({
    to: "ada@example.com",
    code: "012345",
    application: "Shoes",
    language: "en",
    look: LOOK,
    ...changes,
  });

test("a code's mail says the code, what for, how long, and what to do if it was somebody else", () => {
  const mail = mailFor();
  assert.equal(mail.to, "ada@example.com");
  assert.equal(mail.subject, "Your sign-in code for Shoes");
  for (const part of [mail.text, mail.html ?? ""]) {
    for (const wanted of [/\b012345\b/, /Shoes/, /Customers/, /10 minutes/, /If this was not you/])
      assert.match(part, wanted);
  }
});

test("a code's mail is in the language of the page that it was asked for on", () => {
  const german = mailFor({ language: "de" });
  assert.equal(german.subject, "Ihr Anmeldecode für Shoes");
  assert.match(german.text, /Er gilt 10 Minuten/);
  assert.match(german.html ?? "", /<html lang="de">/);
  assert.match(mailFor({ language: "es" }).text, /Vale durante 10 minutos/);
});

test("a name is one line of a mail, and no markup", () => {
  const mail = mailFor({ application: 'A\r\nBcc: eve@example.com\u2028\u0085 <img src="x">' });
  assert.equal(mail.subject, 'Your sign-in code for A Bcc: eve@example.com  <img src="x">');
  assert.ok(!mail.text.includes("\nBcc:"));
  assert.ok(!mail.html?.includes("<img"));
});
