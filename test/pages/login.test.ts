import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { clientSite } from "../support/real-browser.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";

async function testPages(options: { javaScriptEnabled: boolean; responseMode: string }): Promise<void> {
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  await using client = await clientSite();
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [client.url],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
  const context = await (await openBrowser()).newContext({ javaScriptEnabled: options.javaScriptEnabled });
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("favicon")) problems.push(message.text());
    });
    const parameters = { redirect_uri: client.url, response_mode: options.responseMode };
    const query = new URLSearchParams(authorizeParameters(application, "v".repeat(43), parameters));
    await page.goto(`${application.issuer}/authorize?${query}`);
    await logInAtPages(page, EMAIL);
    const button = page.getByRole("button", { name: "Continue" });
    if (options.responseMode === "form_post" && !options.javaScriptEnabled) await button.click();
    await page.waitForURL((address) => address.href.startsWith(client.url));
    assert.equal(await page.title(), "Back at the client");
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded") {
  for (const responseMode of ["query", "form_post"]) {
    for (const javaScriptEnabled of [true, false]) {
      test(`a person logs in with a real browser (${responseMode}, ${javaScriptEnabled ? "with" : "without"} JavaScript)`, () =>
        testPages({ javaScriptEnabled, responseMode }));
    }
  }
}
