import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../platform/log.ts";
import type { Language } from "../protocol/language.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { html } from "./html.ts";
import { errorPageReply, pageReply, prefersJson, redirectReply, replyWithErrorPage } from "./pages.ts";

const PAGE = {
  status: 200,
  language: "en" as const,
  title: "Sign in",
  content: html`<h1>Sign in</h1>`,
  isTestTenant: false,
};
const traceId = Buffer.alloc(16, 7);

function policyOf(reply: ReturnType<typeof pageReply>): string {
  return String(reply.headers?.["content-security-policy"]);
}

test("text in a template is escaped, for elements and attributes; markup of ours is not", () => {
  const evil = `"><script>alert('1')</script>&`;
  const { markup } = html`<p title="${evil}">${evil}${undefined}${[html`<b>${1}</b>`, html`<i></i>`]}</p>`;
  const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;";
  assert.equal(markup, `<p title="${escaped}">${escaped}<b>1</b><i></i></p>`);
});

test("a page lets nothing load or run but its own style, and cannot be framed or kept", () => {
  const reply = pageReply(PAGE);
  assert.match(
    policyOf(reply),
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
  );
  assert.equal(reply.headers?.["cache-control"], "no-store");
  assert.equal(reply.headers?.["referrer-policy"], "no-referrer");
  assert.equal(reply.headers?.["x-frame-options"], "DENY");
});

const FORM_TARGETS = [
  ["https://client.example/cb?a=1", "'self' https://client.example"],
  ["https://client.example:8443/cb", "'self' https://client.example:8443"],
  ["http://127.0.0.1:51004/cb", "'self' http://127.0.0.1:51004"],
  ["http://localhost:3000/cb", "'self' http://localhost:3000"],
  ["com.example.app:/cb", "'self' com.example.app:"],
  ["http://[::1]:51004/cb", "'self' http:"],
] as const;
for (const [redirectUri, sources] of FORM_TARGETS) {
  test(`a form may end at ${redirectUri} and nowhere else (rule 18)`, () => {
    const policy = policyOf(pageReply({ ...PAGE, endsAt: [redirectUri] }));
    assert.equal(/form-action ([^;]*);/.exec(policy)?.[1], sources);
  });
}

test("a page is small", () => {
  const { body } = pageReply({ ...PAGE, isTestTenant: true, application: { name: "App", realm: "Realm" } });
  assert.ok(Buffer.byteLength(String(body)) < 12_000);
});

test("a test tenant's page says so, and no other page does (rule 41)", () => {
  assert.match(String(pageReply({ ...PAGE, isTestTenant: true }).body), /Test tenant/);
  assert.doesNotMatch(String(pageReply(PAGE).body), /Test tenant/);
  const error = { status: 400, language: "en" as const, heading: "No", advice: "Go back", traceId };
  assert.match(String(errorPageReply({ ...error, isTestTenant: true }).body), /Test tenant/);
});

test("an application without a name to speak of has no initial, and is shown all the same", () => {
  assert.match(String(pageReply({ ...PAGE, application: { name: "👟 Shoes", realm: "R" } }).body), />👟<\/b>/);
});

test("an error is a page for people and JSON for a client that asks for it", () => {
  const error = new OAuthError("invalid_request", 'no "<b>" please');
  const log = createLog("silent");
  const page = replyWithErrorPage(error, { traceId, accept: "text/html", language: "en", log });
  assert.equal(page.status, 400);
  assert.match(String(page.body), /invalid_request: no &#39;&lt;b&gt;&#39; please/);
  assert.match(String(page.body), /0707070707070707/);
  const json = replyWithErrorPage(error, { traceId, accept: "application/json", language: "en", log });
  assert.deepEqual(JSON.parse(String(json.body)), {
    error: "invalid_request",
    error_description: "no '<b>' please",
    trace_id: "07".repeat(16),
  });
});

test("who has to wait is told for how long, in the language of the page", () => {
  const options = { status: 429, retryAfterSeconds: 42 };
  const error = new OAuthError("temporarily_unavailable", "too many", options);
  const shownIn = (language: Language) =>
    replyWithErrorPage(error, { traceId, accept: undefined, language, log: createLog("silent") });
  for (const [language, wait] of [
    ["en", "in 42 seconds."],
    ["de", "in 42 Sekunden neu."],
    ["es", "en 42 segundos."],
  ] as const) {
    const { headers, body } = shownIn(language);
    assert.equal(headers?.["retry-after"], "42");
    assert.ok(String(body).includes(wait), language);
  }
});

test("a bug is a page that says nothing about it", () => {
  const failure = { traceId, accept: undefined, language: "en" as const, log: createLog("silent") };
  const page = replyWithErrorPage(new Error("password=hunter2"), failure);
  assert.equal(page.status, 500);
  assert.doesNotMatch(String(page.body), /hunter2|server_error/);
});

test("browsers get pages, whatever else they accept", () => {
  assert.equal(prefersJson("text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"), false);
  assert.equal(prefersJson("*/*"), false);
  assert.equal(prefersJson(undefined), false);
  assert.equal(prefersJson("application/json, text/plain, */*"), true);
});

test("a redirect is a GET that is not kept and tells no referrer", () => {
  assert.deepEqual(redirectReply("/next", ["a=b"]), {
    status: 303,
    headers: {
      location: "/next",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "set-cookie": ["a=b"],
    },
  });
});
