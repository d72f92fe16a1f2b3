import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  findAuthorizationRequest,
  verifyAuthorizationRequestByPasskey,
} from "../../src/resources/authorization-request/queries.ts";
import {
  act,
  authenticatorOf,
  beginEmbedded,
  bindPasskey,
  type EmbeddedLogin,
  type EmbeddedWorld,
  embeddedWorld,
  finishEmbedded,
  logInByCode,
  logInByPasskey,
  openCompletion,
  postJson,
  requestOf,
  SHOP,
  transactionOf,
} from "../support/embedded-login.ts";
import type { Answer } from "../support/http.ts";
import { decodeJwt, decodeJwtHeader } from "../support/jwt.ts";
import { WRONG_CODE } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { assertRefused } from "../support/refusals.ts";
import { hiddenFields, locationOf, TEST_CODE, testBrowser } from "../support/test-browser.ts";
import { tokensOf } from "../support/test-code-flow.ts";

async function idTokenOf({ tenant, application }: EmbeddedWorld, login: EmbeddedLogin, back: URL) {
  const code = back.searchParams.get("code");
  assert.ok(code, back.href);
  const form = { grant_type: "authorization_code", code, code_verifier: login.verifier };
  return decodeJwt(tokensOf(await tenant.token(application, form)).idToken);
}

const isSession = (name: string): boolean => /^(__Host-)?mayfly-[0-9a-f]{16}$/.test(name);

