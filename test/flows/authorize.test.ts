import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, call, postForm } from "../support/http.ts";
import { authorizeParameters, hiddenFields, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import type { ConfigBody } from "../support/test-client.ts";
import { type CodeFlow, REDIRECT_URI, testCodeFlow } from "../support/test-code-flow.ts";

const VERIFIER = "v".repeat(43);
const NATIVE = "http://127.0.0.1/callback";

let shared: Promise<CodeFlow> | undefined;

/** One application for all tests that change nothing. */
function flow(): Promise<CodeFlow> {
  shared ??= testCodeFlow();
  return shared;
}

/** Changes to the ordinary parameters: undefined removes one. */
type Changes = Readonly<Record<string, string | undefined>>;

function queryOf({ application }: CodeFlow, changes: Changes = {}, extra = ""): string {
  const parameters = { ...authorizeParameters(application, VERIFIER), ...changes };
  const sent = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(sent).toString() + extra;
}

async function authorize(at: CodeFlow, changes: Changes = {}, extra = ""): Promise<Answer> {
  return call(`${at.application.issuer}/authorize?${queryOf(at, changes, extra)}`);
}

async function decisionOf(at: CodeFlow, answer: Answer): Promise<Record<string, unknown>> {
  const found = await at.tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
  assert.equal(found.status, 200, found.text);
  const [decision] = (found.json?.decisions ?? []) as Record<string, unknown>[];
  return decision ?? {};
}

/** What may be in an error that goes to a client: this and nothing else (rule 18). */
function assertTold(answer: Answer, at: CodeFlow, expected: { error: string; state?: string | null }): void {
  assert.equal(answer.status, 303, answer.text);
  const location = locationOf(answer);
  assert.equal(location.origin + location.pathname, REDIRECT_URI);
  const told = Object.fromEntries(location.searchParams);
  const { error_description, ...rest } = told;
  assert.match(String(error_description), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/); // RFC 6749 §4.1.2.1
  const state = expected.state === undefined ? "af0ifjsldkj" : expected.state;
  assert.deepEqual(rest, { error: expected.error, ...(state === null ? {} : { state }), iss: at.application.issuer });
  assert.equal(answer.headers.getSetCookie().length, 0);
}

describe("errors that stay on our page", () => {
  const PAGES: readonly (readonly [string, Changes, string])[] = [
    ["client_id is missing", { client_id: undefined }, ""],
    ["client_id is empty", { client_id: "" }, ""],
    ["client_id is another", { client_id: "another-client" }, ""],
    ["client_id is sent twice", {}, "&client_id=x"],
    ["redirect_uri is missing", { redirect_uri: undefined }, ""],
    ["redirect_uri is not registered", { redirect_uri: "https://evil.example/callback" }, ""],
    ["redirect_uri is longer than the registered one", { redirect_uri: `${REDIRECT_URI}/more` }, ""],
    ["redirect_uri has a query that is not registered", { redirect_uri: `${REDIRECT_URI}?a=1` }, ""],
    ["redirect_uri has another case", { redirect_uri: REDIRECT_URI.toUpperCase() }, ""],
    ["redirect_uri has a fragment", { redirect_uri: `${REDIRECT_URI}#x` }, ""],
    ["redirect_uri is sent twice", {}, `&redirect_uri=${encodeURIComponent(REDIRECT_URI)}`],
    ["response_mode is sent twice", { response_mode: "query" }, "&response_mode=query"],
    ["a value is not UTF-8", {}, "&x=%ff"],
    ["a value holds U+0000", {}, "&x=%00"],
    ["there are too many parameters", {}, "&x=1".repeat(70)],
  ];
  for (const [name, changes, extra] of PAGES) {
    test(`${name}: 400, and nobody is redirected`, async () => {
      const at = await flow();
      const answer = await authorize(at, changes, extra);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.headers.get("location"), null);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
      assert.ok(answer.text.includes(answer.headers.get("x-trace-id") ?? "no trace id"), "the page names its trace id");
      assert.match(answer.text, /Test tenant/);
      assert.equal((await decisionOf(at, answer)).outcome, "invalid_request");
    });
  }

  test("a client that asks for JSON gets it", async () => {
    const at = await flow();
    const url = `${at.application.issuer}/authorize?${queryOf(at, { redirect_uri: "https://evil.example/" })}`;
    const answer = await call(url, { headers: { accept: "application/json" } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json, {
      error: "invalid_request",
      error_description: "redirect_uri is not registered for this application",
      trace_id: answer.headers.get("x-trace-id"),
    });
  });

  test("an unknown application, realm or tenant is 404 and leaves no decision", async () => {
    const at = await flow();
    for (const part of [at.application.key.applicationId, at.tenant.realm.realmId, at.tenant.tenantId]) {
      const url = `${at.application.issuer}/authorize?${queryOf(at)}`.replace(part, part.replaceAll(/[0-9]/g, "a"));
      const answer = await call(url, { headers: { accept: "application/json" } });
      assert.equal(answer.status, 404, url);
      assert.equal(answer.json?.error, "invalid_client");
    }
  });

  test("a form of another media type is 415", async () => {
    const at = await flow();
    const answer = await call(`${at.application.issuer}/authorize`, {
      method: "POST",
      body: JSON.stringify(authorizeParameters(at.application, VERIFIER)),
      headers: { "content-type": "application/json" },
    });
    assert.equal(answer.status, 415);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
  });

  test("the decision tells which redirect URI was compared, without what its query carries", async () => {
    const at = await flow();
    const answer = await authorize(at, { redirect_uri: `https://evil.example/${"x".repeat(300)}?token=secret#secret` });
    const facts = (await decisionOf(at, answer)).facts as Record<string, string>;
    assert.equal(facts.redirect_uri, `https://evil.example/${"x".repeat(300)}`.slice(0, 200));
    assert.doesNotMatch(JSON.stringify(facts), /secret/);
  });
});

describe("errors that go to the client", () => {
  const TOLD: readonly (readonly [string, Changes, string, string])[] = [
    ["response_type is missing", { response_type: undefined }, "", "invalid_request"],
    ["response_type is token", { response_type: "token" }, "", "unsupported_response_type"],
    ["response_type is code id_token", { response_type: "code id_token" }, "", "unsupported_response_type"],
    ["response_mode is unknown", { response_mode: "web_message" }, "", "invalid_request"],
    ["scope is sent twice", {}, "&scope=openid", "invalid_request"],
    ["nonce is sent twice", { nonce: "n" }, "&nonce=n", "invalid_request"],
    ["an unknown parameter is sent twice", {}, "&audience_hint=1&audience_hint=2", "invalid_request"],
    ["request is sent", { request: "e30.e30." }, "", "request_not_supported"],
    ["request_uri is sent", { request_uri: "urn:x" }, "", "request_uri_not_supported"],
    ["registration is sent", { registration: "{}" }, "", "registration_not_supported"],
    ["scope holds what no scope may", { scope: 'openid "x"' }, "", "invalid_scope"],
    [
      "code_challenge is missing",
      { code_challenge: undefined, code_challenge_method: undefined },
      "",
      "invalid_request",
    ],
    ["code_challenge is malformed", { code_challenge: "short" }, "", "invalid_request"],
    ["code_challenge_method is missing", { code_challenge_method: undefined }, "", "invalid_request"],
    ["code_challenge_method is plain", { code_challenge_method: "plain" }, "", "invalid_request"],
    ["code_challenge_method is unknown", { code_challenge_method: "256" }, "", "invalid_request"],
    ["max_age is no number", { max_age: "soon" }, "", "invalid_request"],
    ["max_age is negative", { max_age: "-1" }, "", "invalid_request"],
    ["nonce is too long", { nonce: "n".repeat(2_049) }, "", "invalid_request"],
    ["prompt is none", { prompt: "none" }, "", "login_required"],
    ["prompt is none and login", { prompt: "none login" }, "", "invalid_request"],
  ];
  for (const [name, changes, extra, error] of TOLD) {
    test(`${name}: ${error}`, async () => {
      const at = await flow();
      const answer = await authorize(at, changes, extra);
      assertTold(answer, at, { error });
      assert.equal((await decisionOf(at, answer)).outcome, error);
    });
  }

  test("a state that is sent twice, or too long, is not sent back", async () => {
    const at = await flow();
    assertTold(await authorize(at, {}, "&state=two"), at, { error: "invalid_request", state: null });
    const long = await postForm(`${at.application.issuer}/authorize`, queryOf(at, { state: "s".repeat(8_193) }));
    assertTold(long, at, { error: "invalid_request", state: null });
  });

  test("a request without state gets none", async () => {
    const at = await flow();
    assertTold(await authorize(at, { state: undefined, prompt: "none" }), at, { error: "login_required", state: null });
  });

  const MODES: readonly (readonly [string, (answer: Answer) => URLSearchParams])[] = [
    ["query", (answer) => locationOf(answer).searchParams],
    ["fragment", (answer) => new URLSearchParams(locationOf(answer).hash.slice(1))],
    ["form_post", (answer) => new URLSearchParams(hiddenFields(answer))],
  ];
  for (const [mode, read] of MODES) {
    test(`the response mode ${mode} is chosen first, also when response_type is missing (rule 18)`, async () => {
      const at = await flow();
      const told = read(await authorize(at, { response_mode: mode, response_type: undefined }));
      assert.deepEqual([...told.keys()].toSorted(), ["error", "error_description", "iss", "state"]);
      assert.equal(told.get("error"), "invalid_request");
    });
  }

  test("the page of form_post posts to the client alone, by our script or by its button", async () => {
    const at = await flow();
    const answer = await authorize(at, { response_mode: "form_post", prompt: "none" });
    assert.equal(answer.status, 200);
    assert.match(answer.text, /<form id="answer" method="post" action="https:\/\/client\.example\/callback">/);
    assert.match(answer.text, /<button class="main">/);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /form-action 'self' https:\/\/client\.example;/);
    assert.match(policy, /script-src 'self';/);
    assert.doesNotMatch(policy, /unsafe/);
    const [, script = ""] = /<script type="module" src="([^"]+)">/.exec(answer.text) ?? [];
    const served = await call(`${at.tenant.server.url}${script}`);
    assert.match(served.headers.get("content-type") ?? "", /^text\/javascript/);
    assert.match(served.text, /submit\(\)/);
  });
});

