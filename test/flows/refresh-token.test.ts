import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertInvalidGrant, assertRefused } from "../support/refusals.ts";
import { type CodeFlow, REFRESH, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

const SIBLINGS_MAX = 8;

async function isActive({ tenant, application }: CodeFlow, token: string): Promise<boolean> {
  return (await tenant.introspect(application, token)).active === true;
}

async function renew(flow: CodeFlow, token: string): Promise<string> {
  return tokensOf(await flow.refresh(token)).refresh;
}

describe("rotation (rules 3 and 4)", () => {
  test("each refresh gives a new refresh token, and spending one touches no access token (rule 13)", async () => {
    const flow = await testCodeFlow();
    const first = await flow.logIn();
    const second = tokensOf(await flow.refresh(first.refresh));
    const third = tokensOf(await flow.refresh(second.refresh));
    assert.equal(new Set([first.refresh, second.refresh, third.refresh]).size, 3);
    for (const { access } of [first, second, third]) assert.equal(await isActive(flow, access), true);
    assert.equal(await isActive(flow, third.refresh), true);
  });

  test("a spent token is inactive at introspection", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    await renew(flow, refresh);
    assert.equal(await isActive(flow, refresh), false);
  });

  test("the tokens of a family all end at its first issue plus absolute_duration, however often it was refreshed", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    await flow.tenant.advance(3_000);
    const second = await renew(flow, refresh);
    const facts = await flow.tenant.introspect(flow.application, second);
    assert.equal(Number(facts.exp) - Number(facts.iat), REFRESH.absolute_duration - 3_000);
    await flow.tenant.advance(599);
    const third = await renew(flow, second);
    await flow.tenant.advance(1);
    assertInvalidGrant(await flow.refresh(third));
    assert.equal(await isActive(flow, third), false);
  });

  test("with rotate: false the one token is kept and the response carries none", async () => {
    const flow = await testCodeFlow({ config: { refresh_token_configuration: { ...REFRESH, rotate: false } } });
    const { refresh } = await flow.logIn();
    for (const _ of [1, 2, 3]) {
      const answer = await flow.refresh(refresh);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(!("refresh_token" in (answer.json ?? {})));
      await flow.tenant.advance(100);
    }
    await flow.tenant.advance(REFRESH.absolute_duration - 300);
    assertInvalidGrant(await flow.refresh(refresh));
  });

  test("an application without refresh tokens gives none and takes none", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    await flow.tenant.changeApplication(flow.application, ({ protocol_config }) => ({
      protocol_config: { ...protocol_config, refresh_token_configuration: { ...REFRESH, enabled: false } },
    }));
    assert.equal((await flow.logIn()).refresh, "");
    assertRefused(await flow.refresh(refresh), 400, "unauthorized_client");
  });
});

describe("the grace window (rule 3)", () => {
  test("within it the spent token gives siblings: eight in all; a ninth is refused and ends nothing", async () => {
    const flow = await testCodeFlow();
    const { refresh, access } = await flow.logIn();
    const siblings = await Promise.all(Array.from({ length: SIBLINGS_MAX }, () => renew(flow, refresh)));
    assert.equal(new Set(siblings).size, SIBLINGS_MAX);
    assertInvalidGrant(await flow.refresh(refresh));
    for (const sibling of siblings) assert.equal(await isActive(flow, sibling), true);
    assert.equal(await isActive(flow, access), true);
    await renew(flow, siblings[0] ?? "");
  });

  test("it is counted from the first spend, and does not move with later ones", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    await renew(flow, refresh);
    await flow.tenant.advance(9);
    const sibling = await renew(flow, refresh);
    await flow.tenant.advance(1);
    assertInvalidGrant(await flow.refresh(refresh));
    assertInvalidGrant(await flow.refresh(sibling));
  });

  test("the first use of one sibling spends the others; presenting one of those kills the family", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    const [one, other] = [await renew(flow, refresh), await renew(flow, refresh)];
    const used = tokensOf(await flow.refresh(one));
    assert.equal(await isActive(flow, other), false);
    assertInvalidGrant(await flow.refresh(other));
    assert.equal(await isActive(flow, used.access), false);
    assertInvalidGrant(await flow.refresh(used.refresh));
  });

  test("owner and thief both refresh inside the window and both use their successor: the family is dead", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    const owner = tokensOf(await flow.refresh(login.refresh));
    const thief = tokensOf(await flow.refresh(login.refresh));
    const thiefNext = tokensOf(await flow.refresh(thief.refresh));
    assertInvalidGrant(await flow.refresh(owner.refresh));
    assertInvalidGrant(await flow.refresh(thiefNext.refresh));
    for (const { access } of [login, owner, thief, thiefNext]) assert.equal(await isActive(flow, access), false);
  });

  test("without a window every second use of a token kills the family", async () => {
    const flow = await testCodeFlow({ config: { refresh_token_configuration: { ...REFRESH, grace_seconds: 0 } } });
    const { refresh } = await flow.logIn();
    const next = tokensOf(await flow.refresh(refresh));
    assertInvalidGrant(await flow.refresh(refresh));
    assert.equal(await isActive(flow, next.access), false);
    assertInvalidGrant(await flow.refresh(next.refresh));
  });

  test("the successor's own use closes the window of its parent", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    const last = tokensOf(await flow.refresh(await renew(flow, refresh)));
    assertInvalidGrant(await flow.refresh(refresh));
    assertInvalidGrant(await flow.refresh(last.refresh));
  });
});

