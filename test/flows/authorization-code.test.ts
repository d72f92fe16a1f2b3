import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findIdentity, settingsOf, updateIdentitySettings } from "../../src/resources/identity/queries.ts";
import { assertInvalidGrant, assertRefused } from "../support/refusals.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, REDIRECT_URI, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

const FOREIGN_URI = "https://client.example/other";

async function isActive({ tenant, application }: CodeFlow, token: string): Promise<boolean> {
  return (await tenant.introspect(application, token)).active === true;
}

/** Suspends the person, or brings them back. */
async function setStatus({ tenant, identityId }: CodeFlow, status: "active" | "suspended"): Promise<void> {
  const { deps } = tenant.server;
  const db = deps.database.tenants([tenant.tenantId]);
  const key = { ...tenant.realm, identityId };
  const identity = await findIdentity(db, key);
  assert.ok(identity);
  await updateIdentitySettings(db, key, { ...settingsOf(identity), status }, deps.clock.nowMs());
}

describe("a code becomes tokens", () => {
  test("with PKCE and without a redirect URI, for exactly the lifetime asked for", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const form = { scope: "shoes:read", expiration_time: "900" };
    const answer = await flow.exchange(await flow.grant(), form);
    const { scope, json } = tokensOf(answer);
    assert.equal(scope, "shoes:read");
    assert.equal(json.expires_in, 900);
    assert.equal(json.token_type, "Bearer");
    assert.equal(answer.headers.get("cache-control"), "no-store");
  });

  test("without PKCE for a confidential client, with its redirect URI", async () => {
    const flow = await testCodeFlow({ config: { pkce: "disabled" } });
    const { code } = await flow.grant({ pkce: "none" });
    const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI };
    tokensOf(await flow.tenant.token(flow.application, form));
  });

  test("with a plain challenge and a redirect URI", async () => {
    const flow = await testCodeFlow();
    tokensOf(await flow.exchange(await flow.grant({ pkce: "plain" }), { redirect_uri: REDIRECT_URI }));
  });

  test("its access token names client, resource server, person and grant", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn();
    const facts = await flow.tenant.introspect(flow.application, access);
    const realm = `tenants/${flow.tenant.tenantId}/realms/${flow.tenant.realm.realmId}`;
    assert.deepEqual(facts.aud, [flow.application.clientId, flow.resourceServer.settings.identifier]);
    assert.equal(facts.sub, flow.identityId);
    assert.equal(facts.bi_p, `${realm}/identities/${flow.identityId}`);
    assert.equal(facts.azp, `${realm}/applications/${flow.application.key.applicationId}`);
    assert.equal(facts.bi_ty, "authorization_code");
    assert.equal(facts.client_id, flow.application.clientId);
  });
});

