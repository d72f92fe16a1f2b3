import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";
const REDIRECT_URI = "https://client.example/callback";
const SIGNED_OUT = "https://client.example/signed-out";

/** An application as a product team registers it, and the library's configuration of it. */
async function relyingParty(): Promise<{
  tenant: TestTenant;
  application: TestApplication;
  config: client.Configuration;
}> {
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [REDIRECT_URI],
      post_logout_redirect_uris: [SIGNED_OUT],
      pkce: "s256",
      token_configuration: { expires_after: 86_400 },
      refresh_token_configuration: { enabled: true, absolute_duration: 86_400, rotate: true },
    },
  });
  const secret = client.ClientSecretBasic(application.clientSecret);
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(application.issuer), application.clientId, undefined, secret, options);
  return { tenant, application, config };
}

test("openid-client logs a person in, refreshes, introspects, revokes and reads userinfo without a special case", async () => {
  const { tenant, application, config } = await relyingParty();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
  });
  const login = await testLogin(tenant, application, { parameters: Object.fromEntries(url.searchParams) });
  const callback = await login.finish(await login.logIn(EMAIL));

  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, callback, checks, { expiration_time: "900" });
  assert.equal(tokens.expires_in, 900);
  const claims = tokens.claims();
  assert.equal(claims?.email, EMAIL);
  assert.equal(claims?.name, "Pat Doe");

  const introspected = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(introspected.active, true);
  assert.equal(Number(introspected.exp) - Number(introspected.iat), 900);

  const userinfo = await client.fetchUserInfo(config, tokens.access_token, String(claims?.sub));
  assert.equal(userinfo.email, EMAIL);

  const refreshed = await client.refreshTokenGrant(config, String(tokens.refresh_token), { expiration_time: "60" });
  assert.equal(refreshed.expires_in, 60);
  assert.equal(refreshed.claims()?.sub, claims?.sub);

  await client.tokenRevocation(config, refreshed.access_token);
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false);
  await client.tokenRevocation(config, String(refreshed.refresh_token));
  assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, String(refreshed.refresh_token)), { error: "invalid_grant" });
});

test("openid-client gets a token of its own with client_secret_post, and a clear answer when it asks for too much", async () => {
  const tenant = await testTenant();
  const resourceServer = await tenant.addResourceServer();
  const application = await tenant.addApplication(
    {
      protocol_config: {
        type: "oauth2",
        grant_type: ["client_credentials"],
        allowed_scopes: ["shoes:read"],
        token_configuration: { expires_after: 3_600 },
      },
    },
    resourceServer,
  );
  const config = await client.discovery(
    new URL(application.issuer),
    application.clientId,
    undefined,
    client.ClientSecretPost(application.clientSecret),
    { execute: [client.allowInsecureRequests] },
  );
  assert.equal(config.serverMetadata().expiration_time_max, 3_600);
  assert.equal(
    config.serverMetadata().introspection_endpoint,
    `${tenant.server.url}${realmPath(tenant.realm)}/introspect`,
  );
  const tokens = await client.clientCredentialsGrant(config, { scope: "shoes:read", expiration_time: "900" });
  assert.equal(tokens.expires_in, 900);
  await assert.rejects(client.clientCredentialsGrant(config, { expiration_time: "7200" }), {
    error: "invalid_request",
    error_description:
      "expiration_time 7200 is above the maximum of 3600 seconds, set by the application (token_configuration.expires_after)",
  });
});

test("openid-client logs in again without a page, checks how old the login is, and logs out", async () => {
  const { tenant, application, config } = await relyingParty();
  const browser = testBrowser();
  const authorize = async (parameters: Record<string, string>) => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: "openid",
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      ...parameters,
    });
    return { url, pkceCodeVerifier };
  };
  const first = await testLogin(tenant, application, { browser });
  await first.finish(await first.logIn(EMAIL));
  const { url, pkceCodeVerifier } = await authorize({ prompt: "none", max_age: "600" });
  const callback = locationOf(await browser.open(url.href));
  const tokens = await client.authorizationCodeGrant(config, callback, { pkceCodeVerifier, maxAge: 600 });
  assert.match(String(tokens.claims()?.sid), /^[A-Za-z0-9_-]{32}$/);
  const out = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? "",
    post_logout_redirect_uri: SIGNED_OUT,
    state: "s1",
  });
  assert.equal(locationOf(await browser.open(out.href)).href, `${SIGNED_OUT}?state=s1`);
  const silent = await authorize({ prompt: "none" });
  const refused = locationOf(await browser.open(silent.url.href));
  await assert.rejects(client.authorizationCodeGrant(config, refused, silent), { error: "login_required" });
});
