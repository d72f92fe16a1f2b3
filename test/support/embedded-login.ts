import assert from "node:assert/strict";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import { type Answer, call } from "./http.ts";
import { newAddress } from "./login-flow.ts";
import { type SoftwarePasskey, softwarePasskey } from "./software-passkey.ts";
import { authorizeParameters, locationOf, TEST_CODE, type TestBrowser, testBrowser } from "./test-browser.ts";
import { REDIRECT_URI } from "./test-code-flow.ts";
import { type TestApplication, type TestTenant, testTenant } from "./test-tenant.ts";

/** Where the application's own pages are. */
export const SHOP = "https://shop.example";
const INVOKE_URL = `${SHOP}/in?shop=1`;

export interface EmbeddedWorldOptions {
  readonly tenant?: TestTenant;
  readonly invocation?: "automatic" | "manual";
  readonly methods?: readonly LoginMethod[];
  readonly protocol?: NonNullable<ApplicationBody["protocol_config"]>;
}

/** An application with login pages of its own, and a person who may log in to it. */
export interface EmbeddedWorld {
  readonly tenant: TestTenant;
  readonly application: TestApplication;
  readonly configId: string;
  readonly email: string;
  readonly identityId: string;
}

export async function embeddedWorld(options: EmbeddedWorldOptions = {}): Promise<EmbeddedWorld> {
  const { invocation = "automatic", methods = ["email_one_time_password", "webauthn_passkey"] } = options;
  const tenant = options.tenant ?? (await testTenant());
  const config = {
    type: "embedded",
    invoke_url: INVOKE_URL,
    invocation_type: invocation,
    trusted_origins: [SHOP],
    authentication_methods: methods.map((type) => ({ type })),
  };
  const made = await tenant.manage("POST", "/authenticator-configs", { authenticator_config: { config } });
  assert.equal(made.status, 200, made.text);
  const configId = String(made.json?.id);
  const application = await tenant.addApplication({
    authenticator_config_id: configId,
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [REDIRECT_URI],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
      ...options.protocol,
    },
  });
  const email = newAddress(tenant);
  return { tenant, application, configId, email, identityId: await tenant.addIdentity(email) };
}

/** A login at the application's own pages. */
export interface EmbeddedLogin {
  readonly browser: TestBrowser;
  readonly verifier: string;
  /** of the page, with its `request` */
  readonly url: string;
}

/** Sends a browser to /authorize, or asks for the address where the application takes people there itself. */
export async function beginEmbedded(
  { tenant, application }: EmbeddedWorld,
  options: { readonly browser?: TestBrowser; readonly parameters?: Readonly<Record<string, string>> } = {},
): Promise<EmbeddedLogin> {
  const browser = options.browser ?? testBrowser();
  const verifier = tenant.server.deps.random.bytes(32).toString("base64url");
  const parameters = authorizeParameters(application, verifier, options.parameters);
  const begun = await browser.open(`${application.issuer}/authorize?${new URLSearchParams(parameters)}`);
  const url = begun.status === 200 ? String(begun.json?.authenticate_url) : locationOf(begun).href;
  assert.ok(url.startsWith(`${SHOP}/in/bi-authenticate?shop=1&request=`), `${begun.status} ${url} ${begun.text}`);
  return { browser, verifier, url };
}

/** The `request` of a page's address. */
export function requestOf(url: unknown): string {
  return new URL(String(url)).searchParams.get("request") ?? "";
}

/** The transaction that a `request` names. */
export function transactionOf(request: string): string {
  const payload: unknown = JSON.parse(Buffer.from(request.split(".")[1] ?? "", "base64url").toString("utf8"));
  assert.ok(typeof payload === "object" && payload !== null && "transaction_id" in payload);
  return String(payload.transaction_id);
}

/** Sends JSON as a page of the application does. */
export function postJson(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return call(url, {
    method: "POST",
    headers: { "content-type": "application/json", origin: SHOP, ...headers },
    body: JSON.stringify(body),
  });
}

/** Where the endpoints of a realm's authenticator are. */
export function authenticatorOf({ tenant }: Pick<EmbeddedWorld, "tenant">): string {
  return `${tenant.server.url}/authenticator${realmPath(tenant.realm)}`;
}