describe("what an application allows", () => {
  async function with_(config: ConfigBody): Promise<CodeFlow> {
    const { tenant, resourceServer } = await flow();
    return testCodeFlow({ tenant, server: resourceServer, config });
  }

  test("an application that may not have codes is told unauthorized_client", async () => {
    const at = await with_({});
    await at.tenant.changeApplication(at.application, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, grant_type: ["client_credentials"] },
    }));
    assertTold(await authorize(at), at, { error: "unauthorized_client" });
  });

  test("an application without an authenticator config is told unauthorized_client, and the decision says why", async () => {
    const at = await with_({});
    await at.tenant.changeApplication(at.application, (settings) => ({ ...settings, authenticator_config_id: null }));
    const answer = await authorize(at);
    assertTold(answer, at, { error: "unauthorized_client" });
    assert.match(JSON.stringify(await decisionOf(at, answer)), /no authenticator config/);
  });

  const PKCE: readonly (readonly [string, ConfigBody, Changes, string | undefined])[] = [
    ["plain accepts plain", { pkce: "plain" }, { code_challenge: VERIFIER, code_challenge_method: "plain" }, undefined],
    [
      "plain takes no method for plain",
      { pkce: "plain" },
      { code_challenge: VERIFIER, code_challenge_method: undefined },
      undefined,
    ],
    ["plain accepts S256", { pkce: "plain" }, {}, undefined],
    [
      "disabled needs none",
      { pkce: "disabled" },
      { code_challenge: undefined, code_challenge_method: undefined },
      undefined,
    ],
    ["disabled keeps S256", { pkce: "disabled" }, {}, undefined],
    [
      "disabled refuses plain",
      { pkce: "disabled" },
      { code_challenge: VERIFIER, code_challenge_method: "plain" },
      "invalid_request",
    ],
  ];
  for (const [name, config, changes, error] of PKCE) {
    test(`PKCE: ${name} (rule 6)`, async () => {
      const at = await with_(config);
      const answer = await authorize(at, changes);
      if (error !== undefined) assertTold(answer, at, { error });
      else assert.match(locationOf(answer).pathname, /^\/authenticator\//);
    });
  }

  test("a native application may use any port of a loopback address, and is never signed in unseen (rule 36)", async () => {
    const at = await with_({ confidentiality: "public", redirect_uris: [NATIVE], pkce: "s256" });
    const presented = "http://127.0.0.1:51004/callback";
    assert.match(locationOf(await authorize(at, { redirect_uri: presented })).pathname, /^\/authenticator\//);
    const silent = locationOf(await authorize(at, { redirect_uri: presented, prompt: "none" }));
    assert.equal(silent.origin, "http://127.0.0.1:51004");
    assert.equal(silent.searchParams.get("error"), "interaction_required");
  });

  test("an answer is added with & to a redirect URI that has a query", async () => {
    const at = await with_({ redirect_uris: [`${REDIRECT_URI}?tenant=7`] });
    const answer = await authorize(at, { redirect_uri: `${REDIRECT_URI}?tenant=7`, prompt: "none" });
    assert.match(
      answer.headers.get("location") ?? "",
      /^https:\/\/client\.example\/callback\?tenant=7&error=login_required&/,
    );
  });
});

