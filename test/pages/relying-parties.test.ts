import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { guidePicture } from "../support/guide-picture.ts";
import { forwardTo, type HttpsSite, openHttpsSite } from "../support/https-site.ts";
import { logInAtPages } from "../support/log-in-at-pages.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { type PasskeyBrowser, passkeyBrowser } from "../support/real-browser.ts";
import { AUTH_JS_CALLBACK, authJsSite } from "../support/relying-parties/auth-js.ts";
import { startGuideApp } from "../support/relying-parties/guide-app.ts";
import { oauth4webapiSite } from "../support/relying-parties/oauth4webapi.ts";
import { singlePageSite } from "../support/relying-parties/single-page.ts";
import type { ConfigBody } from "../support/test-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";

const EMAIL = "pat@example.com";

/** A relying party at an address of its own, and a browser that has never been anywhere, with an authenticator. */
interface World extends PasskeyBrowser {
  readonly site: HttpsSite;
  readonly application: TestApplication;
  readonly identityId: string;
  /** Lets the site's pages call the server (CORS). */
  trustSite(): Promise<void>;
  /** the addresses below our own that the browser has shown as pages since the last look */
  ownPages(): readonly string[];
}

/** Makes what a relying party needs, runs a test, and puts everything away. */
async function withRelyingParty(config: ConfigBody, run: (world: World) => Promise<void>): Promise<void> {
  const tenant = await testTenant();
  const identityId = await tenant.addIdentity(EMAIL);
  const site = await openHttpsSite("shop.example");
  const authenticator_config = await tenant.addAuthenticatorConfig(["email_one_time_password", "webauthn_passkey"]);
  const application = await tenant.addApplication({
    display_name: "Web shop",
    authenticator_config_id: authenticator_config,
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [`${site.url}/callback`],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
      ...config,
      ...(config.redirect_uris && { redirect_uris: config.redirect_uris.map((path) => `${site.url}${path}`) }),
      post_logout_redirect_uris: [`${site.url}/`, `${site.url}/signed-out`],
    },
  });
  await using browser = await passkeyBrowser({ hasSuggestions: false });
  const shown: string[] = [];
  browser.page.on("framenavigated", (frame) => shown.push(frame.url()));
  const ownPages = () => shown.splice(0).filter((url) => url.startsWith(tenant.server.url));
  const trustSite = async () => {
    const body = { authenticator_config: { config: { trusted_origins: [site.url] } } };
    await succeed(managementClient(tenant)("UpdateAuthenticatorConfig", { authenticator_config, body }));
  };
  try {
    await run({ ...browser, site, application, identityId, trustSite, ownPages });
  } finally {
    site.close();
  }
}

/** Logs the person in by mail, who wants no passkey. */
async function logInByMail(page: Page): Promise<void> {
  await logInAtPages(page, EMAIL);
  await page.getByRole("button", { name: "Not now" }).click();
}

