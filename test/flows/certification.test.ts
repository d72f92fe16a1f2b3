import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { type Answer, call, postForm } from "../support/http.ts";
import { newAddress } from "../support/login-flow.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import { assertAsked, assertTold, newPerson, type SignedIn, secondApplication } from "../support/single-sign-on.ts";
import { hiddenFields, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import type { ConfigBody } from "../support/test-client.ts";
import { REDIRECT_URI, type Tokens, tokensOf } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

// What the public certification suite for providers asks for and no other test shows, for clients as it registers them: several behind
// one discovery document, without PKCE, and claims of scopes from userinfo only. docs/specifications.md says which test shows the rest.

const SIGNED_OUT = "https://client.example/signed-out";
const NONE = { prompt: "none" };
const PROFILE: ConfigBody = {
  issuer_mode: "realm",
  pkce: "disabled",
  post_logout_redirect_uris: [SIGNED_OUT],
  token_configuration: { expires_after: 600, id_token_claims: "standard" },
};
const TRAITS = {
  family_name: "Doe",
  given_name: "Pat",
  middle_name: "Q",
  nick_name: "patty",
  profile_url: "https://example.com/pat",
  photo: "https://example.com/pat.png",
  timezone: "Europe/Berlin",
  locale: "de-DE",
  primary_phone: "+49301234567",
  street_address: "Hauptstr. 1",
  locality: "Berlin",
  country: "DE",
};
const PROFILE_CLAIMS = [
  ...["name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"],
  ...["profile", "picture", "zoneinfo", "locale", "updated_at"],
];

type Parameters = Readonly<Record<string, string>>;

/** Two clients of one realm, and somebody of whom everything is known, logged in to the first. */
interface World extends SignedIn {
  readonly client: TestApplication;
  readonly other: TestApplication;
  readonly first: Tokens;
}

async function world(): Promise<World> {
  const at = await newPerson({ config: PROFILE });
  const email = newAddress(at.flow.tenant);
  const identityId = await at.flow.tenant.addIdentity(email, TRAITS);
  const client = at.flow.application;
  const person = { ...at, email, identityId, client, other: await secondApplication(at, PROFILE) };
  return { ...person, first: await logIn(person, person.client) };
}

function requestOf(client: TestApplication, parameters: Parameters): string {
  const ordinary = { response_type: "code", client_id: client.clientId, redirect_uri: REDIRECT_URI, scope: "openid" };
  return String(new URLSearchParams({ ...ordinary, state: "st", nonce: "no", ...parameters }));
}

/** Sends the browser to the client's /authorize. */
function authorize(
  { browser }: Pick<World, "browser">,
  client: TestApplication,
  parameters: Parameters = {},
): Promise<Answer> {
  return browser.open(`${client.issuer}/authorize?${requestOf(client, parameters)}`);
}

/** Logs the person in at the pages, whoever is logged in. */
async function logIn(
  { flow, browser, email }: Omit<World, "first">,
  client: TestApplication,
  parameters: Parameters = {},
): Promise<Tokens> {
  const all = { code_challenge: "", code_challenge_method: "", prompt: "login", nonce: "no", ...parameters };
  const login = await testLogin(flow.tenant, client, { browser, parameters: all });
  return exchange(client, await login.finish(await login.logIn(email)));
}

/** Exchanges the code of an answer by `client_secret_basic`, with its redirect URI. */
async function exchange(client: TestApplication, location: URL): Promise<Tokens> {
  return tokensOf(await postCode(client, location.searchParams.get("code") ?? ""));
}

function postCode({ issuer, authorization }: TestApplication, code: string): Promise<Answer> {
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI };
  return postForm(`${issuer}/token`, form, { authorization });
}

/** The tokens of a request that the session answers without a page. */
async function tokensSilently(at: World, parameters: Parameters = {}): Promise<Tokens> {
  return exchange(at.client, locationOf(await authorize(at, at.client, { ...NONE, ...parameters })));
}

/** The claims of an ID token, which is checked as the suite does: signature by `kid`, RS256, issuer, audience. */
async function idClaims(at: World, idToken: string): Promise<JWTPayload> {
  const jwks = createRemoteJWKSet(new URL(`${at.client.issuer}/.well-known/jwks.json`));
  const { issuer, clientId } = at.client;
  const options = { issuer, audience: clientId, algorithms: ["RS256"] };
  const { payload, protectedHeader } = await jwtVerify(idToken, jwks, options);
  assert.ok(protectedHeader.kid, "a realm may have several keys (OIDC Core §10.1)");
  return payload;
}

