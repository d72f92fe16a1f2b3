import assert from "node:assert/strict";
import type { CodeFlow, Tokens } from "./test-code-flow.ts";
import type { TestApplication } from "./test-tenant.ts";

/** Whether the refresh token of a response works, as introspection says. */
export async function isLiveRefresh(
  flow: CodeFlow,
  tokens: Tokens,
  application: TestApplication = flow.application,
): Promise<boolean> {
  return (await flow.tenant.introspect(application, tokens.refresh)).active === true;
}

/** Asserts that the tokens of a response are dead everywhere: introspection, the token endpoint and the list. */
export async function assertDead(
  flow: CodeFlow,
  tokens: Tokens,
  application: TestApplication = flow.application,
): Promise<void> {
  assert.deepEqual(await flow.tenant.introspect(application, tokens.access), { active: false });
  assert.deepEqual(await flow.tenant.introspect(application, tokens.refresh), { active: false });
  const refreshed = await flow.tenant.token(application, {
    grant_type: "refresh_token",
    refresh_token: tokens.refresh,
  });
  assert.equal(refreshed.json?.error, "invalid_grant", refreshed.text);
  const listed = await flow.tenant.manage("GET", `/applications/${application.key.applicationId}/tokens`);
  assert.deepEqual(listed.json?.tokens, []);
}
