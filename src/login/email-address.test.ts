import assert from "node:assert/strict";
import { test } from "node:test";
import { readEmailKey } from "./email-address.ts";

test("an address is compared without its case and the spaces around it (rule 2)", () => {
  assert.equal(readEmailKey("  Ada.Lovelace@Example.COM "), "ada.lovelace@example.com");
  assert.equal(readEmailKey("ada+login@example.com"), "ada+login@example.com");
});

const REFUSED = [
  undefined,
  "",
  "ada",
  "ada@",
  "@example.com",
  "a@b@c",
  "ada@example.com, eve@example.com",
  "ada@example.com;eve@example.com",
  "Ada <ada@example.com>",
  '"ada"@example.com',
  "ada(comment)@example.com",
  "ada@example.com\r\nBcc: eve@example.com",
  `${"a".repeat(250)}@example.com`,
];
for (const typed of REFUSED) {
  test(`${JSON.stringify(typed)?.slice(0, 40)} is not one address`, () => assert.equal(readEmailKey(typed), undefined));
}
