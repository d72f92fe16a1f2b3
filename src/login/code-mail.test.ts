import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { composeCodeMail } from "./code-mail.ts";

/** Only the names are read. */
function contextOf(displayName: string): ApplicationContext {
  return { client: { displayName }, realm: { displayName: "Customers" } } as ApplicationContext;
}

test("a code's mail says the code, what for, how long, and what to do if it was somebody else", () => {
  const mail = composeCodeMail(contextOf("Shoes"), "ada@example.com", "012345");
  assert.equal(mail.to, "ada@example.com");
  assert.equal(mail.subject, "Your sign-in code for Shoes");
  for (const part of [mail.text, mail.html ?? ""]) {
    for (const wanted of [/\b012345\b/, /Shoes/, /Realm: Customers/, /10 minutes/, /If this was not you/])
      assert.match(part, wanted);
  }
});

test("a name is one line of a mail, and no markup", () => {
  const mail = composeCodeMail(
    contextOf('A\r\nBcc: eve@example.com\u2028\u0085 <img src="x">'),
    "ada@example.com",
    "012345",
  );
  assert.equal(mail.subject, 'Your sign-in code for A Bcc: eve@example.com  <img src="x">');
  assert.ok(!mail.text.includes("\nBcc:"));
  assert.ok(!mail.html?.includes("<img"));
});
