import { createServer } from "node:http";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { openBrowser } from "./chromium.ts";

/** A client's own server on another origin: where the browser comes back to. */
export interface ClientSite extends AsyncDisposable {
  /** its redirect URI */
  readonly url: string;
}

/** Starts a site that says to every request that the browser is back. */
export async function clientSite(): Promise<ClientSite> {
  const server = createServer((_request, response) => response.end("<title>Back at the client</title>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/callback`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser window of its own, with an authenticator that Chromium makes up (WebDriver's "virtual authenticator"). */
export interface PasskeyBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
  /** what the pages' consoles complained of */
  readonly problems: string[];
  readonly session: CDPSession;
  readonly authenticatorId: string;
  /** Whether somebody is at the authenticator from now on, and touches it when it asks. */
  beThere(isThere: boolean): Promise<void>;
  /** Whether the person at the authenticator is recognised from now on. */
  recognise(isUser: boolean): Promise<void>;
  /** how many passkeys the authenticator holds */
  countPasskeys(): Promise<number>;
}

/** Options of the authenticator: by default a platform authenticator that recognises its person at once. */
export interface AuthenticatorOptions {
  readonly transport?: "internal" | "usb";
  readonly hasUserVerification?: boolean;
  /** whether the window runs scripts; by default it does */
  readonly hasJavaScript?: boolean;
  /**
   * Whether pages may suggest passkeys in their fields; by default they may. The authenticator takes a suggestion as soon as there is one,
   * so that a button beside the field may be gone before a test presses it.
   */
  readonly hasSuggestions?: boolean;
}

/** Opens a window with an authenticator. */
export async function passkeyBrowser(options: AuthenticatorOptions = {}): Promise<PasskeyBrowser> {
  const context = await (await openBrowser()).newContext({ javaScriptEnabled: options.hasJavaScript ?? true });
  if (options.hasSuggestions === false)
    await context.addInitScript(
      "if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false",
    );
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !/favicon|status of 4\d\d/.test(message.text())) problems.push(message.text());
  });
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: options.transport ?? "internal",
      hasResidentKey: true,
      hasUserVerification: options.hasUserVerification ?? true,
      isUserVerified: options.hasUserVerification ?? true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    context,
    page,
    problems,
    session,
    authenticatorId,
    beThere: async (enabled) => {
      await session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    },
    recognise: async (isUserVerified) => {
      await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
    },
    countPasskeys: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
