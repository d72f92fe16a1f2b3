import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  accountLogin,
  accountUrl,
  actAndLook,
  addLoginApplication,
  openAccount,
  sessionIdOf,
} from "../support/account-page.ts";
import { eventsOf } from "../support/events.ts";
import { type Answer, call } from "../support/http.ts";
import { assertCodePage, decisionOf, mailsOf, suspend } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import {
  assertTold,
  authorize,
  logInByCode,
  newPerson,
  type SignedIn,
  tokensOfAnswer,
} from "../support/single-sign-on.ts";
import { passkeyOptionsOn, softwarePasskey } from "../support/software-passkey.ts";
import { hiddenFields, locationOf, testBrowser } from "../support/test-browser.ts";
import type { TestTenant } from "../support/test-tenant.ts";

const NONE = { prompt: "none" };
const RECENT_SECONDS = 900;

/** The person logs in at the account page, by a code. */
async function logIn(at: SignedIn): Promise<Answer> {
  const login = await accountLogin(at.flow.tenant, at);
  return login.finish(await login.logIn(at.email));
}

async function isSignedIn(at: SignedIn): Promise<boolean> {
  return (await openAccount(at)).text.includes("You are signed in as");
}

function cookieOf(at: SignedIn): string {
  return at.browser.cookies.get(`mayfly-${at.flow.tenant.realm.realmId}`) ?? "";
}

/** The realm's only application has no way in but this. */
async function personOf(methods: Parameters<TestTenant["addAuthenticatorConfig"]>[0]): Promise<SignedIn> {
  const at = await newPerson();
  const authenticator_config_id = await at.flow.tenant.addAuthenticatorConfig(methods);
  const { applicationId } = at.flow.application.key;
  const body = { application: { authenticator_config_id } };
  await succeed(managementClient(at.flow.tenant)("UpdateApplication", { application: applicationId, body }));
  return at;
}

