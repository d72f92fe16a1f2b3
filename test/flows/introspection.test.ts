import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { markCompromised } from "../../src/keys/rotate.ts";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { deleteApplication } from "../../src/resources/application/queries.ts";
import { deleteIdentity } from "../../src/resources/identity/queries.ts";
import { deleteRealm } from "../../src/resources/realm/queries.ts";
import { updateResourceServerSettings } from "../../src/resources/resource-server/queries.ts";
import { type Answer, basic, call, type Form, postForm } from "../support/http.ts";
import { addIntrospector } from "../support/introspector.ts";
import { decodeJwt, decodeJwtHeader } from "../support/jwt.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testRole } from "../support/test-role.ts";
import type { TestApplication } from "../support/test-tenant.ts";

const INACTIVE = { active: false };

/** Introspects in the realm of this application, with these credentials. */
function ask(
  { tenant, application }: { tenant: TestClient["tenant"]; application: TestApplication },
  form: Form,
  authorization?: string,
): Promise<Answer> {
  const url = `${tenant.server.url}${realmPath(application.key)}/introspect`;
  return postForm(url, form, authorization === undefined ? {} : { authorization });
}

async function issue({ tenant, application }: TestClient): Promise<string> {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
}

function databaseOf({ tenant }: TestClient) {
  const { deps } = tenant.server;
  return { db: deps.database.tenants([tenant.tenantId]), nowMs: deps.clock.nowMs() };
}

describe("who may introspect (rule 9)", () => {
  test("(a) the client it was issued to, by Basic or in the body, at the realm's address and the application's", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { clientId, clientSecret, authorization, issuer } = client.application;
    const credentials = { client_id: clientId, client_secret: clientSecret };
    for (const answer of [
      await ask(client, { token }, authorization),
      await ask(client, { token, ...credentials }),
      await postForm(`${issuer}/introspect`, { token }, { authorization }),
    ]) {
      assert.equal(answer.json?.active, true, answer.text);
      assert.equal(answer.json?.client_id, clientId);
      assert.equal(answer.json?.token_type, "Bearer");
      assert.equal(answer.headers.get("cache-control"), "no-store");
    }
  });

  test("(b) an application that is an introspector of a resource server in its audience, for access tokens only", async () => {
    const flow = await testCodeFlow();
    const api = await addIntrospector(flow);
    const stranger = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
    const { access, refresh } = await flow.logIn();
    assert.equal((await flow.tenant.introspect(api.application, access)).active, true);
    assert.deepEqual(await flow.tenant.introspect(api.application, refresh), INACTIVE);
    assert.deepEqual(await flow.tenant.introspect(stranger.application, access), INACTIVE);
    const elsewhere = await testClient({ tenant: flow.tenant });
    assert.deepEqual(await flow.tenant.introspect(api.application, await issue(elsewhere)), INACTIVE);
  });

  test("(c) a bearer of tokens:introspect; refresh tokens only where the hint says so", async () => {
    const flow = await testCodeFlow();
    const { access, refresh } = await flow.logIn();
    const bearer = `Bearer ${await flow.tenant.managementToken("tokens:introspect")}`;
    assert.equal((await ask(flow, { token: access }, bearer)).json?.active, true);
    assert.deepEqual((await ask(flow, { token: refresh }, bearer)).json, INACTIVE);
    const hinted = { token: refresh, token_type_hint: "refresh_token" };
    assert.equal((await ask(flow, hinted, bearer)).json?.token_type, "refresh_token");
    const other = `Bearer ${await flow.tenant.managementToken("tokens:read")}`;
    const refused = await ask(flow, { token: access }, other);
    assertRefused(refused, 403, "insufficient_scope");
    assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer error="insufficient_scope"/);
  });

  test("nobody else: another client, and no one without credentials of their own", async () => {
    const client = await testClient();
    const other = await testClient({ tenant: client.tenant, server: client.resourceServer });
    const token = await issue(client);
    assert.deepEqual(await client.tenant.introspect(other.application, token), INACTIVE);
    assertInvalidClient(await ask(client, { token }));
    assertInvalidClient(await ask(client, { token }, basic(client.application.clientId, "x".repeat(43))));
    assertInvalidClient(await ask(client, { token, client_id: client.application.clientId }));
    assertInvalidClient(await ask(client, { token }, basic("nobody-at-all", "x".repeat(43))));
    assertRefused(await ask(client, { token }, "Bearer x"), 401, "invalid_token");
    assertRefused(await ask(client, { token }, `Bearer ${token}`), 401, "invalid_token");
  });

  test("a public client may not, and a bearer token beside credentials is refused", async () => {
    const flow = await testCodeFlow({ config: { confidentiality: "public" } });
    const { access } = await flow.logIn();
    assertInvalidClient(await ask(flow, { token: access, client_id: flow.application.clientId }));
    const bearer = `Bearer ${await flow.tenant.managementToken()}`;
    const both = { token: access, client_id: flow.application.clientId };
    assertRefused(await ask(flow, both, bearer), 400, "invalid_request");
  });
});

