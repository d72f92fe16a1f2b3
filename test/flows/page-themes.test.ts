import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Answer, call } from "../support/http.ts";
import { eventually, newAddress } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { authorizeParameters, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import { type CodeFlow, testCodeFlow } from "../support/test-code-flow.ts";

const THEME = {
  logo_url_light: "https://cdn.example/light.svg",
  logo_url_dark: "https://cdn.example/dark.svg",
  support_url: "https://help.example/",
  button_color: "#1D4ED8",
  button_text_color: "#2B59D9",
};

function assertThemed(answer: Answer): void {
  assert.match(answer.text, /--button:#1d4ed8;--button-text:#ffffff;/, "the button's text cannot be read as wished");
  assert.match(answer.text, /src="https:\/\/cdn\.example\/light\.svg"/);
  assert.match(answer.text, /href="https:\/\/help\.example\/"/);
  const policy = String(answer.headers.get("content-security-policy"));
  assert.match(policy, /; img-src https:\/\/cdn\.example;/);
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^ ]+' 'sha256-[^ ]+';/);
}

describe("a realm's theme", () => {
  let at: CodeFlow;
  const begin = (parameters: Readonly<Record<string, string>> = {}) =>
    testLogin(at.tenant, at.application, { parameters });
  before(async () => {
    at = await testCodeFlow();
    await succeed(managementClient(at.tenant)("CreateTheme", { body: { theme: THEME } }));
  });

  test("is on every page of a login, to the last", async () => {
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email);
    const login = await begin({ response_mode: "form_post", prompt: "consent" });
    assertThemed(await login.browser.open(login.url));
    assertThemed(await login.submit("send", { email: "?" }));
    await login.submit("send", { email });
    assertThemed(await login.submit("verify", { code: "1" }));
    await login.submit("verify", { code: "424242" });
    assertThemed(await login.browser.open(login.url));
    const { pathname, search } = locationOf(await login.submit("continue"));
    const completion = `${at.tenant.server.url}${pathname}${search}`;
    assertThemed(await login.browser.open(completion));
    assertThemed(await login.browser.open(completion));
    assertThemed(await login.browser.open(login.url));
  });

  test("is on pages that refuse, also for an application that there is not", async () => {
    assertThemed(await call((await begin()).url));
    const parameters = authorizeParameters(at.application, "v".repeat(43), { redirect_uri: "https://evil.example/" });
    assertThemed(await call(`${at.application.issuer}/authorize?${new URLSearchParams(parameters)}`));
    const unknown = at.application.issuer.replace(/[^/]*$/, "00000000-0000-4000-8000-000000000000");
    const refused = await call(`${unknown}/authorize`);
    assert.equal(refused.status, 404);
    assertThemed(refused);
    const api = managementClient(at.tenant);
    const identity = await at.tenant.addIdentity(newAddress(at.tenant));
    const authenticator_config_id = await at.tenant.addAuthenticatorConfig();
    const job = { delivery_method: "RETURN" as const, authenticator_config_id };
    const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
    const { id } = made.credential_binding_job;
    await succeed(api("SetCredentialBindingJobRevoked", { identity, job: id }));
    assertThemed(await call(made.credential_binding_link ?? ""));
  });

  test("is on the pages of a logout", async () => {
    assertThemed(await testBrowser().open(`${at.application.issuer}/end-session`));
  });

  test("is not that of another realm, and a change shows at once", async () => {
    const other = await testCodeFlow();
    const login = await testLogin(other.tenant, other.application);
    assert.doesNotMatch((await login.browser.open(login.url)).text, /--button:#1d4ed8/);
    const api = managementClient(other.tenant);
    await succeed(api("CreateTheme", { body: { theme: { button_color: "#ffd400" } } }));
    const shown = await eventually(async () => {
      const { text } = await login.browser.open(login.url);
      return text.includes("--button:#ffd400") ? text : undefined;
    });
    assert.match(shown, /--button-text:#000000/);
  });
});