async function userinfo({ client }: World, { access }: Tokens): Promise<Answer> {
  return call(`${client.issuer}/userinfo`, { headers: { authorization: `Bearer ${access}` } });
}

/** One world for all tests that leave it as it is. */
let at: World;
before(async () => {
  at = await world();
});

describe("Config", () => {
  test("the document of an issuer of several clients has what is required, as it is required", async () => {
    const answer = await call(`${at.client.issuer}/.well-known/openid-configuration`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    const metadata = answer.json ?? {};
    assert.equal(metadata.issuer, `${at.flow.tenant.server.url}${realmPath(at.flow.tenant.realm)}`);
    const addresses = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name));
    for (const required of ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"]) {
      assert.ok(required in metadata, required);
    }
    assert.ok("end_session_endpoint" in metadata && metadata.backchannel_logout_supported === true);
    assert.equal(metadata.backchannel_logout_session_supported, true);
    for (const [name, address] of addresses) assert.ok(String(address).startsWith(`${metadata.issuer}/`), name);
    for (const [name, list] of Object.entries(metadata)) {
      if (/_supported$/.test(name) && typeof list !== "boolean")
        assert.ok(Array.isArray(list) && list.length > 0, name);
    }
    const lists: Record<string, readonly string[]> = {
      response_types_supported: ["code"],
      response_modes_supported: ["query", "form_post"],
      grant_types_supported: ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      scopes_supported: ["openid", "profile", "email", "address", "phone"],
      claims_supported: ["sub", "auth_time", "acr", ...PROFILE_CLAIMS],
    };
    for (const [name, members] of Object.entries(lists))
      assert.partialDeepStrictEqual(new Set(listOf(metadata[name])), new Set(members), name);
    assert.ok(!listOf(metadata.id_token_signing_alg_values_supported).includes("none"));
    assert.deepEqual([metadata.request_parameter_supported, metadata.request_uri_parameter_supported], [false, false]);
  });

  test("each key of the issuer has a kid of its own, a use and an algorithm", async () => {
    const { json } = await call(`${at.client.issuer}/.well-known/jwks.json`);
    const keys: readonly Record<string, unknown>[] = Array.isArray(json?.keys) ? json.keys : [];
    assert.ok(keys.length > 0);
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
    for (const { use, alg, kty } of keys) assert.ok(use === "sig" && alg && kty);
  });
});