describe("reuse (RFC 9700 4.14.2)", () => {
  test("after the window a spent token kills all tokens of its family, and of no other", async () => {
    const flow = await testCodeFlow();
    const [login, other] = [await flow.logIn(), await flow.logIn()];
    const next = tokensOf(await flow.refresh(login.refresh));
    await flow.tenant.advance(11);
    assertInvalidGrant(await flow.refresh(login.refresh));
    assert.equal(await isActive(flow, login.access), false);
    assert.equal(await isActive(flow, next.access), false);
    assertInvalidGrant(await flow.refresh(next.refresh));
    assert.equal(await isActive(flow, other.access), true);
    await renew(flow, other.refresh);
  });

  test("another client's reuse ends nothing", async () => {
    const flow = await testCodeFlow();
    const other = await testCodeFlow({ tenant: flow.tenant, server: flow.resourceServer });
    const { refresh } = await flow.logIn();
    const next = await renew(flow, refresh);
    await flow.tenant.advance(11);
    assertInvalidGrant(await other.refresh(refresh));
    assertInvalidGrant(await other.refresh(next));
    await renew(flow, next);
  });

  test("what is no refresh token of ours is refused with the same words and ends nothing", async () => {
    const flow = await testCodeFlow();
    const { refresh, access } = await flow.logIn();
    const { code } = await flow.grant();
    const typo = `${refresh.slice(0, 60)}${refresh[60] === "A" ? "B" : "A"}${refresh.slice(61)}`;
    for (const wrong of ["x", typo, `${refresh}x`, refresh.slice(0, -1), access, code, "mayfly_rt_"]) {
      assertInvalidGrant(await flow.refresh(wrong));
    }
    await renew(flow, refresh);
  });
});

describe("a refused refresh consumes nothing", () => {
  const refusals: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ expiration_time: "86401" }, "invalid_request"],
    [{ expiration_time: "0" }, "invalid_request"],
    [{ scope: "boots:read" }, "invalid_scope"],
    [{ custom_claims: "{" }, "invalid_request"],
  ];
  for (const [form, error] of refusals) {
    test(`${JSON.stringify(form)} is ${error}, and the same token still works with no window`, async () => {
      const flow = await testCodeFlow({ config: { refresh_token_configuration: { ...REFRESH, grace_seconds: 0 } } });
      const { refresh } = await flow.logIn();
      assertRefused(await flow.refresh(refresh, form), 400, error);
      await renew(flow, refresh);
    });
  }
});

describe("the scope of a refresh (rule 33)", () => {
  test("narrowing binds one access token and is never remembered", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    const narrow = tokensOf(await flow.refresh(login.refresh, { scope: "shoes:read" }));
    assert.equal(narrow.scope, "shoes:read");
    assert.equal(narrow.idToken, "", "no ID token without openid");
    const whole = tokensOf(await flow.refresh(narrow.refresh));
    assert.equal(whole.scope, "openid shoes:read shoes:write");
  });

  test("a scope whose role was lost is dropped, one that was never granted is invalid_scope", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn({ scope: "openid shoes:read" });
    assertRefused(await flow.refresh(login.refresh, { scope: "shoes:write" }), 400, "invalid_scope");
    await flow.role.removeMember(flow.identityId);
    const asked = tokensOf(await flow.refresh(login.refresh, { scope: "shoes:read" }));
    assert.equal(asked.scope, "");
    await flow.role.addMember(flow.identityId);
    assert.equal(tokensOf(await flow.refresh(asked.refresh)).scope, "openid shoes:read");
  });

  test("a scope that the application lost is dropped", async () => {
    const flow = await testCodeFlow();
    const login = await flow.logIn();
    await flow.tenant.changeApplication(flow.application, ({ protocol_config }) => ({
      protocol_config: { ...protocol_config, allowed_scopes: ["shoes:read"] },
    }));
    assert.equal(tokensOf(await flow.refresh(login.refresh)).scope, "openid shoes:read");
  });
});

describe("custom claims of a family (reference 1.7)", () => {
  test("are carried over, and replaced by new ones for all that follows", async () => {
    const flow = await testCodeFlow();
    const claimsOf = async (token: string) => (await flow.tenant.introspect(flow.application, token)).bi_custom;
    const login = await flow.logIn({}, { custom_claims: '{"a":1}' });
    const carried = tokensOf(await flow.refresh(login.refresh));
    const replaced = tokensOf(await flow.refresh(carried.refresh, { custom_claims: '{"b":2}' }));
    const after = tokensOf(await flow.refresh(replaced.refresh, { custom_claims: "" }));
    assert.deepEqual(await claimsOf(login.access), { a: 1 });
    assert.deepEqual(await claimsOf(carried.access), { a: 1 });
    assert.deepEqual(await claimsOf(replaced.access), { b: 2 });
    assert.deepEqual(await claimsOf(after.access), { b: 2 });
  });

  test("are absent where none were ever sent", async () => {
    const flow = await testCodeFlow();
    const { access } = tokensOf(await flow.refresh((await flow.logIn()).refresh));
    assert.ok(!("bi_custom" in (await flow.tenant.introspect(flow.application, access))));
  });
});

describe("who may refresh", () => {
  test("a confidential client with its secret only", async () => {
    const flow = await testCodeFlow();
    const { refresh } = await flow.logIn();
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh });
    assert.equal((await fetch(`${flow.application.issuer}/token`, { method: "POST", body })).status, 401);
    await renew(flow, refresh);
  });

  test("a public client, which need not name itself: its refresh token is bound to it", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const { refresh } = await flow.logIn();
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh });
    const answer = await fetch(`${flow.application.issuer}/token`, { method: "POST", body });
    assert.equal(answer.status, 200);
    const other = await testCodeFlow({
      tenant: flow.tenant,
      server: flow.resourceServer,
      config: { confidentiality: "public" },
    });
    assertInvalidGrant(await other.refresh((await flow.logIn()).refresh));
  });
});