/** Calls an endpoint of the login that a page's address names. */
export function act(
  world: Pick<EmbeddedWorld, "tenant">,
  url: unknown,
  { action, ...members }: Readonly<Record<string, unknown>> & { readonly action: string },
): Promise<Answer> {
  const request = requestOf(url);
  return postJson(`${authenticatorOf(world)}/transactions/${transactionOf(request)}${action}`, { request, ...members });
}

/** Address and code; the answer says where the client is answered. */
export async function logInByCode(world: EmbeddedWorld, { url }: EmbeddedLogin): Promise<Answer> {
  const sent = await act(world, url, { action: ":send-code", email: world.email });
  assert.equal(sent.status, 200, sent.text);
  return act(world, sent.json?.url, { action: ":redeem-code", code: TEST_CODE });
}

/** Makes a passkey by a link, as the application's page does. */
export async function bindByLink(world: EmbeddedWorld, link: string): Promise<SoftwarePasskey> {
  const passkey = softwarePasskey({ origin: SHOP, rpId: "shop.example" });
  const { endpoint, token } = linkOf(world, link);
  const creation = await postJson(`${endpoint}:beginBinding`, { token });
  assert.equal(creation.status, 200, creation.text);
  const credential: unknown = JSON.parse(passkey.create(JSON.parse(creation.text)));
  const bound = await postJson(`${endpoint}:finishBinding`, { token, credential });
  assert.equal(bound.status, 200, bound.text);
  return passkey;
}

/** What a link says: the job's endpoints, and the token. */
export function linkOf({ tenant }: Pick<EmbeddedWorld, "tenant">, link: string): { endpoint: string; token: string } {
  const { pathname, searchParams } = new URL(link);
  const endpoint = `${tenant.server.url}${pathname.replace(":invokeAuthenticator", "")}`;
  return { endpoint, token: searchParams.get("token") ?? "" };
}

/** A link that an administrator made. */
export async function makeLink({ tenant, identityId, configId }: EmbeddedWorld): Promise<string> {
  const job = { delivery_method: "RETURN", authenticator_config_id: configId };
  const made = await tenant.manage("POST", `/identities/${identityId}/credential-binding-jobs`, { job });
  return String(made.json?.credential_binding_link);
}

/** A person who has a passkey at the application's own pages. */
export async function bindPasskey(world: EmbeddedWorld): Promise<SoftwarePasskey> {
  return bindByLink(world, await makeLink(world));
}

/** Logs in with a passkey; the answer says where the client is answered. */
export async function logInByPasskey(
  world: EmbeddedWorld,
  { url }: EmbeddedLogin,
  passkey: SoftwarePasskey,
): Promise<Answer> {
  const options = await act(world, url, { action: "/assertion-options" });
  assert.equal(options.status, 200, options.text);
  const credential: unknown = JSON.parse(passkey.get(JSON.parse(options.text)));
  return act(world, url, { action: ":assertion", credential });
}

/** Opens where the client is answered, and what follows of ours, up to the client. */
export async function finishEmbedded(
  { tenant }: Pick<EmbeddedWorld, "tenant">,
  answer: Answer,
  browser: TestBrowser,
): Promise<URL> {
  let location = new URL(String(answer.json?.redirect_url));
  const { origin } = location;
  while (location.origin === origin || location.origin === "http://localhost") {
    location = locationOf(await browser.open(`${tenant.server.url}${location.pathname}${location.search}`));
  }
  return location;
}

/** Opens where the client is answered, once. */
export function openCompletion(
  { tenant }: Pick<EmbeddedWorld, "tenant">,
  answer: Answer,
  browser: TestBrowser,
): Promise<Answer> {
  const { pathname, search } = new URL(String(answer.json?.redirect_url));
  return browser.open(`${tenant.server.url}${pathname}${search}`);
}

/** Exchanges the token that a login by code has answered, as the application's page does. */
export function exchangeBindingToken(
  { application }: Pick<EmbeddedWorld, "application">,
  token: unknown,
  headers: Readonly<Record<string, string>> = { origin: SHOP },
): Promise<Answer> {
  return call(`${application.issuer}/credential-binding-jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}
