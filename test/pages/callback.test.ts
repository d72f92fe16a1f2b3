import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { openBrowser } from "../support/chromium.ts";
import { openHttpsSite } from "../support/https-site.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";

interface Visitor {
  readonly context?: BrowserContextOptions;
  readonly confidentiality?: "confidential" | "public";
  readonly responseMode?: "query" | "form_post";
}

/** Somebody in a browser at a login page, come there by a link of a client whose callback redirects to another origin. */
interface AtLogin extends AsyncDisposable {
  readonly page: Page;
  readonly api: string;
  readonly shop: string;
}

async function openLogin({ context = {}, confidentiality, responseMode = "query" }: Visitor): Promise<AtLogin> {
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  const [api, shop] = [await openHttpsSite("api.example"), await openHttpsSite("shop.example")];
  const redirect_uri = `${api.url}/callback`;
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [redirect_uri],
      token_configuration: { expires_after: 3_600 },
      ...(confidentiality === undefined ? {} : { confidentiality, pkce: "s256" }),
    },
  });
  const asked = { redirect_uri, response_mode: responseMode };
  const query = new URLSearchParams(authorizeParameters(application, "v".repeat(43), asked));
  const link = `<a href="${application.issuer}/authorize?${query}">Sign in</a>`.replaceAll("&", "&amp;");
  api.serve(async ({ url }) => {
    if (!url.endsWith("/")) return new Response(null, { status: 302, headers: { location: `${shop.url}/` } });
    return new Response(`<title>The client</title>${link}`, { headers: { "content-type": "text/html" } });
  });
  shop.serve(async () => new Response("<title>The shop</title>", { headers: { "content-type": "text/html" } }));
  const opened = await (await openBrowser()).newContext(context);
  const page = await opened.newPage();
  await page.goto(`${api.url}/`);
  await page.getByRole("link", { name: "Sign in" }).click();
  return {
    ...{ page, api: api.url, shop: shop.url },
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      api.close();
      shop.close();
    },
  };
}

const PHONE = {
  userAgent:
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
  isMobile: true,
} as const;

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded") {
  describe("a client whose callback redirects to another origin, in Chromium", () => {
    const VISITORS: readonly (readonly [string, Visitor])[] = [
      ["a confidential one", {}],
      ["a confidential one, without JavaScript", { context: { javaScriptEnabled: false } }],
      ["a public one", { confidentiality: "public" }],
      ["a public one, without JavaScript", { confidentiality: "public", context: { javaScriptEnabled: false } }],
      ["a public one, on a phone", { confidentiality: "public", context: PHONE }],
    ];
    for (const [name, visitor] of VISITORS) {
      test(`gets the person where it leads (${name})`, async () => {
        await using at = await openLogin(visitor);
        await logInAtPages(at.page, EMAIL);
        await at.page.waitForURL(`${at.shop}/`);
        assert.equal(await at.page.title(), "The shop");
        await at.page.goBack();
        assert.match(at.page.url(), /\/authenticator\//, "the page in between is none to come back to");
      });
    }

    for (const confidentiality of ["confidential", "public"] as const) {
      test(`by form_post gets its answer, and the person goes on by a link (${confidentiality})`, async () => {
        await using at = await openLogin({ confidentiality, responseMode: "form_post" });
        await logInAtPages(at.page, EMAIL);
        await at.page.getByText("The application has its answer").waitFor();
        assert.equal(await at.page.getByRole("button").count(), 0, "the answer can be sent once");
        await at.page.getByRole("link", { name: `Open ${new URL(at.api).host}` }).click();
        await at.page.waitForURL(`${at.api}/`);
        assert.equal(await at.page.title(), "The client");
      });
    }
  });
}
