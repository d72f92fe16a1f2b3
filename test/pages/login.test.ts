import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";

const EMAIL = "ada@example.com";

/** The client's own server on another origin: where the browser comes back to. */
async function startClient(): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => response.end("<title>Back at the client</title>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/callback`, server };
}

function authorizeUrl(application: TestApplication, redirectUri: string, responseMode: string): string {
  const parameters = {
    response_type: "code",
    response_mode: responseMode,
    client_id: application.clientId,
    redirect_uri: redirectUri,
    scope: "openid",
    state: "xyz",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  };
  return `${application.issuer}/authorize?${new URLSearchParams(parameters)}`;
}

async function testPages(options: { javaScriptEnabled: boolean; responseMode: string }): Promise<void> {
  const tenant = await testTenant();
  await tenant.addIdentity(EMAIL);
  const { url, server } = await startClient();
  const application = await tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [url],
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
    await page.goto(authorizeUrl(application, url, options.responseMode));
    await logInAtPages(page, EMAIL);
    const button = page.getByRole("button", { name: "Continue" });
    if (options.responseMode === "form_post" && !options.javaScriptEnabled) await button.click();
    await page.waitForURL((address) => address.href.startsWith(url));
    assert.equal(await page.title(), "Back at the client");
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
    server.close();
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
