import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { call } from "../support/http.ts";
import { decodeJwtHeader } from "../support/jwt.ts";
import { assertInvalidClient, assertRefused } from "../support/refusals.ts";
import { TOKENS, testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

function addresses({ issuer, key }: TestApplication): string[] {
  const origin = new URL(issuer).origin;
  return [
    `${issuer}/.well-known/openid-configuration`,
    `${issuer}/.well-known/oauth-authorization-server`,
    `${origin}/.well-known/openid-configuration${applicationPath(key)}`,
    `${origin}/.well-known/oauth-authorization-server${applicationPath(key)}`,
  ];
}

async function metadata(application: TestApplication): Promise<Record<string, unknown>> {
  const answer = await call(`${application.issuer}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json ?? {};
}

describe("the metadata of an issuer (OIDC Discovery, RFC 8414)", () => {
  test("is byte-identical at its four addresses, cacheable and readable from any origin", async () => {
    const { application } = await testClient();
    const answers = await Promise.all(addresses(application).map((address) => call(address)));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    for (const { status, headers } of answers) {
      assert.equal(status, 200);
      assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
      assert.match(headers.get("cache-control") ?? "", /^public, max-age=\d+$/);
      assert.equal(headers.get("access-control-allow-origin"), "*");
    }
  });

  test("names the endpoints below its issuer, whatever the Host header says", async () => {
    const { application, tenant } = await testClient();
    const found = await metadata(application);
    const realm = `${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/${tenant.realm.realmId}`;
    assert.equal(found.issuer, application.issuer);
    assert.equal(found.token_endpoint, `${application.issuer}/token`);
    assert.equal(found.authorization_endpoint, `${application.issuer}/authorize`);
    assert.equal(found.userinfo_endpoint, `${application.issuer}/userinfo`);
    assert.equal(found.revocation_endpoint, `${application.issuer}/revoke`);
    assert.equal(found.jwks_uri, `${application.issuer}/.well-known/jwks.json`);
    assert.equal(found.introspection_endpoint, `${realm}/introspect`);
    const spoofed = await fetch(
      `${application.issuer.replace("localhost", "127.0.0.1")}/.well-known/openid-configuration`,
    );
    assert.deepEqual(await spoofed.json(), found);
  });

  test("of a confidential OpenID Connect application lists what it may do", async () => {
    const found = await metadata((await testCodeFlow()).application);
    assert.deepEqual(found.response_types_supported, ["code"]);
    assert.deepEqual(found.response_modes_supported, ["query", "fragment", "form_post"]);
    assert.deepEqual(found.grant_types_supported, ["authorization_code", "refresh_token", TOKEN_EXCHANGE]);
    assert.deepEqual(found.token_endpoint_auth_methods_supported, ["client_secret_basic", "client_secret_post"]);
    assert.deepEqual(found.introspection_endpoint_auth_methods_supported, [
      "client_secret_basic",
      "client_secret_post",
    ]);
    assert.deepEqual(found.revocation_endpoint_auth_methods_supported, ["client_secret_basic", "client_secret_post"]);
    assert.deepEqual(found.code_challenge_methods_supported, ["S256"]);
    assert.ok((found.id_token_signing_alg_values_supported as string[]).includes("RS256"));
    assert.ok((found.scopes_supported as string[]).includes("offline_access"));
    assert.ok((found.claims_supported as string[]).includes("email"));
    assert.deepEqual(found.subject_types_supported, ["public"]);
    assert.equal(found.request_parameter_supported, false);
    assert.equal(found.request_uri_parameter_supported, false);
    assert.equal(found.authorization_response_iss_parameter_supported, true);
  });

  test("an OpenID Connect application says where people log out", async () => {
    const { application } = await testCodeFlow();
    const found = await metadata(application);
    assert.equal(found.end_session_endpoint, `${application.issuer}/end-session`);
    assert.equal(found.backchannel_logout_supported, true);
    assert.equal(found.backchannel_logout_session_supported, true);
    const oauth2 = await metadata((await testClient()).application);
    assert.ok(!("end_session_endpoint" in oauth2) && !("backchannel_logout_supported" in oauth2));
  });

  test("of a public application and of one for client credentials differ as they do", async () => {
    const open = await metadata((await testCodeFlow({ config: { confidentiality: "public" } })).application);
    assert.deepEqual(open.token_endpoint_auth_methods_supported, ["none"]);
    assert.deepEqual(open.introspection_endpoint_auth_methods_supported, ["client_secret_basic", "client_secret_post"]);
    const client = await metadata((await testClient()).application);
    assert.deepEqual(client.grant_types_supported, ["client_credentials", TOKEN_EXCHANGE]);
    assert.deepEqual(client.scopes_supported, ["shoes:read", "shoes:write"]);
  });

  test("advertises the lifetimes that may be asked for (specification section 2)", async () => {
    const client = await testClient({
      realm: { token_policy: { min_expires_after: 30, max_expires_after: 7200 } },
      resourceServer: {
        token_policy: { max_expires_after: 3600 },
        scope_policies: [{ scope: "shoes:write", max_expires_after: 60 }],
      },
    });
    const found = await metadata(client.application);
    assert.equal(found.expiration_time_parameter_supported, true);
    assert.equal(found.expiration_time_min, 30);
    assert.equal(found.expiration_time_max, 3600, "scopes may lower it, and are not advertised");
    const plain = await metadata((await testClient()).application);
    assert.deepEqual([plain.expiration_time_min, plain.expiration_time_max], [1, 86_400]);
  });

  test("leaves out a member that would have no elements", async () => {
    const { tenant } = await testClient();
    const protocol_config = {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      token_configuration: TOKENS,
    };
    const application = await tenant.addApplication({ protocol_config });
    const answer = await call(`${application.issuer}/.well-known/openid-configuration`);
    assert.equal(answer.status, 200);
    assert.equal(Object.hasOwn(answer.json ?? {}, "scopes_supported"), false);
  });

  test("of no application is answered 404, and it is only read", async () => {
    const { application } = await testClient();
    for (const address of addresses(application)) {
      const nobody = address.replace(application.key.applicationId, "00000000-0000-4000-8000-000000000000");
      assertInvalidClient(await call(nobody), 404);
      const posted = await call(address, { method: "POST" });
      assertRefused(posted, 405, "invalid_request");
      assert.equal(posted.headers.get("allow"), "GET, HEAD");
      assert.equal((await call(address, { method: "HEAD" })).status, 200);
    }
  });
});

describe("the keys of a realm (RFC 7517, rule 39)", () => {
  test("are never none, and hold nothing private", async () => {
    const { application } = await testClient();
    const answer = await call(`${application.issuer}/.well-known/jwks.json`);
    const keys = answer.json?.keys as Record<string, string>[];
    assert.ok(keys.length > 0);
    for (const key of keys) {
      assert.equal(key.use, "sig");
      assert.ok(key.kid && key.alg && key.kty);
      assert.deepEqual(
        Object.keys(key).filter((name) => /^(d|p|q|dp|dq|qi|k|oth)$/.test(name)),
        [],
      );
    }
  });

  test("may be kept by whoever read them, and are asked for again by their ETag", async () => {
    const { application } = await testClient();
    const url = `${application.issuer}/.well-known/jwks.json`;
    const answer = await call(url);
    assert.equal(answer.headers.get("cache-control"), "public, max-age=300");
    assert.match(answer.headers.get("content-type") ?? "", /^application\/jwk-set\+json/);
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    const etag = answer.headers.get("etag") ?? "";
    assert.match(etag, /^"[^"]+"$/);
    for (const asked of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await call(url, { headers: { "if-none-match": asked } });
      assert.equal(again.status, 304, asked);
      assert.equal(again.text, "");
      assert.equal(again.headers.get("etag"), etag);
      assert.equal(again.headers.get("cache-control"), "public, max-age=300");
    }
    assert.equal((await call(url, { headers: { "if-none-match": '"other"' } })).status, 200);
  });

  for (const algorithm of ["RS256", "ES256", "PS256", "EdDSA"] as const) {
    test(`verify tokens signed with ${algorithm}, as RFC 9068 says`, async () => {
      const { application, tenant, resourceServer } = await testClient({
        tokens: { token_signing_algorithm: algorithm },
      });
      const { access } = tokensOf(await tenant.token(application, { grant_type: "client_credentials" }));
      const jwksUri = `${application.issuer}/.well-known/jwks.json`;
      const { payload, protectedHeader } = await jwtVerify(access, createRemoteJWKSet(new URL(jwksUri)), {
        issuer: application.issuer,
        audience: resourceServer.settings.identifier,
        typ: "at+jwt",
        algorithms: [algorithm],
        requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
        currentDate: new Date(tenant.server.deps.clock.nowMs()),
      });
      assert.equal(payload.sub, application.clientId);
      assert.equal(protectedHeader.alg, algorithm);
      assert.equal(protectedHeader.jku, jwksUri);
    });
  }

  test("are those of the realm: another tenant's do not verify its tokens", async () => {
    const [one, other] = [await testClient(), await testClient()];
    const { access } = tokensOf(await one.tenant.token(one.application, { grant_type: "client_credentials" }));
    tokensOf(await other.tenant.token(other.application, { grant_type: "client_credentials" }));
    const answer = await call(`${other.application.issuer}/.well-known/jwks.json`);
    const foreign = answer.json as unknown as JSONWebKeySet;
    assert.ok(foreign.keys.every(({ kid }) => kid !== decodeJwtHeader(access).kid));
    await assert.rejects(jwtVerify(access, createLocalJWKSet(foreign)));
  });
});
