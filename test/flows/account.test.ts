import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  accountLogin,
  accountUrl,
  act,
  actAndLook,
  idsOn,
  openAccount,
  sessionIdOf,
  somebodyElse,
} from "../support/account-page.ts";
import type { Answer } from "../support/http.ts";
import { call } from "../support/http.ts";
import { decisionOf, suspend } from "../support/login-flow.ts";
import { assertDead, isLiveRefresh } from "../support/session-ends.ts";
import {
  assertTold,
  authorize,
  logInByCode,
  newPerson,
  type SignedIn,
  tokensOfAnswer,
} from "../support/single-sign-on.ts";
import { hiddenFields, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import { addPasskey } from "../support/test-credential.ts";

const NONE = { prompt: "none" };
const RECENT_SECONDS = 900;

/** The same person in another browser, logged in. */
async function elsewhere(at: SignedIn): Promise<SignedIn> {
  const other = { ...at, browser: testBrowser() };
  await logInByCode(other);
  return other;
}

function assertNobody(page: Answer, status = 403): void {
  assert.equal(page.status, status, page.text);
  assert.match(page.text, /You are not signed in/);
  assert.doesNotMatch(page.text, /@example\.com|form_token/);
}

describe("the account page", () => {
  test("shows a person sessions, passkeys and applications with access, and nobody else's", async () => {
    const at = await newPerson({ config: { consent: "remembered" } });
    await logInByCode(at, at.flow.application, { scope: "openid email offline_access" });
    await elsewhere(at);
    await somebodyElse(at);
    await addPasskey(at.flow.tenant, at.identityId, { displayName: "Bitwarden" });
    const page = await openAccount(at);
    assert.equal(page.status, 200, page.text);
    assert.match(page.text, new RegExp(`You are signed in as <strong>${at.email.replace("@", "<wbr>@")}</strong>`));
    assert.equal(idsOn(page, "session_id").length, 1, "the other browser");
    assert.match(page.text, /<strong>This browser<\/strong>\s*<small>Signed in now, with a code by email<\/small>/);
    assert.match(page.text, /<strong>Bitwarden<\/strong>\s*<small>Made now<\/small>\s*<small>Not used yet<\/small>/);
    assert.deepEqual(idsOn(page, "application_id"), [at.flow.application.key.applicationId]);
    assert.match(page.text, /who you are and your email address/);
    assert.match(page.text, /also <strong>while you are away<\/strong>/);
    assert.doesNotMatch(page.text, /eve-/);
  });

  test("says who has no session how to get one, and nothing of anybody", async () => {
    const at = await newPerson();
    assertNobody(await openAccount(at));
    await logInByCode(at);
    assert.equal((await openAccount(at)).status, 200);
    await suspend(at.flow.tenant, at.identityId);
    assertNobody(await openAccount(at));
    assertNobody(await openAccount(at, "?done=passkeyRemoved"));
  });

  test("is no use of the session: who only looks at it is logged out as if they had not", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await at.flow.tenant.advance(28_799);
    assert.equal((await openAccount(at)).status, 200);
    await at.flow.tenant.advance(1);
    assertNobody(await openAccount(at));
  });

  test("is of one realm: of another, or one that there is not, it knows nobody", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const other = await newPerson();
    const { tenant } = at.flow;
    const cookie = [...at.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const renamed = cookie.replaceAll(tenant.realm.realmId, other.flow.tenant.realm.realmId);
    for (const sent of [cookie, renamed]) {
      assertNobody(await call(accountUrl(tenant, other.flow.tenant.realm), { headers: { cookie: sent } }));
    }
    const mixed = { ...tenant.realm, tenantId: other.flow.tenant.tenantId };
    assert.equal((await at.browser.open(accountUrl(tenant, mixed))).status, 404);
  });

  test("speaks the person's language", async () => {
    const at = await newPerson();
    await logInByCode(at);
    assert.match((await openAccount(at, "?ui_locales=de")).text, /<h1>Ihr Konto<\/h1>/);
    assert.match((await openAccount(at, "?ui_locales=es")).text, /<h1>Su cuenta<\/h1>/);
  });

  test("speaks the language that was asked for after what was done there, too", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await elsewhere(at);
    const page = await openAccount(at, "?ui_locales=tlh+de-AT");
    const [, action = ""] = /<form method="post" action="([^"]*)"/.exec(page.text) ?? [];
    const { form_token = "" } = hiddenFields(page);
    const url = `${at.flow.tenant.server.url}${action.replaceAll("&amp;", "&")}`;
    const answer = await at.browser.post(url, { form_token, action: "end_others" });
    const done = await openAccount(at, locationOf(answer).search);
    assert.match(done.text, /<html lang="de">/);
    assert.match(done.text, /Sie sind überall abgemeldet, nur hier nicht/);
    const signedOut = await openAccount(
      at,
      locationOf(await at.browser.post(url, { form_token, action: "sign_out" })).search,
    );
    assert.match(signedOut.text, /<html lang="de">/);
  });
});