describe("Basic", () => {
  test("a code is answered with state and issuer, and becomes an ID token that verifies, with its nonce", async () => {
    const nonce = "a nonce/with+all%kinds&of=characters";
    const location = locationOf(await authorize(at, at.client, { ...NONE, nonce, state: "~!*'();:@&=+$,/?#[] é" }));
    assert.deepEqual([...location.searchParams.keys()], ["code", "state", "iss"]);
    assert.equal(location.searchParams.get("state"), "~!*'();:@&=+$,/?#[] é");
    assert.equal(location.searchParams.get("iss"), at.client.issuer);
    const tokens = await exchange(at.client, location);
    const claims = await idClaims(at, tokens.idToken);
    assert.deepEqual([claims.nonce, claims.sub], [nonce, at.identityId]);
    assert.match(String(claims.sub), /^[\x20-\x7E]{1,255}$/);
    assert.equal(tokens.json.token_type, "Bearer");
    const info = await userinfo(at, tokens);
    assert.deepEqual(info.json, { sub: claims.sub });
    assert.match(info.headers.get("content-type") ?? "", /^application\/json/);
  });

  test("a client that sends its secret in the form gets the same", async () => {
    const code = locationOf(await authorize(at, at.client, NONE)).searchParams.get("code") ?? "";
    const { clientId, clientSecret, issuer } = at.client;
    const credentials = { client_id: clientId, client_secret: clientSecret };
    const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, ...credentials };
    const tokens = tokensOf(await postForm(`${issuer}/token`, form));
    assert.equal((await idClaims(at, tokens.idToken)).nonce, "no");
  });

  const SCOPES: readonly (readonly [string, readonly string[]])[] = [
    ["openid profile", PROFILE_CLAIMS],
    ["openid email", ["email", "email_verified"]],
    ["openid address", ["address"]],
    ["openid phone", ["phone_number", "phone_number_verified"]],
    ["phone openid", ["phone_number", "phone_number_verified"]],
  ];
  for (const [scope, expected] of SCOPES) {
    test(`userinfo has all the claims of the scope ${scope}, and the ID token none of them`, async () => {
      const tokens = await tokensSilently(at, { scope });
      const { json = {} } = await userinfo(at, tokens);
      const names = Object.keys(json).filter((name) => name !== "display_name"); // an alias of name (reference 6 #20)
      assert.deepEqual(names.toSorted(), ["sub", ...expected].toSorted());
      const claims = await idClaims(at, tokens.idToken);
      assert.deepEqual(
        expected.filter((name) => name in claims),
        [],
      );
    });
  }

  test("all scopes at once give all claims, in the types that OIDC Core §5.1 says", async () => {
    const scope = "openid profile email address phone";
    const { json = {} } = await userinfo(at, await tokensSilently(at, { scope }));
    assert.partialDeepStrictEqual(json, {
      sub: at.identityId,
      name: "Pat Doe",
      email: at.email,
      email_verified: true,
      phone_number: "+49301234567",
      phone_number_verified: false,
      address: { street_address: "Hauptstr. 1", locality: "Berlin", country: "DE" },
    });
    assert.ok(Number.isInteger(json.updated_at));
  });

  const HARMLESS: readonly (readonly [string, string])[] = [
    ["display", "page"],
    ["display", "popup"],
    ["extra", "foobar"],
    ["ui_locales", "se"],
    ["claims_locales", "se"],
    ["max_age", "10000"],
  ];
  for (const [name, value] of HARMLESS) {
    test(`with ${name}=${value} the login of the session is told again`, async () => {
      const again = await tokensSilently(at, { [name]: value });
      const [one, two] = [await idClaims(at, at.first.idToken), await idClaims(at, again.idToken)];
      assert.deepEqual([two.sub, two.auth_time], [one.sub, one.auth_time]);
    });
  }

  test("acr_values that the document lists are met, and told", async () => {
    const { json } = await call(`${at.client.issuer}/.well-known/openid-configuration`);
    const known = listOf(json?.acr_values_supported);
    const { acr } = await idClaims(at, (await tokensSilently(at, { acr_values: known.join(" ") })).idToken);
    assert.ok(known.includes(String(acr)), String(acr));
  });

  test("a claim asked for as essential comes from where it was asked for, and one that nobody has is no error (§5.5.1)", async () => {
    const essential = { essential: true };
    const claims = JSON.stringify({ userinfo: { name: essential, website: essential, birthdate: essential } });
    const tokens = await tokensSilently(at, { claims });
    assert.deepEqual((await userinfo(at, tokens)).json, { sub: at.identityId, name: "Pat Doe" });
    assert.ok(!("name" in (await idClaims(at, tokens.idToken))));
  });

  test("a request object is refused, and its redirect URI never followed", async () => {
    const object = { redirect_uri: REDIRECT_URI, state: "s", client_id: at.client.clientId };
    const request = `${encode({ alg: "none" })}.${encode(object)}.`;
    assertTold(await authorize(at, at.client, { request }), "request_not_supported");
    const wrong = await authorize(at, at.client, { request, redirect_uri: "https://client.example/other" });
    assert.deepEqual([wrong.status, wrong.headers.get("location")], [400, null]);
  });

  test("a code that comes again 30 seconds later is invalid_grant, and its access token dead", async () => {
    const own = await world();
    const code = locationOf(await authorize(own, own.client, NONE)).searchParams.get("code") ?? "";
    const tokens = tokensOf(await postCode(own.client, code));
    await own.flow.tenant.advance(30);
    assertInvalidGrant(await postCode(own.client, code));
    assert.equal((await userinfo(own, tokens)).status, 401);
  });

  test("a login after max_age=1 and one by prompt=login are later than the one before", async () => {
    const own = await world();
    let latest = Number((await idClaims(own, own.first.idToken)).auth_time);
    for (const parameters of [{ max_age: "1", prompt: "" }, { prompt: "login" }]) {
      await own.flow.tenant.advance(2);
      assertAsked(await authorize(own, own.client, parameters));
      const { auth_time, iat } = await idClaims(own, (await logIn(own, own.client, parameters)).idToken);
      assert.ok(Number(auth_time) > latest);
      assert.equal(auth_time, iat);
      latest = Number(auth_time);
    }
  });

  test("a refresh with its scope gives an ID token of the same login, later; another client gets nothing for it", async () => {
    const own = await world();
    await own.flow.tenant.advance(1);
    const form = { grant_type: "refresh_token", refresh_token: own.first.refresh, scope: "openid" };
    const { issuer, authorization } = own.client;
    const tokens = tokensOf(await postForm(`${issuer}/token`, form, { authorization }));
    const [one, two] = [await idClaims(own, own.first.idToken), await idClaims(own, tokens.idToken)];
    for (const name of ["iss", "sub", "aud", "auth_time", "azp"]) assert.deepEqual(two[name], one[name], name);
    assert.equal(Number(two.iat), Number(one.iat) + 1);
    const stolen = { grant_type: "refresh_token", refresh_token: tokens.refresh };
    assertInvalidGrant(await postForm(`${issuer}/token`, stolen, { authorization: own.other.authorization }));
  });
});

