import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused } from "../support/refusals.ts";
import { type CodeFlow, type Tokens, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testRole } from "../support/test-role.ts";
import type { TestResourceServer } from "../support/test-tenant.ts";

// A scope is one of its resource server: at another it is another scope, though its name be the same (rule 33).

/** Links the application to another resource server, whose scopes and roles bear the same names. */
async function relink(flow: CodeFlow, server?: TestResourceServer): Promise<TestResourceServer> {
  const other = server ?? (await flow.tenant.addResourceServer());
  const role = await testRole(flow.tenant, other, other.settings.scopes);
  await role.addMember(flow.identityId);
  await flow.tenant.changeApplication(flow.application, (settings) => ({
    ...settings,
    resource_server_id: other.resourceServerId,
  }));
  return other;
}

/** The scope of the answer, of the JWT and of the introspection, which agree. */
async function assertScope(flow: CodeFlow, tokens: Tokens, expected: string): Promise<void> {
  assert.equal(tokens.scope, expected);
  const live = await flow.tenant.introspect(flow.application, tokens.access);
  assert.equal(live.active, true);
  assert.equal(live.scope ?? "", expected);
  assert.equal(decodeJwt(tokens.access).scope ?? "", expected);
}

describe("an application that was linked to another resource server after the login", () => {
  test("gets no scope of the former at the code's exchange, only the OpenID ones", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    await relink(flow);
    await assertScope(flow, tokensOf(await flow.exchange(grant)), "openid");
  });

  test("gets none at a refresh either, whether it names them or not", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    await assertScope(flow, login, "openid shoes:read shoes:write");
    await relink(flow);
    const whole = tokensOf(await flow.refresh(login.refresh));
    await assertScope(flow, whole, "openid");
    const named = tokensOf(await flow.refresh(whole.refresh, { scope: "openid shoes:read" }));
    await assertScope(flow, named, "openid");
    assertRefused(await flow.refresh(named.refresh, { scope: "boots:read" }), 400, "invalid_scope");
  });

  test("has them again when it is linked back", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    await relink(flow);
    const between = tokensOf(await flow.refresh(login.refresh));
    await relink(flow, flow.resourceServer);
    await assertScope(flow, tokensOf(await flow.refresh(between.refresh)), "openid shoes:read shoes:write");
  });

  test("gets those of the new one at the next login", async () => {
    const flow = await testCodeFlow();
    await flow.logIn();
    const other = await relink(flow);
    const login = await flow.logIn();
    await assertScope(flow, login, "openid shoes:read shoes:write");
    assert.ok([decodeJwt(login.access).aud].flat().includes(other.settings.identifier));
  });
});

test("a scope that the person's role lost between login and exchange is not in the token", async () => {
  const flow = await testCodeFlow();
  const grant = await flow.grant();
  await flow.role.setScopes(["shoes:read"]);
  await assertScope(flow, tokensOf(await flow.exchange(grant)), "openid shoes:read");
});
