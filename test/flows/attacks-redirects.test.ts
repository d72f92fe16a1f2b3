import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, call } from "../support/http.ts";
import { newAddress } from "../support/login-flow.ts";
import { sendRaw } from "../support/raw-http.ts";
import { assertInvalidGrant } from "../support/refusals.ts";
import { logInByCode, newPerson, secondApplication } from "../support/single-sign-on.ts";
import { authorizeParameters, hiddenFields, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import { type CodeFlow, REDIRECT_URI, testCodeFlow } from "../support/test-code-flow.ts";

const VERIFIER = "a-verifier-of-a-test-that-is-long-enough-to-be-one";
const BACK = "https://client.example/signed-out";

/** Addresses that look like the registered one, to a person, a careless comparison or a careless parser. */
const LOOK_ALIKES = [
  "https://client.example@evil.example/callback",
  "https://client.example:443@evil.example/callback",
  "https://client.example.evil.example/callback",
  "https://client.example%2f.evil.example/callback",
  "https://client.example%00.evil.example/callback",
  "https://client.example\\@evil.example/callback",
  "https://client.example\\.evil.example/callback",
  "https://client.example./callback",
  "https://client.example:443/callback",
  "https://client.example:8443/callback",
  "https://CLIENT.example/callback",
  "https:/client.example/callback",
  "https:client.example/callback",
  "//client.example/callback",
  "///client.example/callback",
  "http://client.example/callback",
  "https://client.example/callback/",
  "https://client.example//callback",
  "https://client.example/callback/../evil",
  "https://client.example/%63allback",
  "https://client.example/callback?",
  "https://client.example/callback#",
  "https://client.example/callback;x",
  "https://client.example/callback\t",
  " https://client.example/callback",
  "https://client.example/callback\r\nlocation: https://evil.example/",
  "javascript:alert(1)//https://client.example/callback",
  "data:text/html,https://client.example/callback",
] as const;

/** Asserts that an answer leads nowhere but to pages of ours. */
function assertStays(answer: Answer, what: string): void {
  assert.equal(answer.headers.get("location"), null, what);
  assert.equal(answer.headers.get("refresh"), null, what);
  for (const [, target = ""] of answer.text.matchAll(/(?:href|src|action|content)="([^"]*)"/g)) {
    assert.ok(!/evil|^\/\//.test(target), `${what} leads to ${target}`);
  }
  assert.doesNotMatch(answer.headers.get("content-security-policy") ?? "", /evil/, what);
}

describe("open redirect", () => {
  test("what only looks like a registered redirect URI is sent nowhere, whatever else is wrong", async () => {
    const { application } = await testCodeFlow();
    for (const redirect_uri of LOOK_ALIKES) {
      for (const more of [{}, { prompt: "none" }, { response_type: "" }, { response_mode: "form_post" }]) {
        const sent = authorizeParameters(application, VERIFIER, { redirect_uri, ...more });
        const answer = await call(`${application.issuer}/authorize?${new URLSearchParams(sent)}`);
        assert.equal(answer.status, 400, redirect_uri);
        assertStays(answer, redirect_uri);
      }
    }
  });

  test("nor is what looks like a registered address to come back to after a logout", async () => {
    const at = await newPerson({ config: { post_logout_redirect_uris: [BACK] } });
    const { idToken } = await logInByCode(at);
    const { application } = at.flow;
    for (const uri of LOOK_ALIKES.map((one) => one.replaceAll("callback", "signed-out"))) {
      const sent = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: uri, state: "s" });
      const answer = await at.browser.open(`${application.issuer}/end-session?${sent}`);
      assert.equal(answer.status, 200, uri);
      assertStays(answer, uri);
    }
  });

  test("a path that could be taken for a host leads nowhere", async () => {
    const { tenant, application } = await testCodeFlow();
    const { pathname } = new URL(application.issuer);
    for (const target of [
      "//evil.example/%2e%2e",
      `//evil.example${pathname}/authorize`,
      `/\\evil.example${pathname}/authorize`,
      `${pathname}/authorize/complete?request=//evil.example`,
      `${pathname}/authorize//evil.example`,
      "/authenticator//evil.example/",
      `https://evil.example${pathname}/authorize`,
    ]) {
      const { status, headers } = await sendRaw(tenant.server.url, { method: "GET", target });
      assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
      assert.doesNotMatch(headers, /^location:/im, target);
    }
  });

  test("where a host header claims to be somebody else, redirects and issuers are ours all the same", async () => {
    const { tenant, application } = await testCodeFlow();
    const { pathname } = new URL(application.issuer);
    const query = new URLSearchParams(authorizeParameters(application, VERIFIER));
    const forged = [
      "x-forwarded-host: evil.example",
      "forwarded: host=evil.example;proto=http",
      "x-forwarded-proto: ftp",
    ];
    for (const target of [`${pathname}/authorize?${query}`, `${pathname}/.well-known/openid-configuration`]) {
      const answer = await sendRaw(tenant.server.url, { method: "GET", target, headers: forged });
      assert.doesNotMatch(answer.headers + answer.body, /evil\.example|ftp:/, target);
    }
  });
});