describe("Form Post", () => {
  test("code, state and issuer are the fields of a form, none is in its address, and the state is no markup", async () => {
    const state = `"><script>alert('1')</script>&amp;`;
    const answer = await authorize(at, at.client, { ...NONE, response_mode: "form_post", state });
    assert.deepEqual([answer.status, answer.headers.get("location")], [200, null]);
    assert.match(answer.text, new RegExp(`<form id="answer" method="post" action="${REDIRECT_URI}">`));
    assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
    assert.ok(!answer.text.includes("<script>"), answer.text);
    const fields = hiddenFields(answer);
    assert.deepEqual(Object.keys(fields), ["code", "state", "iss"]);
    assert.equal(readReferences(fields.state ?? ""), state);
    assert.ok(tokensOf(await postCode(at.client, fields.code ?? "")).idToken);
  });

  test("an error is posted as an answer is", async () => {
    const parameters = { ...NONE, response_mode: "form_post" };
    const answer = await authorize({ browser: testBrowser() }, at.client, parameters);
    const { error_description, ...fields } = hiddenFields(answer);
    assert.deepEqual(fields, { error: "login_required", state: "st", iss: at.client.issuer });
    assert.ok(error_description);
  });
});

describe("RP-Initiated Logout", () => {
  test("the state comes back with all its 128 characters, and the person is logged out", async () => {
    const own = await world();
    const state = "!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"\\ 09azAZ".padEnd(128, "x");
    const parameters = { id_token_hint: own.first.idToken, post_logout_redirect_uri: SIGNED_OUT, state };
    const left = locationOf(await leave(own, { ...parameters, ui_locales: "de", logout_hint: "pat", extra: "1" }));
    assert.equal(left.origin + left.pathname, SIGNED_OUT);
    assert.deepEqual([...left.searchParams], [["state", state]]);
    assertTold(await authorize(own, own.client, NONE), "login_required");
  });

  test("an ID token that was changed, and what is none, lead nowhere and end nothing, whoever's page it is", async () => {
    const own = await world();
    const [head, , signature] = own.first.idToken.split(".");
    const changed = encode({ ...(await idClaims(own, own.first.idToken)), sub: "another" });
    for (const bad of [`${head}.${changed}.${signature}`, `${encode({ alg: "none" })}.${changed}.`, "x", "a.b.c"]) {
      const asked = await leave(own, { id_token_hint: bad, post_logout_redirect_uri: SIGNED_OUT, state: "s" });
      assert.deepEqual([asked.status, asked.headers.get("location")], [200, null], bad);
      assert.match(asked.text, /Sign out\?/);
    }
    assert.ok(locationOf(await authorize(own, own.client, NONE)).searchParams.has("code"));
  });

  const STAYING: readonly (readonly [string, (own: World) => Parameters])[] = [
    ["no parameters", () => ({})],
    ["a state alone", () => ({ state: "s" })],
    ["an ID token alone", (own) => ({ id_token_hint: own.first.idToken, state: "s" })],
  ];
  for (const [name, parameters] of STAYING) {
    test(`${name}: the person is asked, logged out, and stays with us`, async () => {
      const own = await world();
      const asked = await leave(own, parameters(own));
      assert.deepEqual([asked.status, asked.headers.get("location")], [200, null]);
      const left = await own.browser.post(`${own.client.issuer}/end-session`, hiddenFields(asked));
      assert.match(left.text, /You are signed out/);
      assertTold(await authorize(own, own.client, NONE), "login_required");
    });
  }
});

function leave({ browser, client }: World, parameters: Parameters): Promise<Answer> {
  return browser.open(`${client.issuer}/end-session?${new URLSearchParams(parameters)}`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** What a browser reads where a page's attribute has character references. */
function readReferences(text: string): string {
  const numbered = text.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  const named = numbered.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"');
  return named.replaceAll("&amp;", "&");
}