/** What the page shows, where a site answers in JSON. */
async function shownJson(page: Page): Promise<unknown> {
  return JSON.parse((await page.locator("body").textContent()) ?? "");
}

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded")
  describe("a relying party logs a person in with a real browser", () => {
    test("Auth.js with its built-in provider, as its guide configures it (reference 5.3)", () =>
      // It sends S256 also where the application does not ask for it.
      withRelyingParty({ redirect_uris: [AUTH_JS_CALLBACK], pkce: "disabled" }, async (world) => {
        const { site, application, identityId, page, ownPages } = world;
        site.serve(await authJsSite(site.url, application, "auth-js.md"));
        const signIn = async () => {
          await page.goto(`${site.url}/api/auth/signin?callbackUrl=/`);
          await page.getByRole("button", { name: "Sign in with Beyond Identity" }).click();
        };
        const expectPerson = async () => {
          await page.waitForURL(`${site.url}/`);
          const user = { id: identityId, name: "Pat Doe", email: EMAIL, username: EMAIL };
          assert.partialDeepStrictEqual(await shownJson(page), { user });
        };
        await signIn();
        await logInByMail(page);
        await expectPerson();
        await page.goto(`${site.url}/api/auth/signout?callbackUrl=/`);
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.waitForURL(`${site.url}/`);
        assert.equal(await shownJson(page), null);
        ownPages();
        await signIn();
        await expectPerson();
        assert.deepEqual(ownPages(), [], "the session at the server was enough");
      }));

    test("Auth.js, as the guide for Next.js configures it: by mail once, by a passkey from then on", () =>
      withRelyingParty({ redirect_uris: [AUTH_JS_CALLBACK] }, async (world) => {
        const { site, application, identityId, context, page } = world;
        site.serve(await authJsSite(site.url, application, "next-js.md"));
        const signIn = async () => {
          await page.goto(`${site.url}/api/auth/signin?callbackUrl=/`);
          await page.getByRole("button", { name: "Sign in with Beyond Identity" }).click();
        };
        const expectPerson = async () => {
          await page.waitForURL(`${site.url}/`);
          const shown = await page.locator("body").textContent();
          assert.match(shown ?? "", new RegExp(`"id":"${identityId}"`));
          assert.doesNotMatch(shown ?? "", /idToken|eyJ/, "scripts are told the ID token");
        };
        await signIn();
        await logInAtPages(page, EMAIL);
        await page.getByRole("button", { name: "Create a passkey" }).waitFor();
        await guidePicture(page, "next-js-passkey");
        await page.getByRole("button", { name: "Create a passkey" }).click();
        await expectPerson();
        await context.clearCookies();
        await signIn();
        const passkey = page.getByRole("button", { name: "Sign in with a passkey" });
        await passkey.waitFor();
        await guidePicture(page, "next-js-sign-in");
        await passkey.click();
        await expectPerson();
      }));

    test("openid-client, as the guide for Node shows it: by mail once, by a passkey from then on", () =>
      withRelyingParty({}, async (world) => {
        const { site, application, context, page, ownPages } = world;
        await using app = await startGuideApp(site.url, application);
        site.serve(forwardTo(app.port));
        const signIn = async () => {
          await page.goto(site.url);
          await page.getByRole("button", { name: "Sign in" }).click();
        };
        const expectPerson = () => page.getByText(`Signed in as Pat Doe (${EMAIL})`).waitFor();
        await signIn();
        await logInAtPages(page, EMAIL);
        await page.getByRole("button", { name: "Create a passkey" }).waitFor();
        await guidePicture(page, "node-app-passkey");
        await page.getByRole("button", { name: "Create a passkey" }).click();
        await expectPerson();
        await context.clearCookies({ domain: site.host });
        ownPages();
        await signIn();
        await expectPerson();
        assert.deepEqual(ownPages(), [], "the session at the server was enough");
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.waitForURL(`${site.url}/`);
        await signIn();
        const passkey = page.getByRole("button", { name: "Sign in with a passkey" });
        await passkey.waitFor();
        await guidePicture(page, "node-app-sign-in");
        await passkey.click();
        await expectPerson();
      }));

    test("oauth4webapi, as a public client whose answers are posted", () =>
      withRelyingParty(
        { confidentiality: "public" },
        async ({ site, application, identityId, context, page, ownPages }) => {
          site.serve(await oauth4webapiSite(site.url, application));
          const expectPerson = async () => {
            await page.waitForURL(`${site.url}/`);
            assert.partialDeepStrictEqual(await shownJson(page), { sub: identityId, name: "Pat Doe", email: EMAIL });
          };
          await page.goto(`${site.url}/login`);
          await logInByMail(page);
          await expectPerson();
          ownPages();
          await page.goto(`${site.url}/login`);
          await expectPerson();
          const asked = ownPages().filter((url) => url.includes("/authenticator/"));
          assert.deepEqual(asked, [], "the page that posts the answer asked nothing");
          await page.goto(`${site.url}/logout`);
          await page.waitForURL(`${site.url}/signed-out`);
          await context.clearCookies({ domain: site.host });
          await page.goto(`${site.url}/login`);
          await page.getByLabel("Email address").waitFor();
        },
      ));

    test("oauth4webapi in the browser, as a single-page app of a trusted origin", () =>
      withRelyingParty({ confidentiality: "public" }, async (world) => {
        const { site, application, identityId, context, page, trustSite, ownPages } = world;
        await trustSite();
        site.serve(await singlePageSite(application));
        const signIn = async () => {
          await page.goto(site.url);
          await page.getByRole("button", { name: "Sign in" }).click();
        };
        const expectPerson = async () => {
          const output = page.locator("output", { hasText: "sub" });
          const person: unknown = JSON.parse((await output.textContent()) ?? "");
          assert.partialDeepStrictEqual(person, { sub: identityId, name: "Pat Doe", email: EMAIL });
        };
        await signIn();
        await logInByMail(page);
        await expectPerson();
        ownPages();
        await signIn();
        await expectPerson();
        assert.deepEqual(ownPages(), [], "the session at the server was enough");
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.waitForURL(`${site.url}/signed-out`);
        await context.clearCookies({ domain: site.host });
        await signIn();
        await page.getByLabel("Email address").waitFor();
      }));
  });
