import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decisionOf, exchange, newAddress } from "../support/login-flow.ts";
import { hiddenFields, locationOf, TEST_CODE, testBrowser, testLogin } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";

describe("a login by emailed code", () => {
  test("ends in a code for the client, and the client's token is about that person", async () => {
    const at = await testCodeFlow();
    const email = newAddress(at.tenant);
    const identityId = await at.tenant.addIdentity(email);
    const scope = "openid email shoes:read";
    const login = await testLogin(at.tenant, at.application, { parameters: { scope, nonce: "n-1" } });
    const location = await login.finish(await login.logIn(email));
    assert.deepEqual([...location.searchParams.keys()], ["code", "state", "iss"]);
    assert.equal(location.searchParams.get("iss"), at.application.issuer);
    assert.match(location.searchParams.get("code") ?? "", /^mayfly_ac_/);
    assert.deepEqual(
      [...login.browser.cookies.keys()],
      [`mayfly-${at.tenant.realm.realmId}`],
      "the login's cookie is gone, the session's is there",
    );
    const answer = await exchange(at, login, location);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json?.expires_in, 900);
    assert.equal(answer.json?.scope, "openid email", "the person has no role that gives shoes:read");
    const claims = JSON.parse(Buffer.from(String(answer.json?.id_token).split(".")[1] ?? "", "base64url").toString());
    assert.equal(claims.sub, identityId);
    assert.deepEqual(claims.amr, ["otp"]);
    assert.equal(claims.acr, "mayfly:1");
    assert.equal(claims.nonce, "n-1");
    assert.equal(claims.email, email);
    assert.equal(claims.email_verified, true);
  });

  test("a role gives its scopes, and the decision says which were dropped", async () => {
    const at = await testCodeFlow();
    const email = newAddress(at.tenant);
    await at.role.addMember(await at.tenant.addIdentity(email));
    const login = await testLogin(at.tenant, at.application, { parameters: { scope: "shoes:read unknown" } });
    const begun = await login.logIn(email);
    const completed = await login.browser.open(
      `${at.tenant.server.url}${locationOf(begun).pathname}${locationOf(begun).search}`,
    );
    const { outcome, facts } = await decisionOf(at.tenant, completed);
    assert.equal(outcome, "granted");
    assert.deepEqual(facts.scopes_dropped, [{ scope: "unknown", rule: "allowed_scopes" }]);
    const answer = await exchange(at, login, locationOf(completed));
    assert.equal(answer.json?.scope, "shoes:read");
  });

  test("a login is answered once, even by many requests at once", async () => {
    const at = await testCodeFlow();
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email);
    const login = await testLogin(at.tenant, at.application);
    const { pathname, search } = locationOf(await login.logIn(email));
    const cookie = [...login.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => testBrowser().open(`${at.tenant.server.url}${pathname}${search}`, { cookie })),
    );
    assert.equal(answers.filter((answer) => answer.status === 303).length, 1);
    assert.equal(answers.filter((answer) => answer.status === 410).length, 19);
  });

  test("several logins in one browser do not disturb each other", async () => {
    const at = await testCodeFlow();
    const browser = testBrowser();
    const logins = await Promise.all([1, 2, 3].map(() => testLogin(at.tenant, at.application, { browser })));
    for (const login of logins.toReversed()) {
      const email = newAddress(at.tenant);
      await at.tenant.addIdentity(email);
      const location = await login.finish(await login.logIn(email));
      assert.ok(location.searchParams.has("code"), location.href);
    }
  });

  test("what is looked at with HEAD is not spent", async () => {
    const at = await testCodeFlow();
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email);
    const login = await testLogin(at.tenant, at.application);
    const redirect = await login.logIn(email);
    const { pathname, search } = locationOf(redirect);
    const cookie = [...login.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const looked = await fetch(`${at.tenant.server.url}${pathname}${search}`, {
      method: "HEAD",
      headers: { cookie },
      redirect: "manual",
    });
    assert.equal(looked.status, 204);
    assert.ok((await login.finish(redirect)).searchParams.has("code"));
  });

  test("completing before the login is over leads back to its page", async () => {
    const at = await testCodeFlow();
    const login = await testLogin(at.tenant, at.application);
    const id = login.url.split("/").at(-1);
    const answer = await login.browser.open(`${at.application.issuer}/authorize/complete?request=${id}`);
    assert.equal(locationOf(answer).pathname, new URL(login.url).pathname);
  });

  test("a cancelled login is told to the client as access_denied, once", async () => {
    const at = await testCodeFlow();
    const login = await testLogin(at.tenant, at.application);
    const cancelled = await login.submit("cancel");
    const location = await login.finish(cancelled);
    assert.equal(location.searchParams.get("error"), "access_denied");
    assert.equal(location.searchParams.get("state"), "af0ifjsldkj");
    assert.equal((await login.browser.open(login.url)).status, 410);
  });

  test("another address can be used, and the code for the first no longer works", async () => {
    const at = await testCodeFlow();
    const login = await testLogin(at.tenant, at.application);
    await login.submit("send", { email: newAddress(at.tenant) });
    const asked = await login.submit("other_address");
    assert.equal(locationOf(asked).pathname, new URL(login.url).pathname);
    assert.match((await login.browser.open(login.url)).text, /<h1>Sign in<\/h1>/);
    const late = await login.submit("verify", { code: TEST_CODE });
    assert.equal(locationOf(late).pathname, new URL(login.url).pathname, "there is nothing to verify");
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email);
    assert.ok((await login.finish(await login.logIn(email))).searchParams.has("code"));
  });
});

