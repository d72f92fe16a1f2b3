import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { assertGuarded, isPage } from "../support/attacks.ts";
import { fillPath } from "../support/fill-path.ts";
import { type Answer, call } from "../support/http.ts";
import { newAddress, WRONG_CODE } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { authorize, logInByCode, newPerson } from "../support/single-sign-on.ts";
import {
  authorizeParameters,
  hiddenFields,
  locationOf,
  TEST_CODE,
  type TestBrowser,
  testBrowser,
  testLogin,
} from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

/** A browser that notes every page it is shown. */
function notingBrowser(pages: Answer[]): TestBrowser {
  const browser = testBrowser();
  const note = (answer: Answer): Answer => {
    if (isPage(answer)) pages.push(answer);
    return answer;
  };
  return {
    cookies: browser.cookies,
    open: async (...sent) => note(await browser.open(...sent)),
    post: async (...sent) => note(await browser.post(...sent)),
  };
}

const headingOf = ({ text }: Answer): string => /<h1>([^<]*)/.exec(text)?.[1] ?? "";

describe("clickjacking: no page of ours can be framed, scripted or kept", () => {
  test("not one that a person sees on the way, whichever way that is", async () => {
    const pages: Answer[] = [];
    const at = { ...(await newPerson()), browser: notingBrowser(pages) };
    const { tenant, application } = at.flow;
    const wrong = await testLogin(tenant, application, { browser: at.browser });
    await wrong.submit("send", { email: "no address" });
    await wrong.submit("send", { email: at.email });
    for (let count = 0; count < 5; count += 1) await wrong.submit("verify", { code: WRONG_CODE });
    const told = await wrong.finish(await wrong.submit("cancel"));
    assert.equal(told.searchParams.get("error"), "access_denied");
    await at.browser.open(wrong.url);
    await logInByCode(at);
    await authorize(at, application, { response_mode: "form_post" });
    const asked = await testLogin(tenant, application, { browser: at.browser, parameters: { prompt: "consent" } });
    await at.browser.open(asked.url);
    await testBrowser()
      .open(asked.url)
      .then((answer) => pages.push(answer));
    const denyAll = { rules: [], default_action: "DENY" as const };
    await succeed(managementClient(tenant)("CreatePolicy", { body: { policy: denyAll } }));
    await asked.submit("continue");
    await at.browser.open(`${tenant.server.url}/authenticator${realmPath(tenant.realm)}/account`);
    const out = await at.browser.open(`${application.issuer}/end-session`);
    await at.browser.post(`${application.issuer}/end-session`, hiddenFields(out));
    for (const page of pages) assertGuarded(page, headingOf(page));
    const seen = new Set(pages.map((page) => `${page.status} ${headingOf(page)}`));
    assert.ok(seen.size >= 11, [...seen].join("\n"));
  });

  test("nor what is answered to a request that is refused, on any path that a browser shows", async () => {
    const { tenant, application } = await testCodeFlow();
    const { server, realm } = tenant;
    const shown = server.app.routes.filter((route) => route.kind === "page" || route.isShown === true);
    const ids = { tenant: tenant.tenantId, realm: realm.realmId, application: application.key.applicationId };
    const unknown = { ...ids, realm: "0123456789abcdef" };
    const bodies = [
      ["application/x-www-form-urlencoded", ""],
      ["application/x-www-form-urlencoded", "a=%ff&a=%00"],
      ["application/x-www-form-urlencoded", `a=${"x".repeat(70_000)}`],
      ["application/json", "{}"],
      ["text/html", "<h1>"],
    ] as const;
    let pages = 0;
    for (const { method, path, name } of shown) {
      for (const known of [ids, unknown]) {
        const fill: Readonly<Record<string, string>> = { ...known, request: "A".repeat(32) };
        const url = `${server.url}${fillPath(path, (parameter) => fill[parameter] ?? "x")}`;
        const sent: readonly RequestInit[] =
          method === "GET" ? [{}] : bodies.map(([type, body]) => ({ method, body, headers: { "content-type": type } }));
        for (const init of sent) {
          for (const query of ["", "?a=1&a=2", "?%ff", "?request=%00"]) {
            const answer = await call(`${url}${query}`, init);
            assert.ok(answer.status >= 200 && answer.status < 500, `${method} ${name}${query}: ${answer.status}`);
            if (!isPage(answer)) continue;
            pages += 1;
            assertGuarded(answer, `${method} ${name}${query}`);
          }
        }
      }
    }
    assert.ok(pages > shown.length * 4, String(pages));
  });
});