describe("a request that is accepted", () => {
  const ACCEPTED: readonly Changes[] = [
    { prompt: "login" },
    { prompt: "consent select_account" },
    { prompt: "create" },
    { max_age: "0" },
    { claims_locales: "de", display: "popup", acr_values: "x", ui_locales: "xx" },
    { something_new: "1" },
    { login_hint: "not an address" },
    { scope: undefined },
    { state: undefined, nonce: "n-0S6_WzA2Mj" },
    { response_mode: "fragment" },
  ];
  for (const changes of ACCEPTED) {
    test(`goes to the login page: ${JSON.stringify(changes)}`, async () => {
      const at = await flow();
      const answer = await authorize(at, changes);
      assert.equal(answer.status, 303, answer.text);
      assert.match(
        locationOf(answer).pathname,
        /^\/authenticator\/v1\/tenants\/[0-9a-f]{16}\/realms\/[0-9a-f]{16}\/requests\/[A-Za-z0-9_-]{32}$/,
      );
      assert.equal((await decisionOf(at, answer)).outcome, "accepted");
    });
  }

  test("by POST it is stored and answered 303 to a GET of ours (rule 18)", async () => {
    const at = await flow();
    const browser = testBrowser();
    const answer = await browser.post(
      `${at.application.issuer}/authorize`,
      authorizeParameters(at.application, VERIFIER),
    );
    assert.equal(answer.status, 303);
    const { pathname, search } = locationOf(answer);
    const begun = await browser.open(`${at.tenant.server.url}${pathname}${search}`);
    const page = await browser.open(`${at.tenant.server.url}${locationOf(begun).pathname}`);
    assert.equal(page.status, 200);
    assert.match(page.text, /<h1>Sign in<\/h1>/);
  });

  test("login_hint fills the address in, and what it says is not markup", async () => {
    const at = await flow();
    const login = await testLogin(at.tenant, at.application, { parameters: { login_hint: '"><b>@example.com' } });
    const page = await login.browser.open(login.url);
    assert.match(page.text, /value="&quot;&gt;&lt;b&gt;@example\.com"/);
  });

  test("other methods are 405 with Allow", async () => {
    const at = await flow();
    const answer = await call(`${at.application.issuer}/authorize`, { method: "DELETE" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD, POST");
  });
});