describe("what must match (rule 6)", () => {
  test("a redirect URI that is sent must be the one of the login", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    assertInvalidGrant(await flow.exchange(grant, { redirect_uri: FOREIGN_URI }));
    assertInvalidGrant(await flow.exchange(grant, { redirect_uri: `${REDIRECT_URI}/` }));
    tokensOf(await flow.exchange(grant, { redirect_uri: REDIRECT_URI }));
  });

  test("it may be left out without S256 only by a confidential client that had one redirect URI at the login", async () => {
    const flow = await testCodeFlow({ config: { pkce: "disabled" } });
    const spend = async (redirectUriOptional: boolean) => {
      const { code } = await flow.grant({ pkce: "none", redirectUriOptional });
      return flow.tenant.token(flow.application, { grant_type: "authorization_code", code });
    };
    tokensOf(await spend(true));
    assertInvalidGrant(await spend(false));
  });

  test("a plain challenge does not excuse a missing redirect URI, and a public client needs S256 or the URI", async () => {
    const confidential = await testCodeFlow();
    assertInvalidGrant(await confidential.exchange(await confidential.grant({ pkce: "plain" })));
    const open = await testCodeFlow({ config: { confidentiality: "public" } });
    assertInvalidGrant(await open.exchange(await open.grant({ pkce: "plain", redirectUriOptional: true })));
  });

  test("a verifier must be the challenge's own, and may neither be missing nor come without one", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const { code, verifier } = grant;
    assertInvalidGrant(await flow.exchange(grant, { code_verifier: "x".repeat(43) }));
    assertInvalidGrant(await flow.tenant.token(flow.application, { grant_type: "authorization_code", code }));
    assertInvalidGrant(await flow.exchange(await flow.grant({ pkce: "none" }), { redirect_uri: REDIRECT_URI }));
    tokensOf(await flow.exchange({ ...grant, verifier }));
  });

  test("another client's code is refused, and still works for its own client", async () => {
    const flow = await testCodeFlow();
    const other = await testCodeFlow({ tenant: flow.tenant, server: flow.resourceServer });
    const stranger = await testCodeFlow();
    const grant = await flow.grant();
    assertInvalidGrant(await other.exchange(grant, { redirect_uri: REDIRECT_URI }));
    assertInvalidGrant(await stranger.exchange(grant));
    tokensOf(await flow.exchange(grant));
  });

  test("what is no code of ours is refused with the same words", async () => {
    const flow = await testCodeFlow();
    const { code, verifier, ...rest } = await flow.grant();
    const { refresh, access } = await flow.logIn();
    const typo = `${code.slice(0, 40)}${code[40] === "A" ? "B" : "A"}${code.slice(41)}`;
    for (const wrong of ["x", typo, `${code} `, code.slice(0, -1), refresh, access, "mayfly_ac_", code.toUpperCase()]) {
      assertInvalidGrant(await flow.exchange({ ...rest, code: wrong, verifier }));
    }
    tokensOf(await flow.exchange({ ...rest, code, verifier }));
  });
});

describe("a code lives for 60 seconds", () => {
  test("it works in the 59th second and not in the 60th", async () => {
    const flow = await testCodeFlow();
    const [early, late] = [await flow.grant(), await flow.grant()];
    await flow.tenant.advance(59);
    tokensOf(await flow.exchange(early));
    await flow.tenant.advance(1);
    assertInvalidGrant(await flow.exchange(late));
  });
});

describe("what a request may narrow (rule 33)", () => {
  test("scope at the exchange binds this access token only; the refresh token keeps all that was granted", async () => {
    const flow = await testCodeFlow();
    const narrowed = await flow.logIn({}, { scope: "shoes:write" });
    assert.equal(narrowed.scope, "shoes:write");
    assert.equal(narrowed.idToken, "", "no ID token without openid");
    const refreshed = tokensOf(await flow.refresh(narrowed.refresh));
    assert.equal(refreshed.scope, "openid shoes:read shoes:write");
    assert.notEqual(refreshed.idToken, "");
  });

  test("the order of the request is kept and duplicates are removed", async () => {
    const flow = await testCodeFlow();
    const { scope } = await flow.logIn({}, { scope: "shoes:write openid shoes:write" });
    assert.equal(scope, "shoes:write openid");
  });

  test("a scope that was not granted is invalid_scope and consumes nothing", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant({ scope: "openid shoes:read" });
    for (const scope of ["shoes:write", "openid shoes:read shoes:write", "profile"]) {
      assertRefused(await flow.exchange(grant, { scope }), 400, "invalid_scope");
    }
    assert.equal(tokensOf(await flow.exchange(grant)).scope, "openid shoes:read");
  });

  test("a grant without scope gives a token with an empty scope", async () => {
    const flow = await testCodeFlow();
    const { access, scope, idToken } = await flow.logIn({ scope: "" });
    assert.equal(scope, "");
    assert.equal(idToken, "");
    assert.equal((await flow.tenant.introspect(flow.application, access)).scope, "");
  });
});