describe("a form of ours is sent by our page in this browser, or not at all (CSRF)", () => {
  test("the token of another login, of this browser or another, is none", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const victim = await testLogin(tenant, application);
    await victim.submit("send", { email });
    const others = [
      await testLogin(tenant, application, { browser: victim.browser }),
      await testLogin(tenant, application),
    ];
    for (const other of others) {
      const { form_token = "" } = hiddenFields(await other.browser.open(other.url));
      for (const fields of [{ action: "verify", code: TEST_CODE }, { action: "cancel" }, { action: "other_address" }]) {
        for (const headers of [{}, { origin: tenant.server.url }, { origin: "null" }] as const) {
          const answer = await victim.browser.post(victim.url, { form_token, ...fields }, headers);
          assert.equal(answer.status, 403, answer.text);
        }
      }
    }
    assert.ok((await victim.finish(await victim.submit("verify", { code: TEST_CODE }))).searchParams.has("code"));
  });

  test("whom another site sends to the login that an attacker began is told that it is another browser's", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const attacker = await testLogin(tenant, application);
    const verified = await attacker.logIn(email);
    const { pathname, search } = locationOf(verified);
    const completion = `${tenant.server.url}${pathname}${search}`;
    for (const url of [attacker.url, completion]) {
      const answer = await at.browser.open(url, { "sec-fetch-site": "cross-site" });
      assert.equal(answer.status, 403, url);
      assert.deepEqual(answer.headers.getSetCookie(), [], "nobody is logged in as the attacker");
    }
    assert.equal(at.browser.cookies.size, 0);
  });

  test("a yes that another site sends is none, neither to consent nor to a logout", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    await logInByCode(at);
    const asked = await testLogin(tenant, application, { browser: at.browser, parameters: { prompt: "consent" } });
    const own = hiddenFields(await at.browser.open(asked.url));
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }] as const) {
      assert.equal((await at.browser.post(asked.url, { ...own, action: "continue" }, headers)).status, 403);
    }
    const other = await testLogin(tenant, application, { browser: at.browser, parameters: { prompt: "consent" } });
    const { form_token = "" } = hiddenFields(await at.browser.open(other.url));
    assert.equal((await at.browser.post(asked.url, { ...own, form_token, action: "continue" })).status, 403);
    const logout = `${application.issuer}/end-session`;
    for (const token of [form_token, "x".repeat(43)]) {
      assert.equal((await at.browser.post(logout, { form_token: token })).status, 403);
    }
    assert.ok(locationOf(await authorize(at, application, { prompt: "none" })).searchParams.has("code"), "still in");
  });
});

describe("cookies that somebody else has set (fixation and tossing)", () => {
  let server: TestServer;
  before(async () => {
    const environment = { MAYFLY_PUBLIC_URL: "https://login.example", MAYFLY_ALLOW: "created-master-key,outbox" };
    server = await testServer({ environment });
  });
  after(() => server.stop());

  test("one that a sibling host could set is not read: of all of ours the browser itself knows whose they are", async () => {
    const { application, tenant } = await testCodeFlow({ tenant: await testTenant({ server }) });
    const issuer = `${server.url}${new URL(application.issuer).pathname}`;
    const attacker = testBrowser();
    const parameters = authorizeParameters(application, "a-verifier-of-a-test-that-is-long-enough-to-be-one");
    const begun = await attacker.open(`${issuer}/authorize?${new URLSearchParams(parameters)}`);
    const page = `${server.url}${locationOf(begun).pathname}`;
    assert.equal((await attacker.open(page)).status, 200);
    for (const line of begun.headers.getSetCookie()) {
      assert.match(line, /^__Host-mayfly-[^;]*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/);
    }
    const victim = testBrowser();
    for (const [name, value] of attacker.cookies) victim.cookies.set(name.replace("__Host-", ""), value);
    assert.equal((await victim.open(page)).status, 403, "a planted login is nobody's");
    const session = `${"A".repeat(32)}.${"A".repeat(43)}`;
    victim.cookies.set(`mayfly-${tenant.realm.realmId}`, session);
    const silent = new URLSearchParams({ ...parameters, prompt: "none" });
    const told = locationOf(await victim.open(`${issuer}/authorize?${silent}`));
    assert.equal(told.searchParams.get("error"), "login_required");
  });

  test("one of another realm, or of another login, opens nothing under the name of this", async () => {
    const [at, elsewhere] = [await testCodeFlow(), await testCodeFlow()];
    const victim = await testLogin(at.tenant, at.application);
    const [name = ""] = [...victim.browser.cookies.keys()];
    for (const { tenant, application } of [at, elsewhere]) {
      const own = await testLogin(tenant, application);
      const [value = ""] = [...own.browser.cookies.values()];
      const tossed = testBrowser();
      tossed.cookies.set(name, value);
      assert.equal((await tossed.open(victim.url)).status, 403);
    }
  });
});
