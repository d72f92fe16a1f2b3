import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventsOf } from "../support/events.ts";
import type { Answer } from "../support/http.ts";
import { eventually } from "../support/login-flow.ts";
import { assertDead, isLiveRefresh } from "../support/session-ends.ts";
import {
  assertTold,
  authorize,
  logInByCode,
  newPerson,
  type SignedIn,
  secondApplication,
} from "../support/single-sign-on.ts";
import { hiddenFields, locationOf, type TestBrowser, testBrowser } from "../support/test-browser.ts";
import type { Tokens } from "../support/test-code-flow.ts";
import type { TestApplication } from "../support/test-tenant.ts";

const BACK = "https://client.example/signed-out?from=us";
const NONE = { prompt: "none" };

async function signedIn(): Promise<SignedIn & { readonly tokens: Tokens }> {
  const at = await newPerson({ config: { post_logout_redirect_uris: [BACK] } });
  return { ...at, tokens: await logInByCode(at) };
}

function leave(
  browser: TestBrowser,
  application: TestApplication,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return browser.open(`${application.issuer}/end-session?${new URLSearchParams(parameters)}`);
}

async function assertStillIn(at: SignedIn): Promise<void> {
  assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"), "still logged in");
}

function assertAsksFirst(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /<h1>Sign out\?<\/h1>/);
  assert.match(String(answer.headers.get("content-security-policy")), /frame-ancestors 'none'/);
}

/** Where the pages of a logout lead besides. */
function accountLinkOn(page: Answer): string | undefined {
  return /<p class="back"><a href="([^"]*)">Your account</.exec(page.text)?.[1]?.replaceAll("&amp;", "&");
}