describe("whose login it is", () => {
  test("a login works in the browser that began it and in no other (rule 35)", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    const fields = hiddenFields(await login.browser.open(login.url));
    for (const browser of [testBrowser(), (await testLogin(tenant, application)).browser]) {
      assert.equal((await browser.open(login.url)).status, 403);
      assert.equal((await browser.post(login.url, { ...fields, action: "verify", code: TEST_CODE })).status, 403);
    }
    const verified = await login.submit("verify", { code: TEST_CODE });
    const { pathname, search } = locationOf(verified);
    assert.equal((await testBrowser().open(`${tenant.server.url}${pathname}${search}`)).status, 403);
    assert.ok((await login.finish(verified)).searchParams.has("code"));
  });

  const FORGED: readonly (readonly [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>])[] = [
    ["without a token", { form_token: "" }, {}],
    ["with a made-up token", { form_token: "x".repeat(43) }, {}],
    ["from another origin", {}, { origin: "https://evil.example" }],
    ["from another site, as the browser says", {}, { "sec-fetch-site": "cross-site" }],
    ["from a sibling host, as the browser says", {}, { "sec-fetch-site": "same-site" }],
  ];
  for (const [name, fields, headers] of FORGED) {
    test(`a form ${name} is refused and changes nothing`, async () => {
      const { tenant, application } = await testCodeFlow();
      const login = await testLogin(tenant, application);
      const own = hiddenFields(await login.browser.open(login.url));
      const sent = { ...own, action: "send", email: newAddress(tenant), ...fields };
      const answer = await login.browser.post(login.url, sent, headers);
      assert.equal(answer.status, 403, answer.text);
      assert.match((await login.browser.open(login.url)).text, /<h1>Sign in<\/h1>/);
    });
  }

  test("our own pages' forms say Origin: null, and are taken", async () => {
    const { tenant, application } = await testCodeFlow();
    const login = await testLogin(tenant, application);
    const own = hiddenFields(await login.browser.open(login.url));
    const headers = { origin: "null", "sec-fetch-site": "same-origin" };
    const answer = await login.browser.post(login.url, { ...own, action: "send", email: newAddress(tenant) }, headers);
    assert.equal(answer.status, 303, answer.text);
  });

  test("a login of another tenant, or one that never was, is not known", async () => {
    const [one, other] = [await testCodeFlow(), await testCodeFlow()];
    const login = await testLogin(one.tenant, one.application);
    const id = login.url.split("/").at(-1) ?? "";
    const foreign = login.url.replace(one.tenant.tenantId, other.tenant.tenantId);
    const urls = [foreign, `${login.url.slice(0, -32)}${"A".repeat(32)}`, `${login.url}x`];
    for (const url of urls) assert.equal((await login.browser.open(url)).status, 404, url);
    const completed = await login.browser.open(`${other.application.issuer}/authorize/complete?request=${id}`);
    assert.equal(completed.status, 404);
  });

  test("a form of another media type is 415, a malformed one 400, and both are pages", async () => {
    const { tenant, application } = await testCodeFlow();
    const login = await testLogin(tenant, application);
    const cookie = [...login.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const [type, body, status] of [
      ["application/json", "{}", 415],
      ["application/x-www-form-urlencoded", "a=%ff", 400],
      ["application/x-www-form-urlencoded", "action=send&action=verify", 400],
    ] as const) {
      const answer = await fetch(login.url, { method: "POST", body, headers: { cookie, "content-type": type } });
      assert.equal(answer.status, status);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
    }
  });
});
