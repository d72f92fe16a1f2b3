import assert from "node:assert/strict";
import { test } from "node:test";
import { atHash, CLAIMS_SUPPORTED, type IdTokenInput, idTokenClaims, idTokenHeader } from "./id-token.ts";

const INPUT: IdTokenInput = {
  issuer: "https://id.example/v1/tenants/t/realms/r/applications/a",
  subject: "0123456789abcdef",
  clientId: "client-1",
  tokenId: "j".repeat(32),
  issuedAt: 1_760_000_000,
  lifetimeSeconds: 3600,
  authTime: 1_759_999_990,
  acr: "mayfly:3",
  amr: ["hwk", "user"],
  sessionId: "session-1",
  nonce: "n-1",
  accessToken: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
  algorithm: "RS256",
  person: {
    displayName: "Ada",
    traits: { primary_email_address: "ada@example.com" },
    emailVerified: true,
    phoneVerified: false,
    updatedAt: 1_750_000_000,
  },
  scope: ["openid", "email"],
  claimsSetting: "scopes",
};

test("an ID token says what OpenID Connect and mayfly.md section 4 ask, and no more", () => {
  assert.deepEqual(idTokenClaims(INPUT), {
    iss: INPUT.issuer,
    sub: "0123456789abcdef",
    aud: "client-1",
    exp: 1_760_003_600,
    iat: 1_760_000_000,
    auth_time: 1_759_999_990,
    nonce: "n-1",
    at_hash: "77QmUPtjPfzWtF2AnpK9RQ",
    jti: "j".repeat(32),
    sid: "session-1",
    amr: ["hwk", "user"],
    acr: "mayfly:3",
    email: "ada@example.com",
    email_verified: true,
  });
});

test("without nonce or session there is no such claim", () => {
  const { nonce, sid, ...rest } = idTokenClaims({ ...INPUT, nonce: undefined, sessionId: undefined });
  assert.deepEqual([nonce, sid], [undefined, undefined]);
  assert.equal(Object.keys(rest).includes("nonce"), false);
});

test("there is no azp, nbf, scope or bi_* in an ID token", () => {
  const names = Object.keys(idTokenClaims(INPUT));
  assert.deepEqual(
    names.filter((name) => /^(azp|nbf|scope|client_id|bi_.*)$/.test(name)),
    [],
  );
});

test("in standard mode scope claims are for userinfo, those asked for by name stay (OIDC Core section 5.4)", () => {
  const standard = { ...INPUT, claimsSetting: "standard", scope: ["openid", "email", "profile"] } as const;
  assert.equal("email" in idTokenClaims(standard), false);
  const asked = idTokenClaims({ ...standard, requestedClaims: ["email"] });
  assert.equal(asked.email, "ada@example.com");
  assert.equal("email_verified" in asked, false);
});

test("a claim asked for by name cannot replace one of the protocol", () => {
  const claims = idTokenClaims({ ...INPUT, requestedClaims: ["sub", "aud", "iss", "nonce"] });
  assert.equal(claims.sub, INPUT.subject);
  assert.equal(claims.aud, INPUT.clientId);
});

test("at_hash matches the example of OpenID Connect Core A.3 and follows the algorithm", () => {
  const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
  for (const algorithm of ["RS256", "ES256", "PS256"] as const)
    assert.equal(atHash(token, algorithm), "77QmUPtjPfzWtF2AnpK9RQ");
  assert.equal(Buffer.from(atHash(token, "EdDSA"), "base64url").length, 32);
});

test("an ID token's typ is JWT (rule 34)", () => {
  assert.deepEqual(idTokenHeader("ES256", "k1"), { alg: "ES256", kid: "k1", typ: "JWT" });
});

test("every claim that an ID token holds is advertised", () => {
  for (const claim of Object.keys(idTokenClaims(INPUT))) assert.ok(CLAIMS_SUPPORTED.includes(claim), claim);
  assert.equal(new Set(CLAIMS_SUPPORTED).size, CLAIMS_SUPPORTED.length);
});
