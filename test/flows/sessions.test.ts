import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isLiveRefresh } from "../support/session-ends.ts";
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
import { authorizeParameters, hiddenFields, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";

const NONE = { prompt: "none" };

describe("a session", () => {
  test("logs its person in to a second application of the realm without a page, as the same person and session", async () => {
    const at = await newPerson();
    const other = await secondApplication(at);
    const first = idClaims(await logInByCode(at));
    await at.flow.tenant.advance(60);
    const second = await tokensOfAnswer(at.flow, other, await authorize(at, other, NONE));
    const claims = idClaims(second);
    assert.equal(claims.sub, at.identityId);
    assert.equal(claims.sid, first.sid);
    assert.match(String(claims.sid), /^[A-Za-z0-9_-]{32}$/);
    assert.equal(claims.auth_time, first.auth_time, "when the person logged in, not when the token was asked for");
    assert.deepEqual([claims.amr, claims.acr], [["otp"], "mayfly:1"]);
    const introspected = await at.flow.tenant.introspect(other, second.access);
    assert.equal(introspected.bi_s, first.sid);
    const silent = await authorize(at, other);
    assert.equal(locationOf(silent).origin, "https://client.example", "nor is anybody asked who did not forbid it");
  });

  test("is kept by a cookie of the realm that no script reads and no other site sends, and that no token tells", async () => {
    const at = await newPerson();
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser });
    const verified = await login.logIn(at.email);
    const { pathname, search } = locationOf(verified);
    const answer = await at.browser.open(`${at.flow.tenant.server.url}${pathname}${search}`);
    const name = `mayfly-${at.flow.tenant.realm.realmId}`;
    const set = answer.headers.getSetCookie().find((line) => line.startsWith(`${name}=`)) ?? "";
    assert.match(set, /; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax$/);
    const [, secret = ""] = (at.browser.cookies.get(name) ?? "").split(".");
    assert.equal(Buffer.from(secret, "base64url").length, 32);
    const rows = await at.flow.tenant.server.deps.database.maintain((session) =>
      session.query("SELECT s::text AS text FROM sessions s WHERE tenant_id = $1", [at.flow.tenant.tenantId]),
    );
    assert.ok(
      !String(rows[0]?.text).includes(Buffer.from(secret, "base64url").toString("hex")),
      "only its hash is kept",
    );
  });

  test("gets another secret at every authentication, and the one before is worth nothing", async () => {
    const at = await newPerson();
    const first = idClaims(await logInByCode(at));
    const stolen = testBrowser();
    for (const [name, value] of at.browser.cookies) stolen.cookies.set(name, value);
    await at.flow.tenant.advance(5);
    const second = idClaims(await logInByCode(at, at.flow.application, { prompt: "login" }));
    assert.equal(second.sid, first.sid, "it is the same session");
    assert.equal(Number(second.auth_time) - Number(first.auth_time), 5);
    assertTold(await authorize({ browser: stolen }, at.flow.application, NONE), "login_required");
    assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"));
  });

  test("is never the one that a browser came with: a planted cookie stays worthless (session fixation)", async () => {
    const [attacker, victim] = [await newPerson(), testBrowser()];
    const name = `mayfly-${attacker.flow.tenant.realm.realmId}`;
    const planted = `${"A".repeat(32)}.${"A".repeat(43)}`;
    victim.cookies.set(name, planted);
    await logInByCode({ ...attacker, browser: victim });
    assert.notEqual(victim.cookies.get(name), planted);
    attacker.browser.cookies.set(name, planted);
    assertTold(await authorize(attacker, attacker.flow.application, NONE), "login_required");
  });

  test("is the realm's: another realm and another browser know nothing of it", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const elsewhere = await newPerson();
    assertTold(await authorize({ browser: at.browser }, elsewhere.flow.application, NONE), "login_required");
    assertTold(await authorize({ browser: testBrowser() }, at.flow.application, NONE), "login_required");
    const [, value = ""] = [...at.browser.cookies][0] ?? [];
    const moved = testBrowser();
    moved.cookies.set(`mayfly-${elsewhere.flow.tenant.realm.realmId}`, value);
    assertTold(await authorize({ browser: moved }, elsewhere.flow.application, NONE), "login_required");
  });

  test("ends when it is idle for too long, and each use counts", async () => {
    const at = await newPerson({ realm: { session_policy: { idle: 600, absolute: 3_600 } } });
    await logInByCode(at);
    for (const seconds of [599, 599]) {
      await at.flow.tenant.advance(seconds);
      assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"));
    }
    await at.flow.tenant.advance(600);
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
  });

  test("ends when its absolute lifetime is over, used or not; its refresh tokens go on (rule 13)", async () => {
    const at = await newPerson({ realm: { session_policy: { idle: 600, absolute: 1_000 } } });
    const tokens = await logInByCode(at);
    await at.flow.tenant.advance(500);
    assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"));
    await at.flow.tenant.advance(499);
    assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"));
    await at.flow.tenant.advance(1);
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    assert.equal(await isLiveRefresh(at.flow, tokens), true);
    await logInByCode(at);
    assert.equal(await isLiveRefresh(at.flow, tokens), true, "nor does the next login end what was over by its time");
  });

  test("that is over when a question is answered gives no code, nor does one that is too old then for max_age", async () => {
    const at = await newPerson({ realm: { session_policy: { idle: 300, absolute: 3_600 } } });
    await logInByCode(at);
    const ask = async (parameters: Readonly<Record<string, string>>, seconds: number) => {
      const all = { prompt: "select_account", ...parameters };
      const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters: all });
      await at.browser.open(login.url);
      await at.flow.tenant.advance(seconds);
      return (await login.finish(await login.submit("continue"))).searchParams;
    };
    assert.ok((await ask({}, 299)).has("code"), "a second before its end");
    assert.equal((await ask({ max_age: "400" }, 200)).get("error"), "login_required");
    assert.equal((await ask({}, 300)).get("error"), "login_required", "idle for too long");
  });

  test("that another login has renewed does not make the one before as new as max_age demands", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const { browser, flow } = at;
    const parameters = { prompt: "select_account", max_age: "100" };
    const login = await testLogin(flow.tenant, flow.application, { browser, parameters });
    await flow.tenant.advance(101);
    await logInByCode(at, flow.application, { prompt: "login" });
    const back = await login.finish(await login.submit("continue"));
    assert.equal(back.searchParams.get("error"), "login_required", back.href);
  });
});

