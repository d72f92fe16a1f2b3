import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import {
  deleteIdentity,
  findIdentity,
  settingsOf,
  updateIdentitySettings,
} from "../../src/resources/identity/queries.ts";
import { type Answer, call, postForm } from "../support/http.ts";
import { decodeJwt, decodeJwtHeader } from "../support/jwt.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";

const SCOPE = "openid profile email shoes:read";

async function verifyIdToken({ application, tenant }: CodeFlow, idToken: string) {
  const keys = createRemoteJWKSet(new URL(`${application.issuer}/.well-known/jwks.json`));
  const currentDate = new Date(tenant.server.deps.clock.nowMs());
  return jwtVerify(idToken, keys, {
    issuer: application.issuer,
    audience: application.clientId,
    typ: "JWT",
    currentDate,
  });
}

function userinfo(
  { application }: Pick<CodeFlow, "application">,
  token: string,
  init: RequestInit = {},
): Promise<Answer> {
  return call(`${application.issuer}/userinfo`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });
}

function assertBearerRefusal(answer: Answer, status: number, error: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json?.error, error);
  assert.match(answer.headers.get("www-authenticate") ?? "", new RegExp(`^Bearer error="${error}"`));
  assert.equal(answer.json?.trace_id, answer.headers.get("x-trace-id"));
  assert.equal(answer.headers.get("cache-control"), "no-store");
}

describe("an ID token (OIDC Core 2, rule 32)", () => {
  test("verifies against the published keys and says who logged in, when and how", async () => {
    const flow = await testCodeFlow();
    const { idToken, access } = await flow.logIn({ nonce: "n-0S6_WzA2Mj", scope: SCOPE });
    const { payload, protectedHeader } = await verifyIdToken(flow, idToken);
    const now = flow.tenant.server.deps.clock.nowSeconds();
    assert.equal(protectedHeader.alg, "ES256");
    assert.equal(payload.sub, flow.identityId);
    assert.equal(payload.aud, flow.application.clientId, "aud is a string");
    assert.equal(payload.nonce, "n-0S6_WzA2Mj");
    assert.equal(payload.iat, now);
    assert.equal(payload.exp, now + 3600);
    assert.equal(payload.auth_time, now);
    assert.equal(payload.acr, "mayfly:1");
    assert.deepEqual(payload.amr, ["otp"]);
    const half = createHash("sha256").update(access).digest().subarray(0, 16).toString("base64url");
    assert.equal(payload.at_hash, half);
    assert.equal(typeof payload.jti, "string");
    assert.equal(payload.name, "Pat Doe");
    assert.match(String(payload.email), /@example\.com$/);
    assert.equal(payload.email_verified, true);
  });

  test("has no nbf, no azp, no bi_ claim, and no nonce that was not sent", async () => {
    const flow = await testCodeFlow();
    const { idToken } = await flow.logIn();
    const names = Object.keys(decodeJwt(idToken));
    assert.deepEqual(
      names.filter((name) => /^(nbf|azp|nonce|sid|client_id|scope|bi_.*)$/.test(name)),
      [],
    );
    assert.deepEqual(Object.keys(decodeJwtHeader(idToken)).sort(), ["alg", "kid", "typ"]);
  });

  test("is signed with RS256 unless the application chose otherwise, whatever signs its access tokens", async () => {
    const flow = await testCodeFlow({
      tokens: { token_signing_algorithm: "EdDSA", id_token_signed_response_alg: "RS256" },
    });
    const { idToken, access } = await flow.logIn();
    assert.equal((await verifyIdToken(flow, idToken)).protectedHeader.alg, "RS256");
    assert.equal(decodeJwtHeader(access).alg, "EdDSA");
    assert.equal(decodeJwtHeader(access).typ, "at+jwt");
  });

  test("comes again with a refresh: same person and login, new iat, no nonce", async () => {
    const flow = await testCodeFlow();
    const first = await flow.logIn({ nonce: "abc" });
    await flow.tenant.advance(100);
    const second = tokensOf(await flow.refresh(first.refresh));
    const [before, after] = [decodeJwt(first.idToken), decodeJwt(second.idToken)];
    for (const claim of ["iss", "sub", "aud", "auth_time"]) assert.deepEqual(after[claim], before[claim], claim);
    assert.equal(after.iat, Number(before.iat) + 100);
    assert.ok(!("nonce" in after));
    assert.notEqual(after.jti, before.jti);
  });

  test("holds no claims of scopes where the application takes them from userinfo only", async () => {
    const flow = await testCodeFlow({ tokens: { id_token_claims: "standard" } });
    const { idToken, access } = await flow.logIn({ scope: SCOPE });
    const claims = decodeJwt(idToken);
    assert.ok(!("name" in claims) && !("email" in claims));
    assert.equal((await userinfo(flow, access)).json?.name, "Pat Doe");
  });

  test("is not given for a request without the scope openid", async () => {
    const flow = await testCodeFlow();
    assert.equal((await flow.logIn({ scope: "profile shoes:read" })).idToken, "");
  });

  test("is not given by an application of plain OAuth 2.0", async () => {
    const flow = await testCodeFlow({ config: { type: "oauth2" } });
    assert.equal((await flow.logIn({ scope: "shoes:read" })).idToken, "");
  });
});