describe("where it is asked", () => {
  test("in another realm the client is unknown, and a bearer that reaches it is told nothing", async () => {
    const client = await testClient();
    const token = await issue(client);
    const there = { tenant: client.tenant, application: client.tenant.management };
    assertInvalidClient(await ask(there, { token }, client.application.authorization));
    const bearer = `Bearer ${await client.tenant.managementToken()}`;
    assert.deepEqual((await ask(there, { token }, bearer)).json, INACTIVE);
  });

  test("another tenant's client learns nothing", async () => {
    const [one, other] = [await testClient(), await testClient()];
    assert.deepEqual((await ask(other, { token: await issue(one) }, other.application.authorization)).json, INACTIVE);
    const bearer = `Bearer ${await other.tenant.managementToken()}`;
    assertRefused(await ask(one, { token: await issue(one) }, bearer), 401, "invalid_token");
  });

  test("an unknown realm or application is answered 404", async () => {
    const { application, tenant } = await testClient();
    const { authorization } = application;
    const realm = `${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/0000000000000000/introspect`;
    assertInvalidClient(await postForm(realm, { token: "x" }, { authorization }), 404);
    const alias = application.issuer.replace(application.key.applicationId, "00000000-0000-4000-8000-000000000000");
    assertInvalidClient(await postForm(`${alias}/introspect`, { token: "x" }, { authorization }), 404);
  });

  test("it takes POST with one token and nothing else", async () => {
    const client = await testClient();
    const { authorization, issuer } = client.application;
    const got = await call(`${issuer}/introspect?token=x`, { headers: { authorization } });
    assertRefused(got, 405, "invalid_request");
    assert.equal(got.headers.get("allow"), "POST");
    assertRefused(await ask(client, "a=b", authorization), 400, "invalid_request");
    assertRefused(await ask(client, "token=a&token=a", authorization), 400, "invalid_request");
    const json = {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: '{"token":"x"}',
    };
    assertRefused(await call(`${issuer}/introspect`, json), 415, "invalid_request");
  });
});

