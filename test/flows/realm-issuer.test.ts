import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeProtectedHeader } from "jose";
import * as client from "openid-client";
import { applicationPath, realmPath } from "../../src/protocol/client-metadata.ts";
import { basic, call, postForm } from "../support/http.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import {
  authorize,
  idClaims,
  logInByCode,
  newPerson,
  type SignedIn,
  secondApplication,
  tokensOfAnswer,
  VERIFIER,
} from "../support/single-sign-on.ts";
import { authorizeParameters, hiddenFields, locationOf } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

const REALM_MODE = { issuer_mode: "realm" as const };
const BACK = "https://client.example/out";

async function world(): Promise<SignedIn & { readonly issuer: string; readonly other: TestApplication }> {
  const at = await newPerson({ config: { ...REALM_MODE, post_logout_redirect_uris: [BACK] } });
  const other = await secondApplication(at, REALM_MODE);
  return { ...at, other, issuer: `${at.flow.tenant.server.url}${realmPath(at.flow.tenant.realm)}` };
}

describe("a realm's issuer (rule 11)", () => {
  test("is one for several clients: one discovery document, one iss, one session, one key set", async () => {
    const at = await world();
    const { application } = at.flow;
    assert.equal(application.issuer, at.issuer);
    const addresses = [
      `${at.issuer}/.well-known/openid-configuration`,
      `${at.issuer}/.well-known/oauth-authorization-server`,
      ...["openid-configuration", "oauth-authorization-server"].map(
        (name) => `${at.flow.tenant.server.url}/.well-known/${name}${realmPath(at.flow.tenant.realm)}`,
      ),
    ];
    const documents = await Promise.all(addresses.map((address) => call(address)));
    assert.equal(new Set(documents.map(({ text }) => text)).size, 1);
    const metadata = documents[0]?.json ?? {};
    assert.deepEqual(
      [metadata.issuer, metadata.token_endpoint, metadata.end_session_endpoint],
      [at.issuer, `${at.issuer}/token`, `${at.issuer}/end-session`],
    );
    assert.deepEqual(metadata.token_endpoint_auth_methods_supported, [
      "client_secret_basic",
      "client_secret_post",
      "none",
    ]);
    const first = await logInByCode(at);
    assert.equal(idClaims(first).iss, at.issuer);
    assert.equal(decodeProtectedHeader(first.access).jku, `${at.issuer}/.well-known/jwks.json`);
    const silent = await authorize(at, at.other, { prompt: "none" });
    assert.equal(locationOf(silent).searchParams.get("iss"), at.issuer);
    const second = await tokensOfAnswer(at.flow, at.other, silent);
    assert.equal(idClaims(second).sid, idClaims(first).sid);
    const introspected = await at.flow.tenant.introspect(at.other, second.access);
    assert.deepEqual([introspected.iss, introspected.client_id], [at.issuer, at.other.clientId]);
    for (const [tokens, method] of [
      [first, "GET"],
      [second, "POST"],
    ] as const) {
      const headers = { authorization: `Bearer ${tokens.access}` };
      const userinfo = await call(`${at.issuer}/userinfo`, { method, headers });
      assert.equal(userinfo.json?.sub, at.identityId, userinfo.text);
    }
  });

  test("openid-client discovers it for two clients, exchanges, refreshes, asks userinfo and builds the logout", async () => {
    const at = await world();
    for (const application of [at.flow.application, at.other]) {
      const config = await client.discovery(
        new URL(at.issuer),
        application.clientId,
        application.clientSecret,
        client.ClientSecretBasic(application.clientSecret),
        { execute: [client.allowInsecureRequests] },
      );
      const scope = "openid offline_access";
      await logInByCode(at, application, { prompt: "login", scope });
      const callback = locationOf(await authorize(at, application, { scope }));
      const tokens = await client.authorizationCodeGrant(config, callback, {
        pkceCodeVerifier: VERIFIER,
        expectedState: "af0ifjsldkj",
      });
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
      assert.equal((await client.fetchUserInfo(config, refreshed.access_token, at.identityId)).sub, at.identityId);
      const out = client.buildEndSessionUrl(config, {
        post_logout_redirect_uri: BACK,
        id_token_hint: tokens.id_token ?? "",
      });
      assert.equal(out.pathname, `${realmPath(at.flow.tenant.realm)}/end-session`);
    }
  });

  test("a client gets nothing for another's refresh token or code", async () => {
    const at = await world();
    const { refresh } = await logInByCode(at);
    const form = { grant_type: "refresh_token", refresh_token: refresh };
    assertInvalidGrant(await at.flow.tenant.token(at.other, form));
    const callback = locationOf(await authorize(at, at.flow.application));
    const code = {
      grant_type: "authorization_code",
      code: callback.searchParams.get("code") ?? "",
      code_verifier: VERIFIER,
    };
    assertInvalidGrant(await at.flow.tenant.token(at.other, code));
    assert.equal((await at.flow.tenant.token(at.flow.application, code)).status, 200, "nothing was consumed");
    assert.equal((await at.flow.tenant.token(at.flow.application, form)).status, 200);
  });

  test("tells clients apart by who they say they are, and unknown ones nothing", async () => {
    const at = await world();
    const form = { grant_type: "client_credentials" };
    const token = `${at.issuer}/token`;
    for (const authorization of [basic("nobody", "x"), basic(at.other.clientId, at.flow.application.clientSecret)]) {
      const answer = await postForm(token, form, { authorization });
      assert.deepEqual([answer.status, answer.json?.error], [401, "invalid_client"]);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic/);
    }
    assert.equal((await postForm(token, form)).status, 401);
    const query = new URLSearchParams(authorizeParameters(at.other, VERIFIER));
    query.delete("client_id");
    const page = await at.browser.open(`${at.issuer}/authorize?${query}`);
    assert.deepEqual([page.status, page.headers.get("location")], [400, null]);
    query.set("client_id", "nobody");
    assert.equal((await at.browser.open(`${at.issuer}/authorize?${query}`)).status, 404);
  });

  test("an application is served where its issuer is, and nowhere else", async () => {
    const at = await world();
    const own = (await testCodeFlow({ tenant: at.flow.tenant, server: at.flow.resourceServer })).application;
    const below = `${at.flow.tenant.server.url}${applicationPath(at.flow.application.key)}`;
    const form = { grant_type: "client_credentials" };
    assert.equal(
      (await postForm(`${below}/token`, form, { authorization: at.flow.application.authorization })).status,
      404,
    );
    assert.equal((await call(`${below}/.well-known/openid-configuration`)).status, 404);
    const query = new URLSearchParams(authorizeParameters(own, VERIFIER));
    assert.equal((await at.browser.open(`${at.issuer}/authorize?${query}`)).status, 404);
    assert.equal((await postForm(`${at.issuer}/token`, form, { authorization: own.authorization })).status, 404);
    const tokens = await logInByCode(at, own);
    const headers = { authorization: `Bearer ${tokens.access}` };
    assert.equal((await call(`${at.issuer}/userinfo`, { headers })).status, 404, "its iss is another (rule 34)");
    const revoked = await postForm(
      `${at.issuer}/revoke`,
      { token: tokens.access },
      { authorization: own.authorization },
    );
    assert.equal(revoked.status, 404);
  });

  test("revokes and logs out as an application's does", async () => {
    const at = await world();
    const tokens = await logInByCode(at);
    const { authorization } = at.flow.application;
    const revoked = await postForm(`${at.issuer}/revoke`, { token: tokens.access }, { authorization });
    assert.equal(revoked.status, 200);
    assert.deepEqual(await at.flow.tenant.introspect(at.flow.application, tokens.access), { active: false });
    const asked = await at.browser.open(`${at.issuer}/end-session?client_id=${at.other.clientId}`);
    assert.match(asked.text, /Sign out\?/);
    const nameless = await at.browser.open(`${at.issuer}/end-session`);
    assert.match(nameless.text, /Sign out\?/, "the browser's session knows its applications");
    const hint = new URLSearchParams({ id_token_hint: tokens.idToken, post_logout_redirect_uri: BACK });
    const left = await at.browser.open(`${at.issuer}/end-session?${hint}`);
    assert.equal(left.headers.get("location"), BACK);
    const strange = await at.browser.open(`${at.issuer}/end-session`);
    assert.equal(strange.status, 400, "no client, and no session that knows one");
    const late = await at.browser.post(`${at.issuer}/end-session`, hiddenFields(asked));
    assert.match(late.text, /You are signed out/);
  });
});