describe("sessions on the account page", () => {
  test("one that is ended there is over in its browser, with its tokens (rule 13)", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const other = { ...at, browser: testBrowser() };
    const tokens = await logInByCode(other);
    const [id = ""] = idsOn(await openAccount(at), "session_id");
    assert.equal(id, sessionIdOf(other));
    const answer = await act(at, "end_session", { session_id: id });
    assert.match((await openAccount(at, locationOf(answer).search)).text, /That browser is signed out/);
    assertTold(await authorize(other, at.flow.application, NONE), "login_required");
    assertNobody(await openAccount(other));
    assert.equal(await isLiveRefresh(at.flow, tokens), false);
    const { outcome, facts } = await decisionOf(at.flow.tenant, answer);
    assert.deepEqual([outcome, facts], ["logged_out", { identity_id: at.identityId, session_id: id, by: "account" }]);
  });

  test("all others end at once, and this one goes on", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const others = [await elsewhere(at), await elsewhere(at)];
    const eve = await somebodyElse(at);
    const page = await actAndLook(at, "end_others");
    assert.match(page.text, /signed out everywhere but here/);
    assert.deepEqual(idsOn(page, "session_id"), []);
    assert.doesNotMatch(page.text, /end_others/);
    for (const other of others) assertNobody(await openAccount(other));
    assert.equal((await openAccount(eve)).status, 200);
  });

  test("this one ends with its cookie", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const page = await actAndLook(at, "sign_out");
    assert.equal(page.status, 200);
    assert.match(page.text, /You are signed out in this browser/);
    assert.equal(sessionIdOf(at), "");
  });

  test("another person's stays, in the same words", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const eve = await somebodyElse(at);
    const unknown = "A".repeat(32);
    const texts = [];
    for (const session_id of [sessionIdOf(eve), unknown, "'", ""]) {
      texts.push((await actAndLook(at, "end_session", { session_id })).text);
    }
    assert.equal(new Set(texts).size, 1);
    assert.equal((await openAccount(eve)).status, 200);
  });
});