describe("mix-up: every answer says whose it is (RFC 9207)", () => {
  const MODES = {
    query: (answer: Answer) => locationOf(answer).searchParams,
    fragment: (answer: Answer) => new URLSearchParams(locationOf(answer).hash.slice(1)),
    form_post: (answer: Answer) => new URLSearchParams(hiddenFields(answer)),
  } as const;

  test("of two issuers each names itself, in a success and in every kind of error, in every mode", async () => {
    const one = await newPerson();
    const two = await newPerson({ config: { issuer_mode: "realm" } });
    assert.notEqual(one.flow.application.issuer, two.flow.application.issuer);
    for (const at of [one, two]) {
      const { tenant, application } = at.flow;
      const metadata = await call(`${application.issuer}/.well-known/openid-configuration`);
      assert.equal(metadata.json?.authorization_response_iss_parameter_supported, true);
      await logInByCode(at);
      for (const [response_mode, read] of Object.entries(MODES)) {
        const ask = async (browser: typeof at.browser, changes: Readonly<Record<string, string>>) => {
          const sent = authorizeParameters(application, VERIFIER, { response_mode, ...changes });
          return read(await browser.open(`${application.issuer}/authorize?${new URLSearchParams(sent)}`));
        };
        const answers = [
          await ask(at.browser, {}),
          await ask(testBrowser(), { prompt: "none" }),
          await ask(testBrowser(), { scope: 'no "scope"' }),
          await ask(testBrowser(), { request: "x" }),
        ];
        const cancelled = await testLogin(tenant, application, { parameters: { response_mode } });
        const { pathname, search } = locationOf(await cancelled.submit("cancel"));
        answers.push(read(await cancelled.browser.open(`${tenant.server.url}${pathname}${search}`)));
        assert.deepEqual(
          answers.map((parameters) => [parameters.get("error"), parameters.getAll("iss")]),
          [null, "login_required", "invalid_scope", "request_not_supported", "access_denied"].map((error) => [
            error,
            [metadata.json?.issuer],
          ]),
          response_mode,
        );
      }
    }
  });

  test("a code that a client was lured into sending to another issuer is worth nothing there, and is not spent", async () => {
    const honest = await newPerson();
    const { tenant, application } = honest.flow;
    const evil = await testCodeFlow();
    const sibling = await secondApplication(honest);
    const login = await testLogin(tenant, application);
    const location = await login.finish(await login.logIn(honest.email));
    const form = {
      grant_type: "authorization_code",
      code: location.searchParams.get("code") ?? "",
      code_verifier: login.verifier,
      redirect_uri: REDIRECT_URI,
    };
    assertInvalidGrant(await evil.tenant.token(evil.application, form));
    assertInvalidGrant(await tenant.token(sibling, form));
    assert.equal((await tenant.token(application, form)).status, 200);
  });
});

