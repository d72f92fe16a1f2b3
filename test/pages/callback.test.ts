import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { openHttpsSite } from "../support/https-site.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded") {
  for (const javaScriptEnabled of [true, false]) {
    test(`a client may redirect its callback to another origin (${javaScriptEnabled ? "with" : "without"} JavaScript)`, async () => {
      const tenant = await testTenant();
      await tenant.addIdentity(EMAIL);
      const [api, shop] = [await openHttpsSite("api.example"), await openHttpsSite("shop.example")];
      const redirect_uri = `${api.url}/callback`;
      api.serve(async () => new Response(null, { status: 302, headers: { location: `${shop.url}/` } }));
      shop.serve(async () => new Response("<title>The shop</title>", { headers: { "content-type": "text/html" } }));
      const application = await tenant.addApplication({
        authenticator_config_id: await tenant.addAuthenticatorConfig(),
        protocol_config: {
          type: "oidc",
          grant_type: ["authorization_code"],
          redirect_uris: [redirect_uri],
          token_configuration: { expires_after: 3_600 },
        },
      });
      const context = await (await openBrowser()).newContext({ javaScriptEnabled });
      try {
        const page = await context.newPage();
        const query = new URLSearchParams(authorizeParameters(application, "v".repeat(43), { redirect_uri }));
        await page.goto(`${application.issuer}/authorize?${query}`);
        await logInAtPages(page, EMAIL);
        await page.waitForURL(`${shop.url}/`);
        assert.equal(await page.title(), "The shop");
        await page.goBack();
        assert.match(page.url(), /\/authenticator\//, "the page in between is none to come back to");
      } finally {
        await context.close();
        api.close();
        shop.close();
      }
    });
  }
}
