import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { testLogin } from "../support/test-browser.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";
const REDIRECT_URI = "https://client.example/callback";
const INSECURE = { [oauth.allowInsecureRequests]: true };

type Algorithm = "RS256" | "ES256" | "PS256" | "EdDSA";

function addSinglePageApplication(
  tenant: TestTenant,
  configId: string,
  algorithm: Algorithm,
): Promise<TestApplication> {
  return tenant.addApplication({
    authenticator_config_id: configId,
    protocol_config: {
      type: "oidc",
      confidentiality: "public",
      grant_type: ["authorization_code"],
      redirect_uris: [REDIRECT_URI],
      pkce: "s256",
      token_configuration: {
        expires_after: 86_400,
        token_signing_algorithm: algorithm,
        id_token_signed_response_alg: algorithm,
      },
    },
  });
}

for (const algorithm of ["RS256", "ES256", "PS256", "EdDSA"] as const) {
  test(`oauth4webapi does the whole code flow and validates our JWT access token (${algorithm})`, async () => {
    const tenant = await testTenant();
    await tenant.addIdentity(EMAIL);
    const application = await addSinglePageApplication(tenant, await tenant.addAuthenticatorConfig(), algorithm);
    const issuer = new URL(application.issuer);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
    const client: oauth.Client = { client_id: application.clientId, id_token_signed_response_alg: algorithm };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const expectedNonce = oauth.generateRandomNonce();
    const parameters = {
      client_id: application.clientId,
      redirect_uri: REDIRECT_URI,
      scope: "openid email",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      state,
      nonce: expectedNonce,
    };
    const login = await testLogin(tenant, application, { parameters });
    const callback = oauth.validateAuthResponse(server, client, await login.finish(await login.logIn(EMAIL)), state);
    const options = { ...INSECURE, additionalParameters: { expiration_time: "900" } };
    const [none, uri] = [oauth.None(), REDIRECT_URI];
    const response = await oauth.authorizationCodeGrantRequest(server, client, none, callback, uri, verifier, options);
    const expected = { expectedNonce, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
    assert.equal(tokens.expires_in, 900);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.email, EMAIL);

    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const request = new Request("https://api.example/shoes", { headers });
    const accepted = { ...INSECURE, signingAlgorithms: [algorithm] };
    const claims = await oauth.validateJwtAccessToken(server, request, application.clientId, accepted);
    assert.equal(claims.exp - claims.iat, 900);
    assert.equal(claims.client_id, application.clientId);
  });
}

test("oauth4webapi gets, revokes and introspects a token with a secret that it percent-encodes", async () => {
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
  const issuer = new URL(application.issuer);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const client: oauth.Client = { client_id: application.clientId };
  const secret = oauth.ClientSecretBasic(application.clientSecret);
  const response = await oauth.clientCredentialsGrantRequest(server, client, secret, { scope: "shoes:read" }, INSECURE);
  const tokens = await oauth.processClientCredentialsResponse(server, client, response);
  const revoked = await oauth.revocationRequest(server, client, secret, tokens.access_token, INSECURE);
  await oauth.processRevocationResponse(revoked);
  const introspected = await oauth.introspectionRequest(server, client, secret, tokens.access_token, INSECURE);
  assert.equal((await oauth.processIntrospectionResponse(server, client, introspected)).active, false);
});