describe("logout by the client (RP-Initiated Logout)", () => {
  test("its pages lead to the person's account, which signs in whoever is signed out", async () => {
    const at = await signedIn();
    const asked = await leave(at.browser, at.flow.application, { ui_locales: "en" });
    const link = accountLinkOn(asked);
    assert.match(link ?? "", /\/account\?ui_locales=en$/);
    const url = `${at.flow.tenant.server.url}${link}`;
    assert.match((await at.browser.open(url)).text, /You are signed in as/);
    const left = await at.browser.post(`${at.flow.application.issuer}/end-session`, hiddenFields(asked));
    assert.equal(accountLinkOn(left), link);
    assert.match((await at.browser.open(url)).text, /<button class="main">Sign in</);
  });

  test("with an ID token of this session it ends it and goes back with the state and nothing else", async () => {
    const at = await signedIn();
    const other = await secondApplication(at);
    const others = await logInByCode(at, other, { prompt: "login" });
    const offline = await logInByCode(at, other, { prompt: "login", scope: "openid offline_access" });
    const parameters = { id_token_hint: at.tokens.idToken, post_logout_redirect_uri: BACK, state: "s&1" };
    const answer = await leave(at.browser, at.flow.application, {
      ...parameters,
      client_id: at.flow.application.clientId,
    });
    assert.equal(answer.headers.get("location"), `${BACK}&state=s%261`);
    assert.equal(at.browser.cookies.size, 0, "the cookie is gone");
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    await assertDead(at.flow, at.tokens);
    assert.equal(await isLiveRefresh(at.flow, others, other), false, "the session was one for all applications");
    assert.equal(await isLiveRefresh(at.flow, offline, other), true, "offline_access was granted (settled 16)");
    const again = await leave(at.browser, at.flow.application, parameters);
    assert.equal(again.headers.get("location"), `${BACK}&state=s%261`, "its session has ended already");
  });

  test("an expired ID token is as good", async () => {
    const at = await signedIn();
    await at.flow.tenant.advance(7_200);
    const parameters = { id_token_hint: at.tokens.idToken, post_logout_redirect_uri: BACK };
    assert.equal((await leave(at.browser, at.flow.application, parameters)).headers.get("location"), BACK);
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
  });

  test("a cookie that was kept is worth nothing afterwards, and the logout is an event", async () => {
    const at = await signedIn();
    const thief = testBrowser();
    for (const [name, value] of at.browser.cookies) thief.cookies.set(name, value);
    const parameters = { id_token_hint: at.tokens.idToken, post_logout_redirect_uri: BACK };
    await leave(at.browser, at.flow.application, parameters);
    assertTold(await authorize({ browser: thief }, at.flow.application, NONE), "login_required");
    const event = await eventually(async () => {
      const listed = await at.flow.tenant.manage("GET", '/events?filter=type+eq+"SessionOperation"');
      return eventsOf(listed)[0];
    });
    assert.equal(event.action, "DELETE");
  });

  const WITHOUT_PROOF: readonly (readonly [string, (at: SignedIn & { tokens: Tokens }) => Record<string, string>])[] = [
    ["no hint", () => ({ post_logout_redirect_uri: BACK })],
    ["no redirect URI", (at) => ({ id_token_hint: at.tokens.idToken })],
    [
      "a redirect URI that is not registered",
      (at) => ({ id_token_hint: at.tokens.idToken, post_logout_redirect_uri: `${BACK}&x=1` }),
    ],
    [
      "the redirect URI of a login",
      (at) => ({ id_token_hint: at.tokens.idToken, post_logout_redirect_uri: "https://client.example/callback" }),
    ],
    [
      "a hint that nobody signed",
      (at) => ({
        id_token_hint: `${at.tokens.idToken.split(".").slice(0, 2).join(".")}.AAAA`,
        post_logout_redirect_uri: BACK,
      }),
    ],
    ["an access token as the hint", (at) => ({ id_token_hint: at.tokens.access, post_logout_redirect_uri: BACK })],
    [
      "another client's id beside the hint",
      (at) => ({ id_token_hint: at.tokens.idToken, client_id: "another", post_logout_redirect_uri: BACK }),
    ],
  ];
  for (const [name, parameters] of WITHOUT_PROOF) {
    test(`${name}: the person is asked, nothing has ended, and nobody is redirected`, async () => {
      const at = await signedIn();
      assertAsksFirst(await leave(at.browser, at.flow.application, parameters(at)));
      await assertStillIn(at);
    });
  }

  test("another application's ID token, or that of a session in another browser, proves nothing", async () => {
    const at = await signedIn();
    const other = await secondApplication(at, { post_logout_redirect_uris: [BACK] });
    const theirs = await logInByCode(at, other, { prompt: "login" });
    const foreign = { id_token_hint: theirs.idToken, post_logout_redirect_uri: BACK };
    assertAsksFirst(await leave(at.browser, at.flow.application, foreign));
    const elsewhere = { ...at, browser: testBrowser() };
    const hint = { id_token_hint: (await logInByCode(elsewhere)).idToken, post_logout_redirect_uri: BACK };
    assertAsksFirst(await leave(at.browser, at.flow.application, hint));
    const stranger = await leave(testBrowser(), at.flow.application, hint);
    assert.equal(stranger.status, 200, "an open redirector for whoever has seen an ID token");
    await assertStillIn(at);
    await assertStillIn(elsewhere);
  });

  test("asked, the person says yes by a form of ours, and stays with us", async () => {
    const at = await signedIn();
    const page = await leave(at.browser, at.flow.application, { post_logout_redirect_uri: BACK, state: "x" });
    const url = `${at.flow.application.issuer}/end-session`;
    const fields = hiddenFields(page);
    assert.deepEqual(Object.keys(fields), ["form_token", "client_id", "ui_locales"]);
    for (const [forged, headers] of [
      [{ form_token: "x".repeat(43) }, {}],
      [fields, { origin: "https://evil.example" }],
      [fields, { "sec-fetch-site": "cross-site" }],
    ] as const) {
      assert.equal((await at.browser.post(url, forged, headers)).status, 403);
    }
    await assertStillIn(at);
    const left = await at.browser.post(url, fields);
    assert.equal(left.status, 200);
    assert.match(left.text, /<h1>You are signed out<\/h1>/);
    assertTold(await authorize(at, at.flow.application, NONE), "login_required");
    await assertDead(at.flow, at.tokens);
    assert.match((await leave(at.browser, at.flow.application)).text, /<h1>You are signed out<\/h1>/);
  });

  test("a client may post what it asks: the browser comes again with its cookie", async () => {
    const at = await signedIn();
    const parameters = { id_token_hint: at.tokens.idToken, post_logout_redirect_uri: BACK, state: "s" };
    const posted = await testBrowser().post(`${at.flow.application.issuer}/end-session`, parameters);
    assert.equal(posted.status, 303);
    const { pathname, search } = locationOf(posted);
    const answer = await at.browser.open(`${at.flow.tenant.server.url}${pathname}${search}`);
    assert.equal(answer.headers.get("location"), `${BACK}&state=s`);
  });

  test("what is sent twice is refused on our page, and a look ends nothing", async () => {
    const at = await signedIn();
    const url = `${at.flow.application.issuer}/end-session?id_token_hint=${at.tokens.idToken}&post_logout_redirect_uri=${encodeURIComponent(BACK)}`;
    const twice = await at.browser.open(`${url}&state=1&state=2`);
    assert.equal(twice.status, 400);
    const cookie = [...at.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    assert.equal((await fetch(url, { method: "HEAD", headers: { cookie }, redirect: "manual" })).status, 204);
    await assertStillIn(at);
  });
});
