import { sha256 } from "../../src/platform/hash.ts";
import type { Random } from "../../src/platform/random.ts";
import { type Answer, call, postForm } from "./http.ts";
import type { TestApplication } from "./test-tenant.ts";

/** A browser without JavaScript: it keeps cookies and sends forms. Redirects are looked at one by one. */
export interface TestBrowser {
  /** name -> value */
  readonly cookies: Map<string, string>;
  open(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(
    url: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
}

/** A new browser, without cookies. */
export function testBrowser(): TestBrowser {
  const cookies = new Map<string, string>();
  const keep = (answer: Answer): Answer => {
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  const cookieHeader = (): Readonly<Record<string, string>> =>
    cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  return {
    cookies,
    open: async (url, headers = {}) => keep(await call(url, { headers: { ...cookieHeader(), ...headers } })),
    post: async (url, fields, headers = {}) => keep(await postForm(url, fields, { ...cookieHeader(), ...headers })),
  };
}

/** A redirect's target. Throws when the answer is none. */
export function locationOf(answer: Answer): URL {
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`no redirect: ${answer.status} ${answer.text}`);
  return new URL(location, "http://localhost");
}

/** The hidden fields of the form on a page. */
export function hiddenFields(page: Answer): Readonly<Record<string, string>> {
  const inputs = page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, value]));
}

/** What a browser must know of the server: any test tenant tells it. */
export interface LoginPlace {
  readonly server: { readonly url: string; readonly deps: { readonly random: Random } };
}

/** What a client knows that sends people to log in. */
export type LoginClient = Pick<TestApplication, "clientId" | "issuer">;

/** A login under way, at its pages. */
export interface TestLogin {
  readonly browser: TestBrowser;
  readonly verifier: string;
  /** the address of its pages */
  readonly url: string;
  /** Sends the page's form. */
  submit(action: string, fields?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Address and code; the answer redirects to where the client gets its own. */
  logIn(email: string, code?: string): Promise<Answer>;
  /** Follows our redirects until one leaves for the client. */
  finish(answer: Answer): Promise<URL>;
}

export const TEST_CODE = "424242";

/** The parameters of an ordinary request, for an application with one redirect URI. */
export function authorizeParameters(
  application: LoginClient,
  verifier: string,
  parameters: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    response_type: "code",
    client_id: application.clientId,
    redirect_uri: "https://client.example/callback",
    scope: "openid",
    state: "af0ifjsldkj",
    code_challenge: sha256(verifier).toString("base64url"),
    code_challenge_method: "S256",
    ...parameters,
  };
}

/** Sends a browser to /authorize. Throws when it does not come to the login pages. */
export async function testLogin(
  tenant: LoginPlace,
  application: LoginClient,
  options: {
    readonly parameters?: Readonly<Record<string, string>>;
    readonly browser?: TestBrowser;
    /** what the browser says when it comes */
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<TestLogin> {
  const browser = options.browser ?? testBrowser();
  const verifier = tenant.server.deps.random.bytes(32).toString("base64url");
  const parameters = authorizeParameters(application, verifier, options.parameters);
  const begun = await browser.open(
    `${application.issuer}/authorize?${new URLSearchParams(parameters)}`,
    options.headers,
  );
  const { pathname } = locationOf(begun);
  if (!pathname.startsWith("/authenticator/")) throw new Error(`not a login page: ${begun.headers.get("location")}`);
  const url = `${tenant.server.url}${pathname}`;
  const submit: TestLogin["submit"] = async (action, fields = {}) =>
    browser.post(url, { ...hiddenFields(await browser.open(url)), action, ...fields });
  const finish: TestLogin["finish"] = async (answer) => {
    let location = locationOf(answer);
    while (location.origin === "http://localhost") {
      location = locationOf(await browser.open(`${tenant.server.url}${location.pathname}${location.search}`));
    }
    return location;
  };
  return {
    browser,
    verifier,
    url,
    submit,
    finish,
    logIn: async (email, code = TEST_CODE) => {
      await submit("send", { email });
      return submit("verify", { code });
    },
  };
}