describe("a login at the account page", () => {
  test("begins on it, ends on it, and is one to every application of the realm; it names none", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    const nobody = await openAccount(at);
    assert.match(nobody.text, /<form method="get" action="[^"]*\/account\/login">\s*<button class="main">Sign in</);
    const login = await accountLogin(tenant, at);
    const pages = [await login.browser.open(login.url), await login.submit("send", { email: at.email })];
    pages.push(await login.browser.open(login.url));
    const verified = await login.submit("verify", { code: "424242" });
    const finished = await login.finish(verified);
    assert.equal(finished.headers.get("location"), new URL(accountUrl(tenant, tenant.realm)).pathname);
    assert.match((await openAccount(at)).text, /You are signed in as <strong>.*?Signed in now, with a code by email/s);
    for (const { text, headers } of [...pages, verified, finished]) {
      assert.doesNotMatch(`${text}${headers.get("location")}`, /applications\//);
      assert.equal(text.includes(application.clientId), false);
    }
    assert.deepEqual([...at.browser.cookies.keys()], [`mayfly-${tenant.realm.realmId}`], "the login's own is gone");
    const [mail] = await mailsOf(tenant);
    assert.doesNotMatch(JSON.stringify(mail), /Application/);
    await tokensOfAnswer(at.flow, application, await authorize(at, application, NONE));
    const { outcome, facts } = await decisionOf(tenant, finished);
    assert.deepEqual([outcome, facts.session_id], ["account_opened", sessionIdOf(at)]);
    const found = eventsOf(await tenant.manage("GET", "/events?filter=type+eq+%22AuthenticationTransaction%22"));
    assert.deepEqual(found.map((event) => event.outcome).toSorted(), [
      "COMPLETE:ALLOW",
      "COMPLETE:ALLOW",
      "RESUME",
      "SUSPEND",
    ]);
  });

  test("by a passkey opens the account to every change", async () => {
    const at = await personOf(["email_one_time_password", "fido2"]);
    const { tenant } = at.flow;
    const passkey = softwarePasskey({ origin: tenant.server.deps.config.publicUrl });
    await logIn(at);
    const creation = passkeyOptionsOn(await post(at, { action: "add_passkey" }), "creation");
    assert.match(
      (await actAndLook(at, "create", { credential: passkey.create(creation) })).text,
      /The passkey is there/,
    );
    assert.match((await openAccount(at)).text, /<input type="hidden" name="by" value="passkey">/);
    const login = await accountLogin(tenant, { ...at, query: "?by=passkey" });
    const page = await login.browser.open(login.url);
    assert.doesNotMatch(page.text, /name="email"/, "a code would not be enough");
    assert.equal(
      (await login.submit("send", { email: at.email })).headers.get("location"),
      new URL(login.url).pathname,
    );
    const options = passkeyOptionsOn(await login.browser.open(login.url), "request");
    await login.finish(await login.submit("passkey", { credential: passkey.get(options) }));
    assert.match((await openAccount(at)).text, /value="remove_passkey"/);
  });

  test("takes what logs people in to an application of the realm on our pages, and nothing else", async () => {
    const at = await personOf(["webauthn_passkey"]);
    const { tenant } = at.flow;
    await tenant.addAuthenticatorConfig(["email_one_time_password"]); // no application's
    const login = await accountLogin(tenant, at);
    assert.doesNotMatch((await login.browser.open(login.url)).text, /name="email"/);
    await login.logIn(at.email);
    assert.deepEqual(await mailsOf(tenant), []);
    await addLoginApplication(tenant, ["email_one_time_password"]);
    await logIn(at);
    assert.equal(await isSignedIn(at), true);
  });

  test("is none where all applications have login pages of their own: there the page says where to go", async () => {
    const at = await personOf([]);
    const page = await openAccount(at);
    assert.match(page.text, /Sign in to one of the applications of/);
    assert.doesNotMatch(page.text, /<form/);
    const begun = await at.browser.open(`${accountUrl(at.flow.tenant, at.flow.tenant.realm)}/login`);
    assert.equal(
      locationOf(begun).href,
      locationOf(begun).origin + new URL(accountUrl(at.flow.tenant, at.flow.tenant.realm)).pathname,
    );
    assert.equal(at.browser.cookies.size, 0);
  });

  test("makes nobody, whatever the realm does elsewhere, and tells nobody who has an account", async () => {
    const at = await newPerson({ realm: { auto_provision: true } });
    const { tenant } = at.flow;
    const stranger = `new-${at.email}`;
    const texts: string[] = [];
    for (const email of [at.email, stranger]) {
      const login = await accountLogin(tenant);
      await login.submit("send", { email });
      const page = await login.browser.open(login.url);
      assertCodePage(page);
      texts.push(page.text.replaceAll(/new-|<form.*?<\/form>/gs, ""));
      const verified = await login.submit("verify", { code: "424242" });
      assert.equal(verified.status, email === stranger ? 400 : 303);
    }
    assert.equal(texts[0], texts[1]);
    assert.equal((await mailsOf(tenant)).length, 1);
    const known = await tenant.manage("GET", `/identities?filter=traits.primary_email_address+eq+%22${stranger}%22`);
    assert.equal(known.json?.total_size, 0);
  });

  test("is refused by the policy of the realm, and leads back to the page with nobody signed in", async () => {
    const at = await newPerson();
    const policy = { rules: [], default_action: "DENY" as const };
    await succeed(managementClient(at.flow.tenant)("CreatePolicy", { body: { policy } }));
    const login = await accountLogin(at.flow.tenant, at);
    const denied = await login.logIn(at.email);
    assert.equal(denied.status, 403);
    assert.match(denied.text, /You cannot sign in here/);
    const left = await login.browser.post(login.url, { ...hiddenFields(denied), action: "cancel" });
    assert.match(locationOf(await login.finish(left)).pathname, /\/account$/);
    assert.equal(await isSignedIn(at), false);
  });

  test("speaks the language that was asked for from the page and back to it", async () => {
    const at = await newPerson();
    const nobody = await openAccount(at, "?ui_locales=de-AT");
    assert.deepEqual(hiddenFields(nobody), { ui_locales: "de" });
    const login = await accountLogin(at.flow.tenant, { ...at, query: "?ui_locales=de" });
    assert.match((await login.browser.open(login.url)).text, /<html lang="de">/);
    const back = await login.finish(await login.logIn(at.email));
    assert.match((await openAccount(at, locationOf(back).search)).text, /<html lang="de">.*?Sie sind angemeldet als/s);
  });
});

