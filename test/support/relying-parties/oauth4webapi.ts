import { randomUUID } from "node:crypto";
import * as oauth from "oauth4webapi";
import type { SiteHandler } from "../https-site.ts";
import type { TestApplication } from "../test-tenant.ts";

const INSECURE = { [oauth.allowInsecureRequests]: true };

/** What the site knows of a browser. */
interface Browser {
  verifier: string;
  state: string;
  nonce: string;
  idToken?: string;
  person?: oauth.UserInfoResponse;
}

/** A site that signs people in by oauth4webapi, as a public client that takes its answers as forms. */
export async function oauth4webapiSite(origin: string, application: TestApplication): Promise<SiteHandler> {
  const issuer = new URL(application.issuer);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const at = { server, client: { client_id: application.clientId }, redirectUri: `${origin}/callback` };
  const browsers = new Map<string, Browser>();
  return async (request) => {
    const id = /browser=([^;]+)/.exec(request.headers.get("cookie") ?? "")?.[1] ?? "";
    const browser = browsers.get(id);
    switch (new URL(request.url).pathname) {
      case "/login": {
        const [begunId, begun] = [randomUUID(), newBrowser()];
        browsers.set(begunId, begun);
        // Its answer is posted by another site, which sends no cookie that is Lax.
        const cookie = `browser=${begunId}; HttpOnly; Secure; SameSite=None; Path=/`;
        return redirect(await authorizationUrl(at, begun), cookie);
      }
      case "/callback":
        if (browser === undefined) return new Response("no login was begun here", { status: 400 });
        await finish(at, browser, new URLSearchParams(await request.text()));
        return redirect(origin);
      case "/logout":
        browsers.delete(id);
        return redirect(logoutUrl(at, browser?.idToken ?? "", origin));
      default:
        return new Response(JSON.stringify(browser?.person ?? null), { headers: { "content-type": "text/plain" } });
    }
  };
}

interface Client {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly redirectUri: string;
}

function newBrowser(): Browser {
  return {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
}

async function authorizationUrl({ server, client, redirectUri }: Client, browser: Browser): Promise<string> {
  const url = new URL(String(server.authorization_endpoint));
  const parameters = {
    response_type: "code",
    response_mode: "form_post",
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: "openid profile email",
    code_challenge: await oauth.calculatePKCECodeChallenge(browser.verifier),
    code_challenge_method: "S256",
    state: browser.state,
    nonce: browser.nonce,
  };
  url.search = new URLSearchParams(parameters).toString();
  return url.href;
}

/** Checks the answer, exchanges the code and asks userinfo. */
async function finish(at: Client, browser: Browser, answer: URLSearchParams): Promise<void> {
  const { server, client } = at;
  const callback = oauth.validateAuthResponse(server, client, answer, browser.state);
  const [none, { verifier }] = [oauth.None(), browser];
  const response = await oauth.authorizationCodeGrantRequest(
    ...([server, client, none, callback, at.redirectUri, verifier, INSECURE] as const),
  );
  const expected = { expectedNonce: browser.nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
  const subject = String(oauth.getValidatedIdTokenClaims(tokens)?.sub);
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, INSECURE);
  browser.person = await oauth.processUserInfoResponse(server, client, subject, userinfo);
  browser.idToken = String(tokens.id_token);
}

function logoutUrl({ server }: Client, idToken: string, origin: string): string {
  const parameters = { id_token_hint: idToken, post_logout_redirect_uri: `${origin}/signed-out` };
  return `${server.end_session_endpoint}?${new URLSearchParams(parameters)}`;
}

function redirect(location: string, cookie?: string): Response {
  const headers = new Headers({ location });
  if (cookie !== undefined) headers.set("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
