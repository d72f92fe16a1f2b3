import assert from "node:assert/strict";
import { test } from "node:test";
import { accountUrl, addLoginApplication } from "../support/account-page.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { clientSite, type PasskeyBrowser, passkeyBrowser } from "../support/real-browser.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";

async function twoPasskeys(): Promise<void> {
  await using site = await clientSite();
  await using browser = await passkeyBrowser();
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(["email_one_time_password", "fido2"]),
    protocol_config: {
      ...{ type: "oidc", grant_type: ["authorization_code"], redirect_uris: [site.url], pkce: "s256" },
      token_configuration: { expires_after: 3_600 },
    },
  });
  const asked = authorizeParameters(application, "v".repeat(43), { redirect_uri: site.url, prompt: "login" });
  const begin = `${application.issuer}/authorize?${new URLSearchParams(asked)}`;
  const { page } = browser;
  const isBack = () => page.waitForURL((address) => address.href.startsWith(site.url));
  await page.goto(begin);
  await logInAtPages(page, EMAIL);
  await page.getByRole("button", { name: "Not now" }).click();
  await isBack();
  await page.goto(accountUrl(tenant, tenant.realm));
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await browser.recognise(false);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("No passkey was made").waitFor();
  await browser.recognise(true);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("The passkey is there").waitFor();
  assert.equal(await browser.countPasskeys(), 1);
  // Chromium's made-up authenticator takes the first suggestion by itself.
  await page.goto(begin);
  await isBack();
  assert.ok(new URL(page.url()).searchParams.has("code"));
  await page.goto(accountUrl(tenant, tenant.realm));
  await page.getByText("with a passkey").waitFor();
  await takeSecurityKey(browser);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("The passkey is there").waitFor();
  await page.goto(begin);
  await isBack();
  assert.ok(new URL(page.url()).searchParams.has("code"));
  await page.goto(accountUrl(tenant, tenant.realm));
  await page.getByRole("button", { name: "Remove: Passkey" }).first().click();
  await page.getByText("The passkey is removed").waitFor();
  assert.deepEqual(browser.problems, []);
}

/** No application is opened: the page itself signs the person in, first by a code and then by the passkey made there. */
async function ownLogin(): Promise<void> {
  await using browser = await passkeyBrowser();
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  await addLoginApplication(tenant, ["email_one_time_password", "fido2"]);
  const { page } = browser;
  const account = accountUrl(tenant, tenant.realm);
  await page.goto(`${account}?ui_locales=en`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await logInAtPages(page, EMAIL);
  await page.getByText("You are signed in as").waitFor();
  assert.equal(page.url(), `${account}?ui_locales=en`);
  await page.getByText("Chrome on Linux").waitFor();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("The passkey is there").waitFor();
  await page.getByRole("button", { name: "Sign out: This browser" }).click();
  await page.getByText("You are signed out in this browser").waitFor();
  // Chromium's made-up authenticator takes the first suggestion by itself.
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("with a passkey").waitFor();
  await page.getByRole("button", { name: "Remove: Passkey" }).waitFor();
  assert.deepEqual(browser.problems, []);
}

/** From now on the person has a security key in the hand, and touches nothing else. */
async function takeSecurityKey({ session, beThere }: PasskeyBrowser): Promise<void> {
  await beThere(false);
  const key = { protocol: "ctap2", transport: "usb", hasResidentKey: true, hasUserVerification: true } as const;
  const options = { ...key, isUserVerified: true, automaticPresenceSimulation: true };
  await session.send("WebAuthn.addVirtualAuthenticator", { options });
}

// The pages are the same over both databases.
if (databaseSide() === "embedded") {
  test("a person adds a passkey on the account page after a code, and a second one after a login with it", twoPasskeys);
  test("a person signs in at the account page itself, by a code and by a passkey", ownLogin);
}