describe("what is not a live token answers exactly {active: false}", () => {
  test("ID tokens and codes", async () => {
    const flow = await testCodeFlow();
    const { code } = await flow.grant();
    const { idToken } = await flow.logIn();
    const bearer = `Bearer ${await flow.tenant.managementToken()}`;
    for (const token of [code, idToken]) {
      assert.deepEqual(await flow.tenant.introspect(flow.application, token), INACTIVE);
      assert.deepEqual((await ask(flow, { token }, bearer)).json, INACTIVE);
    }
  });

  test("a JWT altered in any byte, and one that says it needs no signature (rule 30)", async () => {
    const client = await testClient();
    const token = await issue(client);
    for (let index = 0; index < token.length; index += 17) {
      const altered = `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
      assert.deepEqual(await client.tenant.introspect(client.application, altered), INACTIVE, `byte ${index}`);
    }
    const [, payload = ""] = token.split(".");
    const none = Buffer.from(JSON.stringify({ ...decodeJwtHeader(token), alg: "none" })).toString("base64url");
    for (const forged of [`${none}.${payload}.`, `${none}.${payload}.x`, `${token}.`, ` ${token}`, `${token}=`]) {
      assert.deepEqual(await client.tenant.introspect(client.application, forged), INACTIVE);
    }
    assert.equal((await client.tenant.introspect(client.application, token)).active, true);
  });

  test("a JWT whose jti is of another shape, or of a partition that cannot be (rule 10)", async () => {
    const client = await testClient();
    const token = await issue(client);
    const [header = "", , signature = ""] = token.split(".");
    const claims = decodeJwt(token);
    const far = Buffer.from(String(claims.jti), "base64url");
    far.fill(0x7f, 17, 21);
    for (const jti of ["\u0000".repeat(32), "x", 7, null, "A".repeat(32), "_".repeat(32), far.toString("base64url")]) {
      const payload = Buffer.from(JSON.stringify({ ...claims, jti })).toString("base64url");
      const forged = `${header}.${payload}.${signature}`;
      assert.deepEqual(await client.tenant.introspect(client.application, forged), INACTIVE, JSON.stringify(jti));
    }
  });

  test("an opaque token with a typing error, and texts that are no tokens", async () => {
    const client = await testClient({ config: { token_format: "referential" } });
    const token = await issue(client);
    assert.match(token, /^mayfly_at_/);
    const typo = `${token.slice(0, 30)}${token[30] === "A" ? "B" : "A"}${token.slice(31)}`;
    for (const text of [typo, token.slice(0, -1), token.replace("_at_", "_ac_"), "x", ".", "..", "x".repeat(20_000)]) {
      assert.deepEqual(await client.tenant.introspect(client.application, text), INACTIVE);
    }
  });

  test("a token whose person was deleted", async () => {
    const flow = await testCodeFlow();
    const { access, refresh } = await flow.logIn();
    const { db, nowMs } = databaseOf(flow);
    await deleteIdentity(db, { ...flow.tenant.realm, identityId: flow.identityId }, nowMs);
    for (const token of [access, refresh]) {
      assert.deepEqual(await flow.tenant.introspect(flow.application, token), INACTIVE);
    }
  });

  test("a token whose application was deleted; the application itself is no client any more", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { db, nowMs } = databaseOf(client);
    await deleteApplication(db, client.application.key, nowMs);
    const bearer = `Bearer ${await client.tenant.managementToken()}`;
    assert.deepEqual((await ask(client, { token }, bearer)).json, INACTIVE);
    assertInvalidClient(await ask(client, { token }, client.application.authorization));
  });

  test("a token whose realm was deleted: the realm is not found within two seconds, the token dead at once", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { db, nowMs } = databaseOf(client);
    const bearer = `Bearer ${await client.tenant.managementToken()}`;
    await deleteRealm(db, client.tenant.realm, nowMs);
    const answer = await ask(client, { token }, bearer);
    if (answer.status === 200) assert.deepEqual(answer.json, INACTIVE);
    else assertInvalidClient(answer, 404);
  });

  test("a token that was signed by a key which is compromised; it leaves the JWKS at once", async () => {
    const client = await testClient();
    const token = await issue(client);
    const { deps } = client.tenant.server;
    const keyId = String(decodeJwtHeader(token).kid);
    assert.equal(await markCompromised(deps, client.tenant.realm, keyId, deps.clock.nowSeconds()), true);
    assert.deepEqual(await client.tenant.introspect(client.application, token), INACTIVE);
  });
});

describe("scopes are those of the person's roles at this moment (reference 1.11)", () => {
  test("a lost role shrinks the answer, a role that is gained adds nothing, and it comes back with the role", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn({ scope: "openid shoes:read" });
    const scope = async () => (await flow.tenant.introspect(flow.application, access)).scope;
    assert.equal(await scope(), "openid shoes:read", "shoes:write was never granted");
    await flow.role.removeMember(flow.identityId);
    assert.equal(await scope(), "openid");
    await flow.role.addMember(flow.identityId);
    await flow.role.setScopes(["shoes:write"]);
    assert.equal(await scope(), "openid");
    await flow.role.setScopes(["shoes:read"]);
    assert.equal(await scope(), "openid shoes:read");
    await flow.role.remove();
    assert.equal(await scope(), "openid");
  });

  test("roles reached through a group count, and an empty scope is an active answer (rule 33)", async () => {
    const flow = await testCodeFlow({ config: { type: "oauth2" } });
    const { access } = await flow.logIn({ scope: "shoes:read" });
    await flow.role.remove();
    const facts = await flow.tenant.introspect(flow.application, access);
    assert.equal(facts.active, true);
    assert.equal(facts.scope, "");
    const role = await testRole(flow.tenant, flow.resourceServer, ["shoes:read"]);
    await role.addGroupOf([flow.identityId]);
    assert.equal((await flow.tenant.introspect(flow.application, access)).scope, "shoes:read");
  });

  test("a client acting for itself has no roles to lose", async () => {
    const client = await testClient();
    const facts = await client.tenant.introspect(client.application, await issue(client));
    assert.equal(facts.scope, "shoes:read shoes:write");
    assert.ok(!("username" in facts));
  });
});

describe("a scope that the resource server has no more is worth nothing, whoever lists it (reference 1.8)", () => {
  async function setServerScopes(client: TestClient, scopes: readonly string[]): Promise<void> {
    const { db, nowMs } = databaseOf(client);
    const key = { ...client.tenant.realm, resourceServerId: client.resourceServer.resourceServerId };
    await updateResourceServerSettings(db, key, { ...client.resourceServer.settings, scopes: [...scopes] }, nowMs);
  }

  test("to a client acting for itself: neither granted nor shown, and discovery does not offer it", async () => {
    const client = await testClient();
    const { tenant, application } = client;
    const token = await issue(client);
    const scope = async () => (await tenant.introspect(application, token)).scope;
    const grant = async (form = {}) => tenant.token(application, { grant_type: "client_credentials", ...form });
    await setServerScopes(client, ["shoes:write", "shoes:mend"]);
    assert.equal(await scope(), "shoes:write");
    assert.equal((await grant()).json?.scope, "shoes:write");
    assertRefused(await grant({ scope: "shoes:read" }), 400, "invalid_scope");
    const metadata = await call(`${application.issuer}/.well-known/openid-configuration`);
    assert.deepEqual(metadata.json?.scopes_supported, ["shoes:write"]);
    await setServerScopes(client, ["shoes:read", "shoes:write"]);
    assert.equal(await scope(), "shoes:read shoes:write");
  });

  test("to a person, though a role holds it: at login, at refresh, and in what was issued", async () => {
    const flow = await testCodeFlow();
    const { access, refresh } = await flow.logIn();
    const scope = async (token: string) => (await flow.tenant.introspect(flow.application, token)).scope;
    await setServerScopes(flow, ["shoes:write"]);
    assert.equal(await scope(access), "openid shoes:write");
    assert.equal(await scope(refresh), "openid shoes:write");
    const renewed = tokensOf(await flow.refresh(refresh));
    assert.equal(renewed.scope, "openid shoes:write");
    assert.equal((await flow.logIn()).scope, "openid shoes:write");
  });
});

test("the answer and the JWT say the same", async () => {
  const flow = await testCodeFlow();
  const { access } = await flow.logIn({}, { custom_claims: '{"team":"a"}' });
  const { active, token_type, username, ...claims } = await flow.tenant.introspect(flow.application, access);
  assert.deepEqual(claims, decodeJwt(access));
  assert.equal(active, true);
  assert.equal(token_type, "Bearer");
  assert.match(String(username), /@example\.com$/);
});

test("a refresh token's answer names its client, person, scope and end", async () => {
  const flow = await testCodeFlow();
  const { refresh } = await flow.logIn();
  const facts = await flow.tenant.introspect(flow.application, refresh);
  assert.equal(facts.token_type, "refresh_token");
  assert.equal(facts.client_id, flow.application.clientId);
  assert.equal(facts.sub, flow.identityId);
  assert.equal(facts.scope, "openid shoes:read shoes:write");
  assert.equal(Number(facts.exp) - Number(facts.iat), 3600);
});