describe("a refused request consumes nothing (rule 5)", () => {
  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ["a lifetime", { expiration_time: "86401" }, "invalid_request"],
    ["a misspelt lifetime", { expiration_time: "1e3" }, "invalid_request"],
    ["custom claims", { custom_claims: "[]" }, "invalid_request"],
    ["a malformed verifier", { code_verifier: "short" }, "invalid_request"],
    ["a malformed scope", { scope: '"' }, "invalid_scope"],
  ];
  for (const [says, form, error] of refusals) {
    test(`refused for ${says}, the code still works`, async () => {
      const flow = await testCodeFlow();
      const grant = await flow.grant();
      assertRefused(await flow.exchange(grant, form), 400, error);
      tokensOf(await flow.exchange(grant));
    });
  }
});

describe("a code that is used twice (rules 5 and 13)", () => {
  test("ends the family: the access token and the refresh token of the first use are dead", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const { access, refresh } = tokensOf(await flow.exchange(grant));
    assertInvalidGrant(await flow.exchange(grant));
    assert.equal(await isActive(flow, access), false);
    assert.equal(await isActive(flow, refresh), false);
    assertInvalidGrant(await flow.refresh(refresh));
  });

  test("takes what later refreshes gave as well, and is remembered after the code has expired", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    const { refresh } = tokensOf(await flow.exchange(grant));
    const later = tokensOf(await flow.refresh(refresh));
    await flow.tenant.advance(600);
    assert.equal(await isActive(flow, later.access), true);
    assertInvalidGrant(await flow.exchange(grant));
    assert.equal(await isActive(flow, later.access), false);
    assertInvalidGrant(await flow.refresh(later.refresh));
  });

  test("spares every other login of the same person and application", async () => {
    const flow = await testCodeFlow();
    const other = await flow.logIn();
    const grant = await flow.grant();
    tokensOf(await flow.exchange(grant));
    assertInvalidGrant(await flow.exchange(grant));
    assert.equal(await isActive(flow, other.access), true);
    tokensOf(await flow.refresh(other.refresh));
  });

  test("ends nothing where the second request fails a check that comes before", async () => {
    const flow = await testCodeFlow();
    const other = await testCodeFlow({ tenant: flow.tenant, server: flow.resourceServer });
    const grant = await flow.grant();
    const { access, refresh } = tokensOf(await flow.exchange(grant));
    assertInvalidGrant(await flow.exchange(grant, { code_verifier: "x".repeat(43) }));
    assertInvalidGrant(await flow.exchange(grant, { redirect_uri: FOREIGN_URI }));
    assertInvalidGrant(await other.exchange(grant));
    assertRefused(await flow.exchange(grant, { expiration_time: "0" }), 400, "invalid_request");
    const wrong = {
      authorization: `Basic ${Buffer.from(`${flow.application.clientId}:${"x".repeat(43)}`).toString("base64")}`,
    };
    assert.equal(
      (
        await fetch(`${flow.application.issuer}/token`, {
          method: "POST",
          headers: wrong,
          body: new URLSearchParams({ grant_type: "authorization_code", code: grant.code }),
        })
      ).status,
      401,
    );
    assert.equal(await isActive(flow, access), true);
    tokensOf(await flow.refresh(refresh));
  });
});

describe("the person behind a code", () => {
  test("who is suspended gets no tokens, and the code works again with them", async () => {
    const flow = await testCodeFlow();
    const grant = await flow.grant();
    await setStatus(flow, "suspended");
    assertInvalidGrant(await flow.exchange(grant));
    await setStatus(flow, "active");
    tokensOf(await flow.exchange(grant));
  });

  test("who is suspended later has dead access and refresh tokens at once", async () => {
    const flow = await testCodeFlow();
    const { access, refresh } = await flow.logIn();
    await setStatus(flow, "suspended");
    assert.equal(await isActive(flow, access), false);
    assert.equal(await isActive(flow, refresh), false);
    assertInvalidGrant(await flow.refresh(refresh));
  });
});

test("a code means nothing to a client that acts for itself", async () => {
  const flow = await testCodeFlow();
  const client = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
  const { code } = await flow.grant();
  const answer = await client.tenant.token(client.application, { grant_type: "authorization_code", code });
  assertRefused(answer, 400, "unauthorized_client");
});
