import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { clientSite, passkeyBrowser } from "../support/real-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";
const BOTH = ["email_one_time_password", "webauthn_passkey"] as const;

function authorizeUrl(application: TestApplication, redirectUri: string): string {
  const parameters = {
    response_type: "code",
    client_id: application.clientId,
    redirect_uri: redirectUri,
    scope: "openid",
    state: "xyz",
    prompt: "login",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  };
  return `${application.issuer}/authorize?${new URLSearchParams(parameters)}`;
}

async function passkeyWorld(url: string, methods: readonly LoginMethod[] = BOTH) {
  const tenant = await testTenant();
  const identityId = await tenant.addIdentity(EMAIL);
  const authenticatorConfigId = await tenant.addAuthenticatorConfig(methods);
  const application = await tenant.addApplication({
    authenticator_config_id: authenticatorConfigId,
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [url],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
  return { tenant, identityId, application, authenticatorConfigId };
}

/** A browser that says whether it suggests passkeys when it is let, and what asked it for one. */
const SLOW_SUGGESTIONS = `
  const { promise: said, resolve: answer } = Promise.withResolvers();
  const asked = [];
  Object.assign(window, { answer, asked });
  PublicKeyCredential.isConditionalMediationAvailable = () => said;
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (options) => {
    asked.push(options.mediation === "conditional" ? "field" : "button");
    return get(options);
  };`;

/** A person with a binding link besides. */
async function linkedWorld(url: string, methods: readonly LoginMethod[]) {
  const world = await passkeyWorld(url, methods);
  const { tenant, identityId, authenticatorConfigId } = world;
  const job = { delivery_method: "RETURN", authenticator_config_id: authenticatorConfigId };
  const made = await tenant.manage("POST", `/identities/${identityId}/credential-binding-jobs`, { job });
  return { ...world, link: String(made.json?.credential_binding_link) };
}

/** Uses a binding link to its end. */
async function makePasskey(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByRole("heading", { name: "Your passkey is ready" }).waitFor();
}

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded") {
  test("who has logged in by mail makes a passkey, and logs in with what the field for the address suggests", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { application } = await passkeyWorld(site.url);
    const { page } = browser;
    const isBack = () => page.waitForURL((address) => address.href.startsWith(site.url));
    await page.goto(authorizeUrl(application, site.url));
    await logInAtPages(page, EMAIL);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await isBack();
    assert.equal(await browser.countPasskeys(), 1);
    // Chromium's made-up authenticator takes the first suggestion by itself.
    await page.goto(authorizeUrl(application, site.url));
    await isBack();
    assert.ok(new URL(page.url()).searchParams.has("code"));
    assert.deepEqual(browser.problems, []);
  });

  test("a binding link makes a passkey once, whatever was tried before", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { tenant, application, identityId, link } = await linkedWorld(site.url, ["webauthn_passkey"]);
    const { page } = browser;
    await browser.recognise(false);
    await page.goto(link);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.getByText("No passkey was made").waitFor();
    await page.reload();
    await browser.recognise(true);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.getByRole("heading", { name: "Your passkey is ready" }).waitFor();
    await page.goBack();
    await page.goto(link);
    await page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
    await page.goto(authorizeUrl(application, site.url));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL((address) => address.href.startsWith(site.url));
    const answer = await tenant.manage("GET", `/identities/${identityId}`);
    assert.equal(answer.json?.enrollment_status, "ENROLLED");
    assert.deepEqual(browser.problems, []);
  });

  test("a revoked passkey is refused at once, and the page says what else there is", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { tenant, application, identityId, link } = await linkedWorld(site.url, ["webauthn_passkey"]);
    const { page } = browser;
    await makePasskey(page, link);
    await page.goto(authorizeUrl(application, site.url));
    const listed = await tenant.manage("GET", `/identities/${identityId}/credentials`);
    const id = /"id":"([0-9a-f]{16})"/.exec(listed.text)?.[1];
    await tenant.manage("POST", `/identities/${identityId}/credentials/${id}:revoke`);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("This passkey does not work here").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForURL((address) => address.searchParams.get("error") === "access_denied");
  });

  test("a cancelled ceremony is said on the page, and the code by mail is still there", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { application, link } = await linkedWorld(site.url, BOTH);
    const { page } = browser;
    await makePasskey(page, link);
    await browser.recognise(false);
    await page.goto(authorizeUrl(application, site.url));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("That did not work").waitFor();
    await logInAtPages(page, EMAIL);
    await page.waitForURL((address) => address.href.startsWith(site.url));
    assert.ok(new URL(page.url()).searchParams.has("code"));
  });

  test("who presses the button before the browser says whether it suggests passkeys keeps the ceremony", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { application } = await passkeyWorld(site.url);
    const { page, context } = browser;
    await context.addInitScript(SLOW_SUGGESTIONS);
    await browser.beThere(false);
    await page.goto(authorizeUrl(application, site.url));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForFunction("asked.length > 0");
    await page.evaluate("answer(true)");
    assert.deepEqual(await page.evaluate("asked"), ["button"]);
  });

  test("a passkey of another relying party is not even offered", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { application, link } = await linkedWorld(site.url, ["webauthn_passkey"]);
    const { page, session, authenticatorId } = browser;
    await makePasskey(page, link);
    const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
    const [credential] = credentials;
    assert.ok(credential);
    await session.send("WebAuthn.clearCredentials", { authenticatorId });
    const other = { ...credential, rpId: "evil.example" };
    await session.send("WebAuthn.addCredential", { authenticatorId, credential: other });
    await page.goto(authorizeUrl(application, site.url));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("That did not work").waitFor();
  });

  test("of two tabs of one login the first ends it, and the second says so", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { application, link } = await linkedWorld(site.url, ["webauthn_passkey"]);
    const { page, context } = browser;
    await makePasskey(page, link);
    await page.goto(authorizeUrl(application, site.url));
    const second = await context.newPage();
    await second.goto(page.url());
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL((address) => address.href.startsWith(site.url));
    await second.getByRole("button", { name: "Cancel" }).click();
    await second.getByText("This sign-in is finished").waitFor();
    await page.goBack();
    await page.getByText("This sign-in is finished").waitFor();
  });

  test("without JavaScript a code does, a page for passkeys says what is missing, and none is asked for", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser({ hasJavaScript: false });
    const { application } = await passkeyWorld(site.url);
    const { page } = browser;
    await page.goto(authorizeUrl(application, site.url));
    assert.equal(await page.getByRole("button", { name: "Sign in with a passkey" }).isVisible(), false);
    await logInAtPages(page, EMAIL);
    assert.equal(await page.getByRole("button", { name: "Create a passkey" }).isVisible(), false);
    await page.getByRole("button", { name: "Not now" }).click();
    await page.waitForURL((address) => address.href.startsWith(site.url));
    const strict = await linkedWorld(site.url, ["webauthn_passkey"]);
    await page.goto(authorizeUrl(strict.application, site.url));
    await page.getByText("Passkeys need JavaScript").waitFor();
    await page.goto(strict.link);
    await page.getByText("You can open this link on another device").waitFor();
    assert.deepEqual(browser.problems, []);
  });

  test("an expired link says so", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser();
    const { tenant, link } = await linkedWorld(site.url, BOTH);
    await tenant.advance(7 * 86_400);
    await browser.page.goto(link);
    await browser.page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  });

  test("a security key is a passkey where the method is fido2", async () => {
    await using site = await clientSite();
    await using browser = await passkeyBrowser({ transport: "usb" });
    const { application, link } = await linkedWorld(site.url, ["fido2"]);
    const { page } = browser;
    await makePasskey(page, link);
    await page.goto(authorizeUrl(application, site.url));
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL((address) => address.href.startsWith(site.url));
  });
}
