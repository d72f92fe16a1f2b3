import assert from "node:assert/strict";
import { test } from "node:test";
import { accountUrl } from "../support/account-page.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { clientSite, passkeyBrowser } from "../support/real-browser.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { addPasskey } from "../support/test-credential.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";

async function secondPasskey(): Promise<void> {
  await using site = await clientSite();
  await using browser = await passkeyBrowser();
  const tenant = await testTenant();
  await addPasskey(tenant, await tenant.addIdentity(EMAIL));
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(["email_one_time_password", "webauthn_passkey"]),
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
  await page.getByRole("button", { name: "Remove: Passkey" }).click();
  await page.getByText("The passkey is removed").waitFor();
  assert.deepEqual(browser.problems, []);
  // It is suggested still, and refused.
  await page.goto(begin);
  await page.getByText("This passkey does not work here").first().waitFor();
}

// The pages are the same over both databases.
if (databaseSide() === "embedded")
  test("a person adds a second passkey on the account page, logs in with it, and removes it", secondPasskey);