describe("what a client asks of a login", () => {
  test("prompt=none with another prompt is refused, and without a session told as login_required", async () => {
    const at = await newPerson();
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    assertTold(await authorize(at, at.flow.application, { prompt: "none login" }), "invalid_request");
    assertTold(await authorize(at, at.flow.application, { prompt: "none unheard_of" }), "invalid_request");
  });

  test("prompt=login and max_age ask for a login that is as new", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await at.flow.tenant.advance(100);
    assertAsked(await authorize(at, at.flow.application, { prompt: "login" }));
    assertAsked(await authorize(at, at.flow.application, { max_age: "99" }));
    assertAsked(await authorize(at, at.flow.application, { max_age: "0" }));
    assertTold(await authorize(at, at.flow.application, { ...NONE, max_age: "99" }), "login_required");
    const fresh = await authorize(at, at.flow.application, { ...NONE, max_age: "100" });
    assert.ok(locationOf(fresh).searchParams.has("code"));
    const renewed = await logInByCode(at, at.flow.application, { max_age: "10" });
    assert.equal(idClaims(renewed).auth_time, idClaims(renewed).iat);
  });

  test("prompt=select_account asks which account, and another one may be used instead", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const parameters = { prompt: "select_account" };
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    const page = await at.browser.open(login.url);
    assert.match(page.text, /You are signed in as <strong>/);
    assert.ok(page.text.replaceAll("<wbr>", "").includes(at.email));
    assert.ok((await login.finish(await login.submit("continue"))).searchParams.has("code"));
    const switching = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    await switching.submit("other_account");
    assert.match((await at.browser.open(switching.url)).text, /<h1>Sign in<\/h1>/);
    const another = { ...at, email: "another@example.com" };
    const anotherId = await at.flow.tenant.addIdentity(another.email);
    assert.ok((await switching.finish(await switching.logIn(another.email))).searchParams.has("code"));
    const now = await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application, NONE));
    assert.equal(idClaims(now).sub, anotherId);
  });

  test("prompt=consent says what is asked for, with a session and after a login", async () => {
    const at = await newPerson();
    const parameters = { prompt: "consent", scope: "openid email shoes:read unknown" };
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    assert.equal(locationOf(await login.logIn(at.email)).pathname, new URL(login.url).pathname);
    const page = await at.browser.open(login.url);
    assert.match(page.text, /<li>who you are<\/li>\n<li>your email address<\/li>/);
    assert.ok((await login.finish(await login.submit("allow"))).searchParams.has("code"));
    const again = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    const refused = await again.finish(await again.submit("cancel"));
    assert.equal(refused.searchParams.get("error"), "access_denied");
  });

  test("an application that always asks for consent never gets it silently", async () => {
    const at = await newPerson({ config: { consent: "always" } });
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser });
    await login.logIn(at.email);
    assert.ok((await login.finish(await login.submit("allow"))).searchParams.has("code"));
    assertAsked(await authorize(at, at.flow.application));
    assertTold(await authorize(at, at.flow.application, NONE), "consent_required");
  });

  test("a question is answered by a form of ours only, and before it nothing is completed", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const parameters = { prompt: "select_account" };
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
    const id = login.url.split("/").at(-1);
    const early = await at.browser.open(`${at.flow.application.issuer}/authorize/complete?request=${id}`);
    assert.equal(locationOf(early).pathname, new URL(login.url).pathname);
    const fields = hiddenFields(await at.browser.open(login.url));
    const forged = await at.browser.post(login.url, { ...fields, form_token: "x", action: "continue" });
    assert.equal(forged.status, 403);
    assert.equal((await testBrowser().post(login.url, { ...fields, action: "continue" })).status, 403);
  });

  test("login_hint of another person is not answered with this one unasked", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const own = await authorize(at, at.flow.application, { login_hint: at.email.toUpperCase() });
    assert.ok(locationOf(own).searchParams.has("code"));
    assertAsked(await authorize(at, at.flow.application, { login_hint: "somebody@example.com" }));
    const told = await authorize(at, at.flow.application, { ...NONE, login_hint: "somebody@example.com" });
    assertTold(told, "account_selection_required");
  });

  test("id_token_hint names who must be logged in, expired or not; what is no ID token of the client is refused", async () => {
    const at = await newPerson();
    const other = await secondApplication(at);
    const tokens = await logInByCode(at);
    await at.flow.tenant.advance(7_200);
    const hinted = await authorize(at, at.flow.application, { ...NONE, id_token_hint: tokens.idToken });
    assert.ok(locationOf(hinted).searchParams.has("code"));
    const somebody = { ...at, browser: testBrowser(), email: "somebody.else@example.com" };
    await at.flow.tenant.addIdentity(somebody.email);
    await logInByCode(somebody);
    const parameters = { id_token_hint: tokens.idToken };
    assertTold(await authorize(somebody, at.flow.application, { ...NONE, ...parameters }), "login_required");
    const login = await testLogin(at.flow.tenant, at.flow.application, { browser: somebody.browser, parameters });
    const wrong = await login.finish(await login.logIn(somebody.email));
    assert.equal(wrong.searchParams.get("error"), "login_required", "another person has logged in");
    const [head, body, signature] = tokens.idToken.split(".");
    for (const bad of ["x", tokens.access, `${head}.${body}.${signature?.toLowerCase()}`]) {
      assertTold(await authorize(at, at.flow.application, { id_token_hint: bad }), "invalid_request");
    }
    assertTold(await authorize(at, other, { id_token_hint: tokens.idToken }), "invalid_request");
  });

  test("a request that another site posts is seen with the browser's session all the same (rule 18)", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const url = `${at.flow.application.issuer}/authorize`;
    const parameters = authorizeParameters(at.flow.application, "v".repeat(43), NONE);
    // A cross-site POST carries no cookie; the redirect that follows is a GET of the same navigation, and does.
    const posted = await testBrowser().post(url, parameters);
    assert.equal(posted.status, 303);
    for (const line of posted.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      at.browser.cookies.set(name, value);
    }
    const { pathname, search } = locationOf(posted);
    const answered = await at.browser.open(`${at.flow.tenant.server.url}${pathname}${search}`);
    assert.ok(locationOf(answered).searchParams.has("code"), answered.text);
    const browser = testBrowser();
    const asked = await browser.post(url, { ...parameters, prompt: "" });
    const next = await browser.open(
      `${at.flow.tenant.server.url}${locationOf(asked).pathname}${locationOf(asked).search}`,
    );
    assertAsked(next);
    const refused = await browser.post(url, parameters);
    const told = `${at.flow.tenant.server.url}${locationOf(refused).pathname}${locationOf(refused).search}`;
    assertTold(await browser.open(told), "login_required");
    assert.equal((await browser.open(told)).status, 410, "it is told once");
  });

  test("a native redirect URI is never completed without somebody who presses a button (rule 36)", async () => {
    const config = {
      confidentiality: "public" as const,
      redirect_uris: ["http://127.0.0.1/callback"],
      pkce: "s256" as const,
    };
    const at = await newPerson();
    await logInByCode(at);
    const native = await secondApplication(at, config);
    const parameters = { redirect_uri: "http://127.0.0.1:4711/callback" };
    assertTold(await authorize(at, native, { ...parameters, ...NONE }), "interaction_required");
    assertAsked(await authorize(at, native, parameters));
    const login = await testLogin(at.flow.tenant, native, { browser: at.browser, parameters });
    const location = await login.finish(await login.submit("continue"));
    assert.ok(location.searchParams.has("code"));
  });
});
