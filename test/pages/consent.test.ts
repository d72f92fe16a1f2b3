import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { newPerson, VERIFIER } from "../support/single-sign-on.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { REFRESH } from "../support/test-code-flow.ts";
import { databaseSide } from "../support/test-database.ts";

const NARROW = { width: 320, height: 640 };

async function testConsent(): Promise<void> {
  const refresh_token_configuration = { ...REFRESH, absolute_duration: 2_592_000 };
  const config = { consent: "remembered" as const, refresh_token_configuration };
  const at = await newPerson({ config, tokens: { expires_after: 86_400 } });
  const { tenant, application } = at.flow;
  const context = await (await openBrowser()).newContext({ javaScriptEnabled: false, viewport: NARROW });
  try {
    const page = await context.newPage();
    let answer: URL | undefined;
    await page.route("https://client.example/**", (route) => {
      answer = new URL(route.request().url());
      return route.fulfill({ contentType: "text/html", body: "<title>Back at the client</title>" });
    });
    const scope = "openid email offline_access";
    const parameters = authorizeParameters(application, VERIFIER, { scope });
    await page.goto(`${application.issuer}/authorize?${new URLSearchParams(parameters)}`);
    await logInAtPages(page, at.email);
    await page.getByRole("heading", { name: "Allow access" }).waitFor();
    assert.deepEqual(await page.locator(".asked li").allTextContents(), ["who you are", "your email address"]);
    const list = page.getByLabel("Each access lasts at most");
    assert.deepEqual(await list.locator("option").allTextContents(), [
      "5 minutes",
      "15 minutes",
      "1 hour",
      "8 hours",
      "1 day (maximum)",
    ]);
    const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
    assert.equal(overflow, 0, "nothing is wider than the narrowest phone");
    await list.selectOption("15 minutes");
    await page.getByLabel("It can be renewed for at most").selectOption("7 days");
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.waitForURL("https://client.example/**");
    const exchanged = await tenant.token(application, {
      grant_type: "authorization_code",
      code: answer?.searchParams.get("code") ?? "",
      code_verifier: VERIFIER,
    });
    assert.equal(exchanged.json?.expires_in, 900, exchanged.text);
    const { exp, iat } = await tenant.introspect(application, String(exchanged.json?.refresh_token));
    assert.equal(Number(exp) - Number(iat), 604_800);
  } finally {
    await context.close();
  }
}

// The page is the same over both databases.
if (databaseSide() === "embedded")
  test(
    "a person shortens what an application asks for, with a real browser, on a narrow screen and without JavaScript",
    testConsent,
  );