describe("a login at the account page again", () => {
  test("lets its person change things that a login of long ago does not; nothing is typed anew", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const other = { ...at, browser: testBrowser() };
    await logInByCode(other);
    await at.flow.tenant.advance(RECENT_SECONDS);
    const stale = await openAccount(at);
    assert.match(stale.text, /sign in again first.*?<button class="other">Sign in again</s);
    const login = await accountLogin(at.flow.tenant, at);
    assert.match((await login.browser.open(login.url)).text, new RegExp(`value="${at.email}"`));
    await login.finish(await login.logIn(at.email));
    const page = await actAndLook(at, "end_session", { session_id: sessionIdOf(other) });
    assert.match(page.text, /That browser is signed out/);
  });

  test("goes on with the session under another secret, and ends another person's (fixation)", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const [before, id] = [cookieOf(at), sessionIdOf(at)];
    await logIn(at);
    assert.equal(sessionIdOf(at), id);
    assert.notEqual(cookieOf(at), before);
    const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
    const name = `mayfly-${at.flow.tenant.realm.realmId}`;
    const known = async (cookie: string) => (await call(url, { headers: { cookie: `${name}=${cookie}` } })).status;
    assert.equal(await known(before), 403);
    const adas = cookieOf(at);
    const eve = { ...at, email: `eve-${at.email}` };
    await at.flow.tenant.addIdentity(eve.email);
    await logIn(eve);
    assert.match((await openAccount(eve)).text, /eve-/);
    assert.notEqual(sessionIdOf(eve), id);
    assert.equal(await known(adas), 403);
  });

  test("that is cancelled changes nothing", async () => {
    const at = await newPerson();
    await logInByCode(at);
    const before = cookieOf(at);
    const login = await accountLogin(at.flow.tenant, at);
    await login.finish(await login.submit("cancel"));
    assert.equal(cookieOf(at), before);
    assert.equal(await isSignedIn(at), true);
  });
});

describe("the end of a login at the account page", () => {
  test("is for the browser that began it, once, and for whoever may log in at that moment", async () => {
    const at = await newPerson();
    const { tenant } = at.flow;
    const login = await accountLogin(tenant, at);
    const verified = await login.logIn(at.email);
    const end = `${tenant.server.url}${locationOf(verified).pathname}`;
    const foreign = testBrowser();
    assert.equal((await foreign.open(end)).status, 403);
    assert.equal(foreign.cookies.size, 0);
    assert.equal((await call(end, { method: "HEAD", headers: cookieHeader(at) })).status, 204, "a look ends nothing");
    const answers = await Promise.all([1, 2].map(() => call(end, { headers: cookieHeader(at) })));
    const begun = answers.filter(({ headers }) =>
      headers.getSetCookie().some((line) => /-[0-9a-f]{16}=.+\./.test(line)),
    );
    assert.equal(begun.length, 1);
    const late = await accountLogin(tenant, { browser: testBrowser() });
    const lateEnd = await late.logIn(at.email);
    await suspend(tenant, at.identityId);
    const refused = await late.finish(lateEnd);
    assert.deepEqual([...late.browser.cookies.keys()], []);
    assert.equal((await decisionOf(tenant, refused)).outcome, "refused");
  });

  test("is nowhere but there: before it is over, for another kind of login, or by what the address says", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    const query = "?redirect_uri=https://evil.example/&post_logout_redirect_uri=https://evil.example/&by=x&by=passkey";
    const login = await accountLogin(tenant, { ...at, query });
    const early = await at.browser.open(`${login.url}/account`);
    assert.equal(locationOf(early).pathname, new URL(login.url).pathname);
    const finished = await login.finish(await login.logIn(at.email));
    assert.match(finished.headers.get("location") ?? "", /^\/authenticator\/[^?]*\/account$/);
    const asked = locationOf(await authorize(at, application, { prompt: "login" })).pathname;
    const ofApplication = await at.browser.open(`${tenant.server.url}${asked}/account`);
    assert.match(locationOf(ofApplication).pathname, /\/authorize\/complete$/);
    const completion = `${application.issuer}/authorize/complete?request=${login.url.split("/").at(-1)}`;
    assert.equal((await at.browser.open(completion)).status, 404, "no client is answered by it");
    assertTold(await authorize({ browser: testBrowser() }, application, NONE), "login_required");
  });
});

function cookieHeader({ browser }: SignedIn): Readonly<Record<string, string>> {
  return { cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
}

async function post(at: SignedIn, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
  return at.browser.post(url, { ...hiddenFields(await at.browser.open(url)), ...fields });
}
