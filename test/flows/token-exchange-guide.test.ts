import assert from "node:assert/strict";
import { test } from "node:test";
import { guideShell } from "../support/guide-shell.ts";
import { testTenant } from "../support/test-tenant.ts";

test("the guide to token exchange, followed command by command", async () => {
  await using shell = await guideShell("token-exchange.md", await testTenant({ kind: "production" }));
  await shell.next();
  await shell.next();
  const refused = JSON.parse(await shell.next());
  const description = "subject_token is not a live access token that this application may exchange";
  assert.partialDeepStrictEqual(refused, { error: "invalid_request", error_description: description });
  assert.equal(await shell.next(), "1\n");
  const { access_token, lifetime, ...second } = JSON.parse(await shell.next());
  assert.match(access_token, /^mayfly_at_/);
  assert.deepEqual(second, {
    token_type: "Bearer",
    issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
    expires_in: 30,
    scope: "stock:read",
    max_uses: 2,
  });
  assert.partialDeepStrictEqual(lifetime, { requested: 30, granted: 30, mode: "exact", limited_by: "parent" });
  const { sub, client_id, act, ...seen } = JSON.parse(await shell.next());
  assert.deepEqual(act, { sub: client_id, client_id });
  assert.notEqual(sub, client_id);
  assert.partialDeepStrictEqual(seen, { active: true, scope: "stock:read", uses_left: 2 });
  const errors = (await shell.next()).split("\n").map((line) => JSON.parse(line).error);
  assert.deepEqual(errors, ["invalid_scope", "invalid_request", "invalid_target"]);
  const { tokens } = JSON.parse(await shell.next());
  assert.deepEqual([tokens.length, tokens[1].parent_id, tokens[1].alive], [2, tokens[0].id, true]);
  assert.equal(await shell.next(), '{"active":false}');
});