describe("a code that somebody else got (injection)", () => {
  async function codeOf({ tenant, application }: CodeFlow, changes: Readonly<Record<string, string>> = {}) {
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application, { parameters: changes });
    const location = await login.finish(await login.logIn(email));
    return { code: location.searchParams.get("code") ?? "", verifier: login.verifier };
  }

  test("is of no use to a client whose own request it does not answer", async () => {
    const flow = await testCodeFlow();
    const [attacker, victim] = [await codeOf(flow), await codeOf(flow)];
    const exchange = (code: string, code_verifier: string) =>
      flow.tenant.token(flow.application, { grant_type: "authorization_code", code, code_verifier });
    assertInvalidGrant(await exchange(attacker.code, victim.verifier));
    assertInvalidGrant(await exchange(victim.code, attacker.verifier));
    for (const { code, verifier } of [attacker, victim]) assert.equal((await exchange(code, verifier)).status, 200);
  });

  test("nor when the challenge was stripped from the request on its way (RFC 9700 §4.8.2)", async () => {
    const flow = await testCodeFlow({ config: { pkce: "disabled" } });
    const stripped = await codeOf(flow, { code_challenge: "", code_challenge_method: "" });
    const form = { grant_type: "authorization_code", code: stripped.code, redirect_uri: REDIRECT_URI };
    assertInvalidGrant(await flow.tenant.token(flow.application, { ...form, code_verifier: stripped.verifier }));
    assert.equal((await flow.tenant.token(flow.application, form)).status, 200);
  });
});

describe("header injection", () => {
  const LINES = [
    "\r\nset-cookie: evil=1",
    "\nlocation: https://evil.example/",
    "\r\n\r\n<h1>evil</h1>",
    "\u2028x: y",
    "\0",
  ];

  test("what a parameter holds is never a header or markup, wherever it comes back", async () => {
    const at = await newPerson({ config: { post_logout_redirect_uris: [BACK] } });
    const { idToken } = await logInByCode(at);
    const { tenant, application } = at.flow;
    const { pathname } = new URL(application.issuer);
    const cookie = `cookie: ${[...at.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")}`;
    for (const line of LINES) {
      for (const name of ["state", "nonce", "login_hint", "ui_locales", "scope", "prompt", "request", `x${line}`]) {
        for (const response_mode of ["query", "fragment", "form_post"]) {
          const sent = authorizeParameters(application, VERIFIER, {
            prompt: "none",
            response_mode,
            [name]: `a${line}`,
          });
          const target = `${pathname}/authorize?${new URLSearchParams(sent)}`;
          assertClean(await sendRaw(tenant.server.url, { method: "GET", target, headers: [cookie] }), name);
        }
      }
      const out = {
        id_token_hint: idToken,
        post_logout_redirect_uri: BACK,
        state: `s${line}`,
        ui_locales: `de${line}`,
      };
      const target = `${pathname}/end-session?${new URLSearchParams(out)}`;
      assertClean(await sendRaw(tenant.server.url, { method: "GET", target }), "end-session");
    }
  });

  test("nor where a page leads on by itself after a form of ours (decision 32)", async () => {
    const { tenant, application } = await testCodeFlow();
    for (const line of LINES.filter((one) => one !== "\0")) {
      const login = await testLogin(tenant, application, {
        parameters: { state: `a${line};url=https://evil.example/` },
      });
      const { pathname, search } = locationOf(await login.submit("cancel"));
      const cookie = `cookie: ${[...login.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")}`;
      const headers = [cookie, "sec-fetch-mode: navigate", "sec-fetch-site: same-origin"];
      const answer = await sendRaw(tenant.server.url, { method: "GET", target: pathname + search, headers });
      assertClean(answer, line);
      assert.match(
        answer.headers,
        /^refresh: 0; ?url="?https:\/\/client\.example\/callback\?[\x21\x23-\x26\x28-\x3a\x3c-\x7e]*"?\r?$/im,
      );
      assert.doesNotMatch(answer.body, /"https:\/\/evil/);
    }
  });

  function assertClean({ status, headers, body }: Awaited<ReturnType<typeof sendRaw>>, what: string): void {
    assert.ok(status < 500, `${what}: ${status}`);
    assert.doesNotMatch(headers, /^set-cookie: evil|^location: https:\/\/evil|^x: y/im, what);
    assert.doesNotMatch(body, /<h1>evil/, what);
  }

  test("nor is what a header holds, which comes back as the request's name", async () => {
    const { tenant } = await testCodeFlow();
    for (const value of ["a\tb", "a;b=c", "<h1>", `"quoted"`, "x".repeat(200), "\u00e9"]) {
      const headers = [`x-correlation-id: ${value}`];
      const target = `/v1/tenants/${tenant.tenantId}`;
      const answer = await sendRaw(tenant.server.url, { method: "GET", target, headers });
      const [, shown] = /^x-correlation-id: (.*?)\r?$/im.exec(answer.headers) ?? [];
      assert.match(String(shown), /^[0-9a-f]{32}$/, value);
    }
  });
});
