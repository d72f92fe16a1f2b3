import assert from "node:assert/strict";
import { test } from "node:test";
import { guideShell } from "../support/guide-shell.ts";
import { testTenant } from "../support/test-tenant.ts";

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text);
}

test("the guide to previews, followed command by command", async () => {
  await using shell = await guideShell("preview.md", await testTenant({ kind: "production" }));
  await shell.next();
  const granted = parse(await shell.next());
  assert.deepEqual([granted.granted, granted.expires_in, granted.scope], [true, 900, "tenants:read"]);
  assert.deepEqual(granted.scopes_dropped, [{ scope: "shoes:polish", rule: "allowed_scopes" }]);
  const refused = parse(await shell.next());
  assert.deepEqual([refused.granted, refused.status, refused.error], [false, 400, "invalid_request"]);
  assert.match(JSON.stringify(refused.lifetime), /"won":true/);
});

test("the guide to shortening, followed command by command", async () => {
  await using shell = await guideShell("shorten.md", await testTenant({ kind: "production" }));
  await shell.next();
  const first = parse(await shell.next());
  assert.equal(first.expires_in, 300);
  const told = parse(await shell.next());
  assert.deepEqual([told.exp, told.issued_lifetime], [first.exp, 3_600]);
  assert.equal(parse(await shell.next()).exp, first.exp);
});

test("the guide to tokens that work once, followed command by command", async () => {
  await using shell = await guideShell("one-use-tokens.md", await testTenant({ kind: "production" }));
  await shell.next();
  await shell.next();
  assert.equal(parse(await shell.next()).uses_left, 1);
  assert.equal(parse(await shell.next()).active, true);
  assert.deepEqual(parse(await shell.next()), { active: false });
  const later = parse(await shell.next());
  assert.ok(Number(later.expires_in) >= 1_858 && Number(later.expires_in) <= 1_861, String(later.expires_in));
});