describe("an application with login pages of its own", () => {
  test("gets the browser, with a request that says which login it is and whose it is not", async () => {
    const world = await embeddedWorld();
    const { browser, url } = await beginEmbedded(world, { parameters: { login_hint: world.email } });
    const request = requestOf(url);
    const { iss, aud, iat, exp, challenge, state, ...others } = decodeJwt(request);
    assert.deepEqual(Object.keys(others).sort(), ["seed", "step", "transaction_id"]);
    assert.equal(aud, new URL(authenticatorOf(world)).pathname.replace(/^/, world.tenant.server.deps.config.publicUrl));
    assert.equal(iss, String(aud).replace("/authenticator", ""));
    assert.equal(Number(exp) - Number(iat), 600);
    assert.match(String(challenge), /^[\w-]{43}$/);
    assert.equal(state, "af0ifjsldkj");
    const { kid, ...header } = decodeJwtHeader(request);
    assert.deepEqual(header, { typ: "bi-authenticate+jwt", alg: "RS256" });
    assert.equal(typeof kid, "string");
    assert.equal(browser.cookies.size, 1);
  });

  test("that takes people there itself is told where, and no browser is bound", async () => {
    const world = await embeddedWorld({ invocation: "manual" });
    const { browser, url } = await beginEmbedded(world);
    assert.equal(browser.cookies.size, 0);
    assert.ok(requestOf(url));
  });

  test("tells its page what the login takes", async () => {
    const world = await embeddedWorld();
    const { url } = await beginEmbedded(world);
    const request = requestOf(url);
    const told = await postJson(`${authenticatorOf(world)}/authentication-context`, { request });
    assert.equal(told.status, 200, told.text);
    const { config, application, auth_url } = told.json ?? {};
    const { tenantId, realmId } = world.tenant.realm;
    const authentication_methods = [{ type: "email_one_time_password" }, { type: "webauthn_passkey" }];
    assert.deepEqual(config, {
      ...{ id: world.configId, tenant_id: tenantId, realm_id: realmId },
      config: { type: "embedded", authentication_methods },
    });
    assert.deepEqual(application, { id: world.application.key.applicationId, display_name: "App" });
    assert.equal(auth_url, url);
    assert.equal(told.headers.get("cache-control"), "no-store");
  });

  test("logs a person in by code, each step by an address of its own", async () => {
    const world = await embeddedWorld();
    const login = await beginEmbedded(world);
    const sent = await act(world, login.url, { action: ":send-code", email: world.email });
    const wrong = await act(world, sent.json?.url, { action: ":redeem-code", code: WRONG_CODE });
    assert.deepEqual([wrong.status, Object.keys(wrong.json ?? {})], [200, ["url"]]);
    const right = await act(world, wrong.json?.url, { action: ":redeem-code", code: TEST_CODE });
    assert.equal(right.status, 200, right.text);
    const claims = await idTokenOf(world, login, await finishEmbedded(world, right, login.browser));
    assert.deepEqual([claims.sub, claims.amr, claims.acr], [world.identityId, ["otp"], "mayfly:1"]);
    assert.ok([...login.browser.cookies.keys()].some(isSession));
    // The session answers the next request at once.
    const parameters = new URLSearchParams({
      ...{ response_type: "code", client_id: world.application.clientId, scope: "openid" },
      ...{ redirect_uri: "https://client.example/callback", code_challenge: "A".repeat(43) },
      code_challenge_method: "S256",
    });
    const again = await login.browser.open(`${world.application.issuer}/authorize?${parameters}`);
    assert.ok(locationOf(again).searchParams.has("code"), again.headers.get("location") ?? "");
  });

  for (const invocation of ["automatic", "manual"] as const) {
    test(`logs a person in by a passkey of its own host, ${invocation}`, async () => {
      const world = await embeddedWorld({ invocation });
      const passkey = await bindPasskey(world);
      const login = await beginEmbedded(world);
      const answer = await logInByPasskey(world, login, passkey);
      const claims = await idTokenOf(world, login, await finishEmbedded(world, answer, login.browser));
      assert.deepEqual([claims.sub, claims.acr], [world.identityId, "mayfly:3"]);
    });
  }

  test("answers the same for an address that nobody has, and no code of it works", async () => {
    const world = await embeddedWorld();
    const login = await beginEmbedded(world);
    const sent = await act(world, login.url, { action: ":send-code", email: "nobody@example.com" });
    assert.deepEqual([sent.status, Object.keys(sent.json ?? {})], [200, ["url"]]);
    const refused = await act(world, sent.json?.url, { action: ":redeem-code", code: TEST_CODE });
    assert.deepEqual([refused.status, Object.keys(refused.json ?? {})], [200, ["url"]]);
  });

  test("has five tries of a code", async () => {
    const world = await embeddedWorld();
    const login = await beginEmbedded(world);
    let { url } = (await act(world, login.url, { action: ":send-code", email: world.email })).json ?? {};
    for (let tries = 1; tries < 5; tries += 1) {
      ({ url } = (await act(world, url, { action: ":redeem-code", code: WRONG_CODE })).json ?? {});
    }
    assertRefused(await act(world, url, { action: ":redeem-code", code: WRONG_CODE }), 400, "login_required");
  });

  test("learns that the policy denies, and so does its client", async () => {
    const world = await embeddedWorld();
    const policy = { rules: [{ id: "nobody", match: {}, action: "DENY" as const }], default_action: "ALLOW" as const };
    await succeed(managementClient(world.tenant)("CreatePolicy", { body: { policy } }));
    const login = await beginEmbedded(world);
    assertRefused(await logInByCode(world, login), 403, "access_denied");
    const id = transactionOf(requestOf(login.url));
    const told = await login.browser.open(`${world.application.issuer}/authorize/complete?request=${id}`);
    assert.equal(locationOf(told).searchParams.get("error"), "access_denied");
  });

  test("asks for consent at our page, also where no browser was bound", async () => {
    for (const invocation of ["automatic", "manual"] as const) {
      const world = await embeddedWorld({ invocation, protocol: { type: "oidc", consent: "always" } });
      const login = await beginEmbedded(world);
      const answer = await logInByCode(world, login);
      const browser = invocation === "manual" ? testBrowser() : login.browser;
      const opened = await openCompletion(world, answer, browser);
      const url = `${world.tenant.server.url}${locationOf(opened).pathname}`;
      assert.equal((await openCompletion(world, answer, testBrowser())).status, 403);
      const page = await browser.open(url);
      assert.equal(page.status, 200, page.text);
      const allowed = await browser.post(url, { ...hiddenFields(page), action: "allow" });
      const back = locationOf(
        await browser.open(`${world.tenant.server.url}${locationOf(allowed).pathname}${locationOf(allowed).search}`),
      );
      assert.ok(back.searchParams.has("code"), back.href);
      assert.equal([...browser.cookies.keys()].some(isSession), invocation === "automatic");
    }
  });
});

