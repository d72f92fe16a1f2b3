import assert from "node:assert/strict";
import { test } from "node:test";
import { type AccessTokenInput, accessTokenClaims, accessTokenHeader, audienceOf } from "./access-token.ts";

const CLIENT: AccessTokenInput = {
  issuer: "https://id.example/v1/tenants/t1/realms/r1/applications/a1",
  subject: "client-1",
  audience: ["https://api.example"],
  clientId: "client-1",
  tokenId: "j".repeat(32),
  issuedAt: 1_760_000_000,
  expiresAt: 1_760_000_900,
  scope: ["shoes:read", "shoes:write"],
  principal: { tenantId: "t1", realmId: "r1", applicationId: "a1" },
  grantType: "client_credentials",
};

test("a client's access token has the claims of RFC 9068 and of the reference", () => {
  assert.deepEqual(accessTokenClaims(CLIENT), {
    iss: "https://id.example/v1/tenants/t1/realms/r1/applications/a1",
    sub: "client-1",
    aud: ["https://api.example"],
    exp: 1_760_000_900,
    nbf: 1_760_000_000,
    iat: 1_760_000_000,
    jti: "j".repeat(32),
    client_id: "client-1",
    scope: "shoes:read shoes:write",
    azp: "tenants/t1/realms/r1/applications/a1",
    bi_t: "t1",
    bi_r: "r1",
    bi_p: "tenants/t1/realms/r1/applications/a1",
    bi_s: "",
    bi_x: "",
    bi_ty: "client_credentials",
  });
});

test("a person's access token names identity, session and transaction", () => {
  const claims = accessTokenClaims({
    ...CLIENT,
    principal: { ...CLIENT.principal, identityId: "i1" },
    grantType: "authorization_code",
    sessionId: "s1",
    transactionId: "x1",
    scope: [],
  });
  assert.equal(claims.bi_p, "tenants/t1/realms/r1/identities/i1");
  assert.equal(claims.bi_s, "s1");
  assert.equal(claims.bi_x, "x1");
  assert.equal(claims.scope, "");
});

test("a token that reaches other realms says so (rule 8)", () => {
  assert.equal(accessTokenClaims({ ...CLIENT, targetRealm: "*" }).bi_r, "*");
});

test("custom claims are said as sent, an empty object too, and are absent if none were sent", () => {
  assert.equal("bi_custom" in accessTokenClaims(CLIENT), false);
  assert.deepEqual(accessTokenClaims({ ...CLIENT, customClaims: {} }).bi_custom, {});
  const customClaims = { iss: "evil", scope: "all", n: [1, { a: null }] };
  const claims = accessTokenClaims({ ...CLIENT, customClaims });
  assert.deepEqual(claims.bi_custom, customClaims);
  assert.equal(claims.iss, CLIENT.issuer);
});

test("a pairwise application learns neither principal nor session (rule 20)", () => {
  const claims = accessTokenClaims({ ...CLIENT, pairwise: true, sessionId: "s1" });
  assert.equal("bi_p" in claims || "bi_s" in claims, false);
});

test("not before is the issue, unless it was asked for", () => {
  assert.equal(accessTokenClaims({ ...CLIENT, notBefore: 1_760_000_100 }).nbf, 1_760_000_100);
});

test("the header says at+jwt and where the keys are (RFC 9068 section 2.1)", () => {
  assert.deepEqual(accessTokenHeader("RS256", "k1", "https://id.example/jwks.json"), {
    typ: "at+jwt",
    alg: "RS256",
    kid: "k1",
    jku: "https://id.example/jwks.json",
  });
});

test("the audience is the resource server, with the client where a person is behind it (reference 1.9)", () => {
  const api = { clientId: "c", resourceServerIdentifier: "api" };
  assert.deepEqual(audienceOf({ ...api, forIdentity: false }), ["api"]);
  assert.deepEqual(audienceOf({ ...api, forIdentity: true }), ["c", "api"]);
  for (const forIdentity of [true, false]) {
    assert.deepEqual(audienceOf({ clientId: "c", resourceServerIdentifier: undefined, forIdentity }), ["c"]);
  }
});
