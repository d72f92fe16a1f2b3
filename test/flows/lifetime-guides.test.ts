import assert from "node:assert/strict";
import { test } from "node:test";
import { guideShell } from "../support/guide-shell.ts";
import { endTokensLate } from "../support/late-revocations.ts";
import { testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

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

test("a guide that is followed again says what the server says", async () => {
  const tenant = await testTenant({ kind: "production" });
  for (const told of [undefined, /"code":"conflict","message":"[^"]*already exists/]) {
    await using shell = await guideShell("one-use-tokens.md", tenant);
    if (told === undefined) await shell.next();
    else await assert.rejects(shell.next(), told);
  }
});

test("the guide to tokens as long as they are used, followed command by command", async () => {
  await using shell = await guideShell("right-sizing.md", await testTenant());
  await shell.next();
  await shell.declare("right-sizing.yaml", ["OPERATOR_SECRET", "REPORTS_SECRET"]);
  await shell.next();
  await shell.next();
  const seen = await shell.next();
  assert.partialDeepStrictEqual(parse(seen).all, {
    tokens_issued: 40,
    uses_seen: 121,
    default_lifetime: 86_400,
    recommended_lifetime: 180,
    unused_exposure: { token_seconds: 3_448_800, share: 0.9979 },
    later_uses: 1,
  });
  const table = await shell.next();
  assert.match(table, /^recommended {7}3 minutes\nunused exposure {3}99\.8 % .*\nlater uses {8}1 of 121$/m);
  const { application_id, ...applied } = parse(await shell.next());
  assert.equal(application_id, parse(seen).application_id);
  assert.deepEqual(applied, { default_expires_after: 180, basis: "recommendation" });
  assert.equal(await shell.next(), "180\n7200\n");
  const refused = parse(await shell.next());
  assert.deepEqual([refused.code, /^nothing is recommended/.test(String(refused.message))], ["conflict", true]);
});

test("the guide to ending many tokens at once, followed command by command", async () => {
  const tenant = await testTenant();
  await using shell = await guideShell("revoke-many.md", tenant);
  await shell.next();
  await shell.declare("revoke-many.yaml", ["OPERATOR_SECRET", "CLIENT_SECRET"]);
  await shell.next();
  let receipt = "";
  const told = shell.next().then((text) => {
    receipt = text;
  });
  const endAll = async (): Promise<boolean> => {
    await endTokensLate(tenant.server);
    return receipt !== "";
  };
  await waitUntil(endAll, "it is not done", { everyMs: 100, msMax: 10_000 });
  await told;
  assert.match(receipt, /^state +DONE\nmatched +2\nalready dead +0\nrevoked +2\naccepted offline +for 23 hours/m);
  assert.equal(await shell.next(), "false\ntrue\nfalse\n");
});