describe("at an application's own pages", () => {
  test("an address that a later step has replaced is worth nothing, and of two steps at once one is taken", async () => {
    const world = await embeddedWorld();
    const login = await beginEmbedded(world);
    const both = await Promise.all(
      [1, 2].map(() => act(world, login.url, { action: ":send-code", email: world.email })),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
    for (const stale of [
      await act(world, login.url, { action: "/assertion-options" }),
      await act(world, login.url, { action: ":redeem-code", code: TEST_CODE }),
      await postJson(`${authenticatorOf(world)}/authentication-context`, { request: requestOf(login.url) }),
    ]) {
      assertRefused(stale, 400, "invalid_request");
    }
    const next = both.find(({ status }) => status === 200)?.json?.url;
    const done = await act(world, next, { action: ":redeem-code", code: TEST_CODE });
    assert.equal(done.status, 200, done.text);
    assertRefused(await act(world, next, { action: ":redeem-code", code: TEST_CODE }), 400, "invalid_request");
  });

  const FORGED: readonly (readonly [string, (world: EmbeddedWorld, request: string) => Promise<string> | string])[] = [
    ["no signature", (_, request) => request.split(".").slice(0, 2).join(".").concat(".")],
    ["another payload", (_, request) => changed(request, { exp: 9_999_999_999 })],
    [
      "no algorithm",
      (_, request) => `${encoded({ alg: "none", typ: "bi-authenticate+jwt" })}.${request.split(".")[1]}.`,
    ],
    ["an ID token of ours", (world) => idToken(world)],
    ["the request of another login", async (world) => requestOf((await beginEmbedded(world)).url)],
    ["the request of another tenant", async () => requestOf((await beginEmbedded(await embeddedWorld())).url)],
    ["a long text", () => "a".repeat(20_000)],
    ["another text", () => "request"],
  ];
  for (const [name, forge] of FORGED) {
    test(`${name} is no request`, async () => {
      const world = await embeddedWorld();
      const { url } = await beginEmbedded(world);
      const own = requestOf(url);
      const request = await forge(world, own);
      const at = `${authenticatorOf(world)}/transactions/${transactionOf(own)}`;
      for (const [path, members] of [
        ["/assertion-options", {}],
        [":assertion", { credential: {} }],
        [":send-code", { email: world.email }],
        [":redeem-code", { code: TEST_CODE }],
      ] as const) {
        assertRefused(await postJson(at + path, { request, ...members }), 400, "invalid_request");
      }
      assert.equal((await act(world, url, { action: "/assertion-options" })).status, 200);
    });
  }

  test("a request ends with its login", async () => {
    const world = await embeddedWorld();
    const { url } = await beginEmbedded(world);
    await world.tenant.advance(601);
    assertRefused(await act(world, url, { action: "/assertion-options" }), 400, "invalid_request");
  });

  test("another origin is refused and cannot read the answer; the trusted one can", async () => {
    const world = await embeddedWorld();
    const { url } = await beginEmbedded(world);
    const request = requestOf(url);
    const at = `${authenticatorOf(world)}/transactions/${transactionOf(request)}/assertion-options`;
    const evil = await postJson(at, { request }, { origin: "https://evil.example" });
    assertRefused(evil, 403, "invalid_request");
    assert.equal(evil.headers.get("access-control-allow-origin"), null);
    const own = await postJson(at, { request });
    assert.equal(own.headers.get("access-control-allow-origin"), SHOP);
    assert.equal(own.headers.get("access-control-allow-credentials"), null);
    const preflight = (origin: string) =>
      fetch(at, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    assert.equal((await preflight(SHOP)).status, 204);
    assert.equal((await preflight("https://evil.example")).status, 405);
  });

  test("a page that only another authenticator of the realm trusts is refused", async () => {
    const world = await embeddedWorld();
    const config = { type: "embedded", invoke_url: "https://b.example", trusted_origins: ["https://b.example"] };
    await world.tenant.manage("POST", "/authenticator-configs", { authenticator_config: { config } });
    const { url } = await beginEmbedded(world);
    const request = requestOf(url);
    const at = `${authenticatorOf(world)}/authentication-context`;
    assertRefused(await postJson(at, { request }, { origin: "https://b.example" }), 403, "invalid_request");
  });

  test("who began a login gets nothing of it when somebody else was authenticated in it", async () => {
    const world = await embeddedWorld();
    const attacker = await beginEmbedded(world);
    // The victim opens the attacker's address at the true pages.
    const answer = await logInByCode(world, attacker);
    const { pathname, search } = new URL(String(answer.json?.redirect_url));
    const withoutSecret = new URLSearchParams(search);
    withoutSecret.delete("secret");
    const at = `${world.tenant.server.url}${pathname}`;
    const pages = `${authenticatorOf(world)}/requests/${withoutSecret.get("request")}`;
    for (const opened of [
      await attacker.browser.open(`${at}?${withoutSecret}`),
      await attacker.browser.open(`${at}?${withoutSecret}&secret=${"A".repeat(43)}`),
      await attacker.browser.open(pages),
      // The victim's browser has not begun it.
      await testBrowser().open(`${at}${search}`),
    ]) {
      assert.equal(opened.status, 403, opened.text);
      assert.equal(opened.headers.get("location"), null);
    }
  });

  test("nobody is known by a passkey beside a step that another has taken: who took it would be answered", async () => {
    const world = await embeddedWorld();
    const { url } = await beginEmbedded(world);
    const { deps } = world.tenant.server;
    const db = deps.database.tenants([world.tenant.realm.tenantId]);
    const id = transactionOf(requestOf(url));
    const stored = await findAuthorizationRequest(db, { ...world.tenant.realm, id });
    assert.ok(stored?.challenge);
    const { challenge, createdAt: now } = stored;
    const authentication = { authTime: now, amr: ["hwk"], acr: "mayfly:3" };
    const proof = { ...({ challenge, nextChallenge: "another", next: "verified", now } as const), authentication };
    const taken = await act(world, url, { action: ":send-code", email: world.email });
    const verified = await verifyAuthorizationRequestByPasskey(db, stored, { ...proof, identityId: world.identityId });
    assert.equal(verified, undefined);
    const done = await act(world, taken.json?.url, { action: ":redeem-code", code: TEST_CODE });
    assert.equal(done.status, 200, done.text);
  });

  test("a manual login is answered once, and logs no browser in or out", async () => {
    const world = await embeddedWorld({ invocation: "manual" });
    const browser = testBrowser();
    const first = await beginEmbedded(world, { browser });
    const answer = await logInByCode(world, first);
    const kept = new Map([["mayfly-0123456789abcdef", "x"]]);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    const opened = await Promise.all([1, 2].map(() => openCompletion(world, answer, testBrowser())));
    assert.deepEqual(opened.map(({ status }) => status).sort(), [303, 410]);
    const back = opened.find(({ status }) => status === 303);
    assert.ok(back && locationOf(back).searchParams.has("code"));
    assert.deepEqual(
      back.headers.getSetCookie().filter((line) => !/Max-Age=0/.test(line)),
      [],
    );
    assert.equal((await openCompletion(world, answer, browser)).status, 410);
  });

  test("our own pages authenticate nobody: they send the browser on", async () => {
    const world = await embeddedWorld();
    const { browser, url } = await beginEmbedded(world);
    const pages = `${authenticatorOf(world)}/requests/${transactionOf(requestOf(url))}`;
    const shown = await browser.open(pages);
    const next = locationOf(shown);
    assert.equal(next.origin, SHOP);
    assertRefused(await act(world, url, { action: "/assertion-options" }), 400, "invalid_request");
    assert.equal((await act(world, next.href, { action: "/assertion-options" })).status, 200);
  });

  const BODIES: readonly (readonly [string, Readonly<Record<string, unknown>>, number])[] = [
    ["another member", { body: '{"request":"a","admin":true}' }, 400],
    ["no request", { body: "{}" }, 400],
    ["no JSON", { body: "{" }, 400],
    ["a list", { body: "[]" }, 400],
    ["a form", { body: "request=a", type: "application/x-www-form-urlencoded" }, 415],
    ["a zero character", { body: '{"request":"a\\u0000"}' }, 400],
  ];
  for (const [name, { body, type = "application/json" }, status] of BODIES) {
    test(`${name} is refused with ${status}`, async () => {
      const world = await embeddedWorld();
      const at = `${authenticatorOf(world)}/authentication-context`;
      const answer = await fetch(at, { method: "POST", headers: { "content-type": String(type) }, body: String(body) });
      assert.equal(answer.status, status);
      assert.match(await answer.text(), /"error":"invalid_request"/);
    });
  }

  test("JSON that says it is text is read, so that no preflight is needed", async () => {
    const world = await embeddedWorld();
    const request = requestOf((await beginEmbedded(world)).url);
    const at = `${authenticatorOf(world)}/authentication-context`;
    assert.equal((await postJson(at, { request }, { "content-type": "text/plain" })).status, 200);
  });

  test("what is no address, or no code, costs no step", async () => {
    const world = await embeddedWorld();
    const login = await beginEmbedded(world);
    assertRefused(await act(world, login.url, { action: ":send-code", email: "nobody" }), 400, "invalid_request");
    assertRefused(await act(world, login.url, { action: ":redeem-code", code: "12" }), 400, "invalid_request");
    assert.equal((await logInByCode(world, login)).status, 200);
  });

  test("a method that the authenticator config does not allow is none", async () => {
    const world = await embeddedWorld({ methods: ["webauthn_passkey"] });
    const { url } = await beginEmbedded(world);
    assertRefused(await act(world, url, { action: ":send-code", email: world.email }), 400, "invalid_request");
    const mail = await embeddedWorld({ methods: ["email_one_time_password"] });
    const other = await beginEmbedded(mail);
    assertRefused(await act(mail, other.url, { action: "/assertion-options" }), 400, "invalid_request");
    assertRefused(await act(mail, other.url, { action: ":assertion", credential: {} }), 400, "invalid_request");
  });

  test("a passkey that is not accepted is refused in one wording, and the next works", async () => {
    const world = await embeddedWorld();
    const passkey = await bindPasskey(world);
    const login = await beginEmbedded(world);
    const stranger = await act(world, login.url, { action: ":assertion", credential: { id: "AA" } });
    assertRefused(stranger, 400, "invalid_grant");
    assert.equal((await logInByPasskey(world, login, passkey)).status, 200);
  });
});

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function changed(request: string, members: Readonly<Record<string, unknown>>): string {
  const [header = "", , signature = ""] = request.split(".");
  return `${header}.${encoded({ ...decodeJwt(request), ...members })}.${signature}`;
}

async function idToken(world: EmbeddedWorld): Promise<string> {
  const login = await beginEmbedded(world);
  const answer: Answer = await logInByCode(world, login);
  const code = (await finishEmbedded(world, answer, login.browser)).searchParams.get("code") ?? "";
  const form = { grant_type: "authorization_code", code, code_verifier: login.verifier };
  return tokensOf(await world.tenant.token(world.application, form)).idToken;
}
