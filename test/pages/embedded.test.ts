import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeLink } from "../support/embedded-login.ts";
import { openShop, SHOPPER, type Shop } from "../support/embedded-shop.ts";
import { type PasskeyBrowser, passkeyBrowser } from "../support/real-browser.ts";
import { TEST_CODE } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";

async function logInByPasskey({ page }: PasskeyBrowser, { origin, identityId }: Shop): Promise<void> {
  await page.context().clearCookies();
  await page.goto(origin);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Signed in" }).waitFor();
  assert.equal(await page.locator("#who").textContent(), `${identityId} by hwk, user`);
}

async function askForCode({ page }: PasskeyBrowser, { origin }: Shop): Promise<void> {
  await page.goto(origin);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Email").fill(SHOPPER);
  await page.getByRole("button", { name: "Email me a code" }).click();
}

// What a page does is the same on both databases.
if (databaseSide() === "embedded")
  describe("the example of an application with a login page of its own, in Chromium", () => {
    test("binds a passkey by a link, and logs in with it", async () => {
      await using shop = await openShop();
      await using browser = await passkeyBrowser();
      const { page, problems } = browser;
      await page.goto(await makeLink({ ...shop, email: SHOPPER }));
      await page.getByRole("button", { name: "Make a passkey" }).click();
      await page.getByText(`Passkey made for ${SHOPPER}`).waitFor();
      const kept = await page.evaluate(() => JSON.parse(localStorage.getItem("mayfly.passkeys") ?? "[]"));
      assert.deepEqual([kept.length, kept[0].identity.username, kept[0].state], [1, SHOPPER, "Active"]);
      await logInByPasskey(browser, shop);
      assert.deepEqual(problems, []);
    });

    test("logs in by code, a wrong one first, and makes a passkey by the token of that login", async () => {
      await using shop = await openShop();
      await using browser = await passkeyBrowser();
      const { page, problems } = browser;
      await askForCode(browser, shop);
      await page.getByLabel("Code").fill("111111");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("That code does not work").waitFor();
      await page.getByLabel("Code").fill(TEST_CODE);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("button", { name: "Make a passkey for next time" }).click();
      await page.getByRole("heading", { name: "Signed in" }).waitFor();
      assert.equal(await page.locator("#who").textContent(), `${shop.identityId} by otp`);
      await logInByPasskey(browser, shop);
      assert.deepEqual(problems, []);
    });

    test("is refused where another origin is trusted", async () => {
      await using shop = await openShop({ trusts: "http://localhost:1" });
      await using browser = await passkeyBrowser();
      const { page } = browser;
      await page.goto(shop.origin);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.waitForURL(/bi-authenticate/);
      await page.waitForFunction(() => document.readyState === "complete");
      assert.equal(await page.locator("#said").textContent(), "");
      assert.equal(await page.getByRole("heading", { name: "Signed in" }).count(), 0);
    });

    test("the client takes no address of another host", async () => {
      await using shop = await openShop();
      await using browser = await passkeyBrowser();
      const { page } = browser;
      await page.goto(shop.origin);
      const client = `${shop.tenant.server.url}/authenticator/client.js`;
      const names = await page.evaluate(async (address) => {
        const { Embedded } = await import(address);
        const embedded = await Embedded.initialize({ allowedDomains: ["mayfly.example"] });
        const ids =
          "tenant_id=0123456789abcdef&realm_id=0123456789abcdef&identity_id=0123456789abcdef&job_id=0123456789abcdef";
        const link = `https://shop.example/bind?api_base_url=https://evil.example&${ids}&token=x`;
        const payload = btoa(JSON.stringify({ aud: "https://mayfly.example.evil.example/a", transaction_id: "x" }));
        const login = `https://shop.example/bi-authenticate?request=a.${payload}.c`;
        const nameOf = (error: Error): string => error.name;
        return [
          embedded.isBindPasskeyUrl(link),
          embedded.isAuthenticateUrl(login),
          embedded.isAuthenticateUrl(link),
          await embedded.bindPasskey(link).catch(nameOf),
          await embedded.authenticate(login).catch(nameOf),
          await embedded.redeemOtp("https://shop.example/", "1").catch(nameOf),
          await embedded.getPasskeys(),
        ];
      }, client);
      assert.deepEqual(names, [true, true, false, "InvalidUrl", "InvalidUrl", "InvalidUrl", []]);
    });
  });