describe("access on the account page", () => {
  test("what is withdrawn is dead, refresh tokens and access tokens alike, and the person is asked again (rule 13)", async () => {
    const at = await newPerson({ config: { consent: "remembered" } });
    const tokens = await logInByCode(at, at.flow.application, { scope: "openid offline_access" });
    const { applicationId } = at.flow.application.key;
    const page = await actAndLook(at, "withdraw", { application_id: applicationId });
    assert.match(page.text, /The access is withdrawn/);
    assert.match(page.text, /No application has access to your account/);
    await assertDead(at.flow, tokens);
    assertTold(await authorize(at, at.flow.application, NONE), "consent_required");
  });

  for (const consent of ["none", undefined] as const) {
    test(`what nobody was asked for is shown and ended, too (consent: ${consent ?? "not said"})`, async () => {
      const at = await newPerson({ config: consent === undefined ? {} : { consent } });
      const scope = consent === "none" ? "openid email offline_access" : "openid email";
      const tokens = await logInByCode(at, at.flow.application, { scope });
      const { applicationId } = at.flow.application.key;
      const page = await openAccount(at);
      assert.deepEqual(idsOn(page, "application_id"), [applicationId]);
      assert.match(page.text, /Approved by whoever runs [^:]*: you were not asked\./);
      assert.match(page.text, /Your email address and who you are|who you are and your email address/);
      const ended = await actAndLook(at, "end_access", { application_id: applicationId });
      assert.match(ended.text, /The access has ended\. The application gets it again when you sign in to it/);
      assert.match(ended.text, /No application has access to your account/);
      await assertDead(at.flow, tokens);
      const answer = await authorize(at, at.flow.application, { ...NONE, scope });
      const again = await tokensOfAnswer(at.flow, at.flow.application, answer);
      assert.equal(await isLiveRefresh(at.flow, again), true);
      assert.deepEqual(idsOn(await openAccount(at), "application_id"), [applicationId]);
    });
  }

  test("what is over is not shown: by its session, by time, by its application; nor what others have", async () => {
    const at = await newPerson({ config: { consent: "none" } });
    const { tenant, application } = at.flow;
    await somebodyElse(at);
    await logInByCode({ ...at, browser: testBrowser() });
    const own = await accountLogin(tenant, at);
    await own.finish(await own.logIn(at.email));
    const count = async () => idsOn(await openAccount(at), "application_id").length;
    assert.equal(await count(), 1, "of the other browser");
    await act(at, "end_others");
    assert.equal(await count(), 0, "it ended with its session");
    const shown = async () => (await openAccount(at)).text.includes("you were not asked");
    await authorize(at, application, NONE);
    assert.equal(await shown(), true);
    await tenant.advance(61);
    assert.equal(await shown(), false, "a code that nobody used");
    await logInByCode(at, application, { prompt: "login" });
    assert.equal(await shown(), true);
    await tenant.advance(90_000);
    const late = await accountLogin(tenant, at);
    await late.finish(await late.logIn(at.email));
    assert.equal(await count(), 0, "by time");
    await logInByCode({ ...at, browser: testBrowser() }, application, { scope: "openid offline_access" });
    assert.equal(await count(), 1);
    await tenant.manage("DELETE", `/applications/${application.key.applicationId}`);
    assert.equal(await count(), 0, "an application that is deleted");
  });

  test("another person's stays, whatever application is named", async () => {
    const at = await newPerson({ config: { consent: "remembered" } });
    await logInByCode(at);
    const eve = { ...(await somebodyElse(at)) };
    const tokens = await logInByCode(eve, at.flow.application, { prompt: "login" });
    const other = await newPerson();
    const { applicationId } = at.flow.application.key;
    for (const application_id of [applicationId, other.flow.application.key.applicationId, "'", ""]) {
      assert.match((await actAndLook(at, "withdraw", { application_id })).text, /The access is withdrawn/);
    }
    assert.equal(await isLiveRefresh(at.flow, tokens), true);
  });
});

describe("who may change an account", () => {
  const CHANGES = [
    "end_session",
    "end_others",
    "rename_passkey",
    "name_passkey",
    "remove_passkey",
    "withdraw",
    "end_access",
  ];

  test("not who logged in over a quarter of an hour ago, until the next login; signing out is for everybody", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const other = await elsewhere(at);
    const fields = { session_id: sessionIdOf(other) };
    await at.flow.tenant.advance(RECENT_SECONDS);
    const page = await openAccount(at);
    assert.match(page.text, /sign in again first/);
    assert.deepEqual(idsOn(page, "session_id"), []);
    for (const action of CHANGES) {
      const refused = await act(at, action, fields);
      assert.equal(refused.status, 403);
      assert.match(refused.text, /<p class="wrong" role="alert">To change anything here, sign in again first/);
    }
    assert.equal((await openAccount(other)).status, 200);
    await logInByCode(at, at.flow.application, { prompt: "login" });
    assert.match((await actAndLook(at, "end_session", fields)).text, /That browser is signed out/);
    await at.flow.tenant.advance(RECENT_SECONDS);
    assert.match((await actAndLook(at, "sign_out")).text, /You are signed out in this browser/);
  });

  test("not another site, nor a page of another login, of this browser or another (CSRF)", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const before = hiddenFields(await openAccount(at));
    await logInByCode(at, at.flow.application, { prompt: "login" });
    const own = hiddenFields(await openAccount(at));
    const foreign = hiddenFields(await openAccount(await elsewhere(at)));
    const login = await testLogin(at.flow.tenant, at.flow.application, {
      browser: at.browser,
      parameters: { prompt: "login" },
    });
    const ofLogin = hiddenFields(await at.browser.open(login.url));
    const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
    const post = (fields: Readonly<Record<string, string>>, headers = {}) =>
      at.browser.post(url, { action: "end_others", ...fields }, headers);
    for (const fields of [{}, { form_token: "x" }, before, foreign, ofLogin]) {
      assert.equal((await post(fields)).status, 403);
    }
    assert.equal((await post(own, { origin: "https://evil.example" })).status, 403);
    assert.equal((await post(own, { "sec-fetch-site": "cross-site" })).status, 403);
    assert.equal((await post(own)).status, 303);
    assert.equal((await post({ ...own, action: "what" })).status, 303);
  });
});
