import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeLink } from "../support/embedded-login.ts";
import { openShop, SHOPPER, type Shop } from "../support/embedded-shop.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { type PasskeyBrowser, passkeyBrowser } from "../support/real-browser.ts";
import { authorizeParameters, TEST_CODE } from "../support/test-browser.ts";
import { databaseSide } from "../support/test-database.ts";

/** A page of a shop, and the client on it. */
interface ClientPage extends AsyncDisposable {
  readonly shop: Shop;
  readonly browser: PasskeyBrowser;
  /** Calls a function of the client: what it answers as JSON, or the name, code and status of what it throws. */
  call(name: string, ...values: readonly unknown[]): Promise<Record<string, unknown>>;
  /** Begins a login; the address that it has. */
  begin(): Promise<string>;
  /** A passkey that the client has made, as it tells of it. */
  bind(): Promise<Record<string, unknown>>;
}

async function openClient(): Promise<ClientPage> {
  const shop = await openShop();
  const browser = await passkeyBrowser();
  const { page } = browser;
  await page.goto(shop.origin);
  const client = `${shop.tenant.server.url}/authenticator/client.js`;
  const call: ClientPage["call"] = (name, ...values) =>
    page.evaluate(
      async ({ client, name, values }) => {
        const { Embedded } = await import(client);
        const embedded = await Embedded.initialize();
        try {
          return { answer: await embedded[name](...values) };
        } catch (thrown) {
          const { name: error, code, status } = Object(thrown);
          return { error, code, status };
        }
      },
      { client, name, values },
    );
  const bind: ClientPage["bind"] = async () => {
    const { answer } = await call("bindPasskey", await makeLink({ ...shop, email: SHOPPER }));
    return JSON.parse(JSON.stringify(membersOf(answer).passkey)); // as the browser keeps it
  };
  const begin: ClientPage["begin"] = async () => {
    await page.goto(`${shop.origin}/login`);
    return page.url();
  };
  return {
    ...{ shop, browser, call, begin, bind },
    [Symbol.asyncDispose]: async () => {
      await browser[Symbol.asyncDispose]();
      await shop[Symbol.asyncDispose]();
    },
  };
}

function membersOf(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === "object" && value !== null, String(value));
  return { ...value };
}