describe("userinfo (OIDC Core 5.3)", () => {
  test("answers GET and POST with the claims of the scopes and the ID token's sub", async () => {
    const flow = await testCodeFlow();
    const { access, idToken } = await flow.logIn({ scope: SCOPE });
    const form = { method: "POST", body: new URLSearchParams({ access_token: access }) };
    const byForm = await call(`${flow.application.issuer}/userinfo`, form);
    for (const answer of [await userinfo(flow, access), await userinfo(flow, access, { method: "POST" }), byForm]) {
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json?.sub, decodeJwt(idToken).sub);
      assert.equal(answer.json?.name, "Pat Doe");
      assert.equal(answer.json?.email_verified, true);
      assert.equal(answer.headers.get("cache-control"), "no-store");
    }
  });

  test("answers a referential token too, with sub alone where only openid was granted", async () => {
    const flow = await testCodeFlow({ config: { token_format: "referential" } });
    const { access } = await flow.logIn({ scope: "openid" });
    assert.deepEqual((await userinfo(flow, access)).json, { sub: flow.identityId });
  });

  test("asks for a token in its own scheme, and says no more where none was sent", async () => {
    const { application } = await testCodeFlow();
    const answer = await call(`${application.issuer}/userinfo`);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  });

  test("refuses what is no live access token of this application", async () => {
    const flow = await testCodeFlow();
    const other = await testCodeFlow({ tenant: flow.tenant, server: flow.resourceServer });
    const { access, idToken, refresh } = await flow.logIn();
    const { code } = await flow.grant();
    const foreign = (await other.logIn()).access;
    for (const token of [idToken, refresh, code, foreign, `${access}x`, "x", "a.b.c"]) {
      assertBearerRefusal(await userinfo(flow, token), 401, "invalid_token");
    }
    await flow.tenant.advance(86_400);
    assertBearerRefusal(await userinfo(flow, access), 401, "invalid_token");
  });

  test("refuses a token without openid, and that of a client acting for itself", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn({}, { scope: "shoes:read" });
    assertBearerRefusal(await userinfo(flow, access), 403, "insufficient_scope");
    const client = await testClient({ tenant: flow.tenant, server: flow.resourceServer });
    const own = await client.tenant.token(client.application, { grant_type: "client_credentials" });
    assertBearerRefusal(await userinfo(client, String(own.json?.access_token)), 403, "insufficient_scope");
  });

  test("refuses a token in the query, one in two places, one in JSON, and credentials of another scheme", async () => {
    const flow = await testCodeFlow();
    const { access } = await flow.logIn();
    const url = `${flow.application.issuer}/userinfo`;
    assert.equal((await call(`${url}?access_token=${access}`)).status, 401);
    const twice = { method: "POST", body: new URLSearchParams({ access_token: access }) };
    assert.equal((await userinfo(flow, access, twice)).status, 400);
    assert.equal((await postForm(url, `access_token=${access}&access_token=${access}`)).status, 400);
    const json = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"access_token":"${access}"}`,
    };
    assert.equal((await call(url, json)).status, 415);
    assert.equal((await call(url, { headers: { authorization: flow.application.authorization } })).status, 401);
  });

  test("refuses the token of a person who was suspended or deleted", async () => {
    for (const end of ["suspended", "deleted"] as const) {
      const flow = await testCodeFlow();
      const { access } = await flow.logIn();
      const { deps } = flow.tenant.server;
      const db = deps.database.tenants([flow.tenant.tenantId]);
      const key = { ...flow.tenant.realm, identityId: flow.identityId };
      const identity = await findIdentity(db, key);
      assert.ok(identity);
      if (end === "deleted") await deleteIdentity(db, key, deps.clock.nowMs());
      else await updateIdentitySettings(db, key, { ...settingsOf(identity), status: end }, deps.clock.nowMs());
      assertBearerRefusal(await userinfo(flow, access), 401, "invalid_token");
    }
  });
});
