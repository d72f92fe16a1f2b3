import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { guidePicture } from "../support/guide-picture.ts";
import { guideShell } from "../support/guide-shell.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { mailsOf } from "../support/login-flow.ts";
import { type ClientSite, clientSite, passkeyBrowser } from "../support/real-browser.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 48" font-family="sans-serif" font-weight="bold" font-size="34">
  <path d="M4 44 26 4l22 40H36L26 25 16 44Z" fill="#B3261E"/><text x="54" y="40" textLength="100" fill="#1f1f1f">acme</text></svg>`;

/** The logo that the guide names is of another house: pages are shown one that the guide's own product could have. */
async function drawLogo(page: Page): Promise<void> {
  await page.route("https://www.w3.org/**", (route) => route.fulfill({ contentType: "image/svg+xml", body: LOGO }));
}

/** What a page paints its button with. */
function colorsOf(page: Page): Promise<unknown> {
  return page.evaluate(`(({ backgroundColor, color }) => ({ backgroundColor, color }))(
    getComputedStyle(document.querySelector("button.main")))`);
}

/** Where an application of the tenant sends people who are to log in. */
async function loginAddress(tenant: TestTenant, client: ClientSite): Promise<string> {
  const application = await tenant.addApplication({
    display_name: "Web shop",
    authenticator_config_id: await tenant.addAuthenticatorConfig(["email_one_time_password", "webauthn_passkey"]),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [client.url],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
  const parameters = authorizeParameters(application, "v".repeat(43), { redirect_uri: client.url });
  return `${application.issuer}/authorize?${new URLSearchParams(parameters)}`;
}

test("the guide to policies, followed command by command: a clerk is let in from the office and kept out at home", async () => {
  await using shell = await guideShell("policy.md", await testTenant({ kind: "production" }));
  await shell.next();
  assert.match(await shell.next(), /"version":1,/);
  const [office = "", home = ""] = (await shell.next()).split("\n");
  assert.partialDeepStrictEqual(JSON.parse(office), { action: "ALLOW", rule_id: "clerks-in-the-office" });
  assert.partialDeepStrictEqual(JSON.parse(home), { version: 1, action: "DENY", monitored: ["watch-codes"] });
  assert.equal(await shell.next(), '{"events":[],"total_size":0}');
});

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded")
  describe("a guide, followed command by command", () => {
    test("brands a realm: before, with its theme by day and by night, and with a colour that cannot be read on", async () => {
      await using shell = await guideShell("brand-a-realm.md", await testTenant({ kind: "production" }));
      await using browser = await passkeyBrowser();
      const { page } = browser;
      await drawLogo(page);
      await shell.next();
      await page.goto((await shell.next()).trim());
      const button = page.getByRole("button", { name: "Email me a code" });
      await button.waitFor();
      assert.equal(await page.getByRole("link", { name: "Help" }).count(), 0);
      await guidePicture(page, "brand-a-realm-before");
      await shell.next();
      await page.reload();
      await page.getByRole("link", { name: "Help" }).waitFor();
      assert.deepEqual(await colorsOf(page), { backgroundColor: "rgb(179, 38, 30)", color: "rgb(255, 255, 255)" });
      await guidePicture(page, "brand-a-realm-day");
      await page.emulateMedia({ colorScheme: "dark" });
      await guidePicture(page, "brand-a-realm-night");
      await page.emulateMedia({ colorScheme: "light" });
      await shell.next();
      await page.reload();
      assert.deepEqual(await colorsOf(page), { backgroundColor: "rgb(255, 212, 0)", color: "rgb(0, 0, 0)" });
      await guidePicture(page, "brand-a-realm-yellow");
      assert.deepEqual(browser.problems, []);
    });

    test("helps someone who lost a device: it is signed out and worth nothing, and a new one is the person's", async () => {
      const tenant = await testTenant();
      const identityId = await tenant.addIdentity(EMAIL);
      await using client = await clientSite();
      const address = await loginAddress(tenant, client);
      await using lost = await passkeyBrowser({ hasSuggestions: false });
      await lost.page.goto(address);
      await logInAtPages(lost.page, EMAIL);
      await lost.page.getByRole("button", { name: "Create a passkey" }).click();
      await lost.page.waitForURL(`${client.url}?*`);

      const { realmId } = tenant.realm;
      await using shell = await guideShell("help-someone-who-lost-a-device.md", tenant, { REALM: realmId });
      await shell.next();
      await shell.next();
      assert.equal(await shell.print("IDENTITY"), identityId);
      assert.match(await shell.next(), /^[0-9a-f]{16} ACTIVE 2[-0-9T:.]+Z\n$/);
      await shell.next();
      await shell.next();
      await lost.page.goto(address);
      await lost.page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await lost.page.getByRole("alert").getByText("This passkey does not work here").waitFor();
      await guidePicture(lost.page, "lost-device-refused");

      await shell.next();
      const mails = await mailsOf(tenant);
      const link = mails.map(({ body = "" }) => /https?:\/\/\S+credential-binding\S+/.exec(body)?.[0]).find(Boolean);
      await using found = await passkeyBrowser();
      await found.page.goto(link ?? assert.fail(JSON.stringify(mails)));
      const create = found.page.getByRole("button", { name: "Create a passkey" });
      await create.waitFor();
      await guidePicture(found.page, "lost-device-link");
      await create.click();
      await found.page.getByRole("heading", { name: "Your passkey is ready" }).waitFor();
      await found.page.goto(address);
      await found.page.waitForURL(`${client.url}?code=*`);
      assert.equal((await tenant.manage("GET", `/identities/${identityId}`)).json?.enrollment_status, "ENROLLED");
    });
  });