// What a page does is the same on both databases.
if (databaseSide() === "embedded")
  describe("the browser client, in Chromium", () => {
    test("knows its addresses, and tells what a login takes", async () => {
      await using at = await openClient();
      const url = await at.begin();
      const link = await makeLink({ ...at.shop, email: SHOPPER });
      assert.deepEqual(await at.call("isAuthenticateUrl", url), { answer: true });
      assert.deepEqual(await at.call("isBindPasskeyUrl", link), { answer: true });
      assert.deepEqual(await at.call("isBindPasskeyUrl", url), { answer: false });
      assert.deepEqual(await at.call("isAuthenticateUrl", link), { answer: false });
      const { origin, ...told } = membersOf((await at.call("getAuthenticationContext", url)).answer);
      assert.deepEqual(told, {
        authUrl: url,
        application: { id: at.shop.application.key.applicationId, displayName: "App" },
        authMethods: [{ type: "email_one_time_password" }, { type: "webauthn_passkey" }],
      });
      const { sourceIp, userAgent } = membersOf(origin);
      assert.equal(userAgent, await at.browser.page.evaluate("navigator.userAgent"));
      assert.match(String(sourceIp), /^(127\.0\.0\.1|::1)$/);
    });

    test("tells of a passkey that it has made, and forgets it on demand; it works on", async () => {
      await using at = await openClient();
      const made = await at.bind();
      const { id, keyHandle, state, keyType, identity } = made;
      assert.deepEqual([state, keyType, membersOf(identity).username], ["Active", "webauthn", SHOPPER]);
      assert.match(String(keyHandle), /^[\w-]+$/);
      assert.deepEqual(await at.call("getPasskeys"), { answer: [made] });
      const named = await at.call("authenticate", await at.begin(), id);
      assert.deepEqual(Object.keys(membersOf(named.answer)), ["redirectUrl"]);
      await at.call("deletePasskey", "another");
      assert.deepEqual(await at.call("getPasskeys"), { answer: [made] });
      assert.deepEqual(await at.call("deletePasskey", id), { answer: undefined });
      assert.deepEqual(await at.call("getPasskeys"), { answer: [] });
      assert.equal(await at.browser.countPasskeys(), 1);
      const url = await at.begin();
      assert.equal((await at.call("authenticate", url, id)).error, "CredentialNotFound");
      assert.ok(membersOf((await at.call("authenticate", url)).answer).redirectUrl);
    });

    test("tells that somebody cancelled in the authenticator, and the same address works after that", async () => {
      await using at = await openClient();
      await at.browser.recognise(false);
      const link = await makeLink({ ...at.shop, email: SHOPPER });
      assert.equal((await at.call("bindPasskey", link)).error, "BiometricsCanceled");
      assert.deepEqual(await at.call("getPasskeys"), { answer: [] });
      await at.browser.recognise(true);
      assert.ok(membersOf((await at.call("bindPasskey", link)).answer).passkey);
      const url = await at.begin();
      await at.browser.recognise(false);
      assert.equal((await at.call("authenticate", url)).error, "SelectCredentialCanceled");
      await at.browser.recognise(true);
      assert.ok(membersOf((await at.call("authenticate", url)).answer).redirectUrl);
    });

    test("tells that a passkey was revoked, and that nobody answers", async () => {
      await using at = await openClient();
      const { id } = await at.bind();
      const api = managementClient(at.shop.tenant);
      await succeed(api("RevokeCredential", { identity: at.shop.identityId, credential: String(id) }));
      const url = await at.begin();
      assert.equal((await at.call("authenticate", url)).error, "CredentialNotFound");
      await at.browser.page.route("**/transactions/**", (route) => route.abort());
      assert.deepEqual(await at.call("authenticate", url), { error: "V1ServiceError", code: "unreachable", status: 0 });
    });

    test("logs in by code, each address for one step; the policy may deny it", async () => {
      await using at = await openClient();
      const url = await at.begin();
      const codeAt = membersOf((await at.call("authenticateOtp", url, SHOPPER)).answer).url;
      const stale = await at.call("authenticateOtp", url, SHOPPER);
      assert.deepEqual(stale, { error: "V1ServiceError", code: "invalid_request", status: 400 });
      const wrong = membersOf((await at.call("redeemOtp", codeAt, "111111")).answer);
      assert.deepEqual(Object.keys(wrong), ["url"]);
      const right = membersOf((await at.call("redeemOtp", wrong.url, TEST_CODE)).answer);
      assert.deepEqual(Object.keys(right), ["redirectUrl", "passkeyBindingToken"]);
      const denied = await at.begin();
      const deniedAt = membersOf((await at.call("authenticateOtp", denied, SHOPPER)).answer).url;
      const policy = { rules: [], default_action: "DENY" as const };
      await succeed(managementClient(at.shop.tenant)("CreatePolicy", { body: { policy } }));
      assert.equal((await at.call("redeemOtp", deniedAt, TEST_CODE)).error, "PolicyDenied");
    });
  });

if (databaseSide() === "embedded")
  describe("a page that asks /authorize itself, in Chromium", () => {
    for (const trusts of [undefined, "http://localhost:1"]) {
      test(
        trusts === undefined ? "reads where the login is" : "reads nothing where another origin is trusted",
        async () => {
          await using shop = await openShop({ invocation: "manual", ...(trusts === undefined ? {} : { trusts }) });
          await using browser = await passkeyBrowser();
          await browser.page.goto(shop.origin);
          const parameters = authorizeParameters(shop.application, "v".repeat(43), {
            redirect_uri: `${shop.origin}/callback`,
          });
          const address = `${shop.application.issuer}/authorize?${new URLSearchParams(parameters)}`;
          const read = await browser.page.evaluate(
            (asked) =>
              fetch(asked).then(
                (answer) => answer.json(),
                ({ name }) => name,
              ),
            address,
          );
          if (trusts !== undefined) return assert.equal(read, "TypeError");
          const url = String(membersOf(read).authenticate_url);
          await browser.page.goto(url);
          await browser.page.getByText("Sign in to App by 2 ways").waitFor();
        },
      );
    }
  });
