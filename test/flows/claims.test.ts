import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJwt } from "jose";
import * as oauth from "oauth4webapi";
import { call } from "../support/http.ts";
import {
  assertAsked,
  assertTold,
  authorize,
  idClaims,
  logInByCode,
  newPerson,
  secondApplication,
  tokensOfAnswer,
} from "../support/single-sign-on.ts";
import { locationOf, testLogin } from "../support/test-browser.ts";

const STANDARD = { expires_after: 600, id_token_claims: "standard" as const };

function asking(claims: unknown): { claims: string } {
  return { claims: JSON.stringify(claims) };
}

async function userinfo(issuer: string, access: string): Promise<Record<string, unknown>> {
  const answer = await call(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${access}` } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json ?? {};
}

describe("claims asked for by name (OIDC Core §5.5)", () => {
  test("come where they were asked for, without their scope, and after a refresh too", async () => {
    const at = await newPerson({ config: { token_configuration: STANDARD } });
    await logInByCode(at);
    const claims = asking({
      id_token: { email: null, unheard_of: null },
      userinfo: { preferred_username: { essential: true } },
    });
    const tokens = await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application, claims));
    const idToken = idClaims(tokens);
    assert.equal(idToken.email, at.email);
    assert.ok(!("preferred_username" in idToken) && !("name" in idToken) && !("unheard_of" in idToken));
    const info = await userinfo(at.flow.application.issuer, tokens.access);
    assert.deepEqual(info, { sub: at.identityId, preferred_username: at.email });
    const refreshed = await at.flow.refresh(tokens.refresh);
    assert.equal(decodeJwt(String(refreshed.json?.id_token)).email, at.email);
  });

  test("a value of sub is who it must be", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const none = { prompt: "none" };
    const own = { ...none, ...asking({ id_token: { sub: { value: at.identityId } } }) };
    assert.ok(locationOf(await authorize(at, at.flow.application, own)).searchParams.has("code"));
    const others = asking({ id_token: { sub: { value: "somebody" } } });
    assertTold(await authorize(at, at.flow.application, { ...none, ...others }), "login_required");
    assertAsked(await authorize(at, at.flow.application, others));
  });

  test("an essential acr that no login reaches fails the login, a voluntary one never (§5.5.1.1)", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const essential = asking({ id_token: { acr: { essential: true, values: ["urn:gold"] } } });
    assertTold(await authorize(at, at.flow.application, essential), "unmet_authentication_requirements");
    const met = asking({ id_token: { acr: { essential: true, values: ["urn:gold", "mayfly:1"] } } });
    const tokens = await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application, met));
    assert.equal(idClaims(tokens).acr, "mayfly:1");
    for (const wish of [{ acr_values: "urn:gold" }, asking({ id_token: { acr: { values: ["urn:gold"] } } })]) {
      assert.ok(locationOf(await authorize(at, at.flow.application, wish)).searchParams.has("code"));
    }
  });

  test("what is no JSON object is refused", async () => {
    const at = await newPerson();
    const unstorable = String.raw`{"id_token":{"acr":{"values":["\u0000"]}}}`;
    for (const claims of ["x", "[]", '{"id_token":1}', unstorable]) {
      assertTold(await authorize(at, at.flow.application, { claims }), "invalid_request");
    }
  });

  test("the page that asks for consent names them", async () => {
    const at = await newPerson();
    const parameters = { prompt: "consent", scope: "openid", ...asking({ userinfo: { phone_number: null } }) };
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    await login.logIn(at.email);
    assert.match((await at.browser.open(login.url)).text, /<li>your phone number<\/li>/);
  });
});

describe("userinfo as a JWT (OIDC Core §5.3.2)", () => {
  test("is signed as the application says, for it alone, and is no ID token", async () => {
    const at = await newPerson({ tokens: { userinfo_signed_response_alg: "ES256" } });
    const { application } = at.flow;
    const tokens = await logInByCode(at);
    const issuer = new URL(application.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const discovered = await oauth.discoveryRequest(issuer, insecure);
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const client: oauth.Client = { client_id: application.clientId, userinfo_signed_response_alg: "ES256" };
    const answer = await oauth.userInfoRequest(server, client, tokens.access, insecure);
    const signed = await answer.clone().text();
    const info = await oauth.processUserInfoResponse(server, client, at.identityId, answer);
    assert.deepEqual([info.sub, info.iss, info.aud], [at.identityId, application.issuer, application.clientId]);
    await oauth.validateApplicationLevelSignature(server, answer, insecure);
    assertTold(await authorize(at, application, { id_token_hint: signed }), "invalid_request");
    const plain = await secondApplication(at);
    const others = await logInByCode(at, plain, { prompt: "login" });
    assert.equal((await userinfo(plain.issuer, others.access)).sub, at.identityId);
  });
});
