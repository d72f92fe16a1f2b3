import assert from "node:assert/strict";
import type { Language } from "../../src/protocol/language.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import { accountLogin, accountUrl, addLoginApplication, asByPasskey } from "./account-page.ts";
import { type Answer, call, postForm } from "./http.ts";
import { newAddress } from "./login-flow.ts";
import { managementClient, succeed } from "./management-client.ts";
import { readyPages } from "./ready-pages.ts";
import { passkeyOptionsOn, softwarePasskey } from "./software-passkey.ts";
import {
  authorizeParameters,
  hiddenFields,
  locationOf,
  type TestLogin,
  testBrowser,
  testLogin,
} from "./test-browser.ts";
import { type CodeFlow, REFRESH, testCodeFlow } from "./test-code-flow.ts";
import { addPasskey } from "./test-credential.ts";
import { type TestApplication, testTenant } from "./test-tenant.ts";

/** long enough that the consent page has a choice of times for which access is renewed */
const RENEWAL_SECONDS = 2_592_000;

/** A page as the server sends it, by what it is. */
export type Gallery = Readonly<Record<string, Answer>>;

/** Where the pictures of `GALLERY_THEME` are. */
export const LOGO_ORIGIN = "https://cdn.example";

/** A theme that asks much: its text cannot be read on its button. */
export const GALLERY_THEME = {
  logo_url_light: `${LOGO_ORIGIN}/light.svg`,
  logo_url_dark: `${LOGO_ORIGIN}/dark.svg`,
  support_url: "https://help.example/",
  button_color: "#FFD400",
  button_text_color: "#FFFFFF",
};

/** Every page that a browser can be shown, each as it is in one language. */
export async function collectPages(language: Language, theme?: typeof GALLERY_THEME): Promise<Gallery> {
  const refresh_token_configuration = { ...REFRESH, absolute_duration: RENEWAL_SECONDS };
  const flow = await testCodeFlow({ config: { refresh_token_configuration } });
  if (theme !== undefined) await makeHard(flow, theme);
  const at: Collecting = { flow, language, headers: { "accept-language": language }, email: newAddress(flow.tenant) };
  await flow.tenant.addIdentity(at.email);
  const pages = {
    ...readyPages(language, theme),
    ...(await loginPages(at)),
    ...(await knownPersonPages(at)),
    ...(await passkeyPages(at)),
  };
  return { ...pages, ...(await refusals(at)), ...(await deniedPage(at)), ...(await productionPage(at)) };
}

/** A theme, and a name that no line has room for. */
async function makeHard({ tenant, application }: CodeFlow, theme: typeof GALLERY_THEME): Promise<void> {
  const api = managementClient(tenant);
  await succeed(api("CreateTheme", { body: { theme } }));
  const body = { application: { display_name: "Donaudampfschifffahrtsgesellschaftsmützenverleih Wien" } };
  await succeed(api("UpdateApplication", { application: application.key.applicationId, body }));
}

interface Collecting {
  readonly flow: CodeFlow;
  readonly language: Language;
  readonly headers: Readonly<Record<string, string>>;
  readonly email: string;
}

function begin({ flow, language }: Collecting, parameters: Readonly<Record<string, string>> = {}): Promise<TestLogin> {
  return testLogin(flow.tenant, flow.application, { parameters: { ui_locales: language, ...parameters } });
}

async function loginPages(at: Collecting): Promise<Gallery> {
  const login = await begin(at, { response_mode: "form_post" });
  const address = await login.browser.open(login.url);
  const addressWrong = await login.submit("send", { email: "ada" });
  await login.submit("send", { email: at.email });
  const code = await login.browser.open(login.url);
  const codeSentAgain = await login.browser.open(`${login.url}?notice=code_sent_again`);
  const codeWrong = await login.submit("verify", { code: "111111" });
  const otherBrowser = await call(login.url, { headers: at.headers });
  const spent = await begin(at);
  await spent.submit("send", { email: newAddress(at.flow.tenant) });
  for (const _ of "1234") await spent.submit("verify", { code: "111111" });
  const triesSpent = await spent.submit("verify", { code: "111111" });
  const { pathname, search } = locationOf(await login.submit("verify", { code: "424242" }));
  const sentBack = await login.browser.open(`${at.flow.tenant.server.url}${pathname}${search}`);
  assert.match(sentBack.text, /form-post\.js/, "another page than that of form_post");
  const finished = await login.browser.open(login.url);
  assert.equal(finished.status, 410);
  const received = {
    ...sentBack,
    text: sentBack.text.replace(" hidden>", ">").replace('"sending"', '"sending" hidden'),
  }; // by the script
  return {
    address,
    addressWrong,
    code,
    codeSentAgain,
    codeWrong,
    triesSpent,
    sentBack,
    received,
    finished,
    otherBrowser,
  };
}

/** Pages for whoever is logged in: questions, and the logout. */
async function knownPersonPages(at: Collecting): Promise<Gallery> {
  const { flow, headers } = at;
  const browser = testBrowser();
  const ask = async (parameters: Readonly<Record<string, string>>): Promise<Answer> => {
    const asked = { ui_locales: at.language, ...parameters };
    const login = await testLogin(flow.tenant, flow.application, { browser, parameters: asked });
    return browser.open(login.url);
  };
  const login = await testLogin(flow.tenant, flow.application, { browser });
  await login.finish(await login.logIn(at.email));
  const confirm = await ask({ prompt: "select_account" });
  const consent = await ask({ prompt: "consent", scope: "openid profile email offline_access shoes:read" });
  const leave = `${flow.application.issuer}/end-session`;
  const logout = await browser.open(leave, headers);
  const signedOut = await browser.post(leave, hiddenFields(logout), headers);
  return { confirm, consent, addressAgain: await agedPage(at), ...(await accountPages(at)), logout, signedOut };
}

/** The first page for somebody whose login has grown older at the question than the client wants it. */
async function agedPage(at: Collecting): Promise<Answer> {
  const login = await begin(at, { prompt: "consent", max_age: "60" });
  await login.logIn(at.email);
  await at.flow.tenant.advance(61);
  await login.submit("allow");
  return login.browser.open(login.url);
}

/** Of somebody who has something of everything. */
async function accountPages({ flow: { tenant, application }, headers, language }: Collecting): Promise<Gallery> {
  const url = accountUrl(tenant, tenant.realm);
  const browser = testBrowser();
  const email = newAddress(tenant);
  const identityId = await tenant.addIdentity(email);
  const passkey = await addPasskey(tenant, identityId);
  await addLoginApplication(tenant, ["webauthn_passkey"]);
  const parameters = { prompt: "consent", scope: "openid profile email offline_access shoes:read" };
  for (const options of [{ browser, parameters }, { parameters }]) {
    const login = await testLogin(tenant, application, options);
    await login.logIn(email);
    await login.finish(await login.submit("allow"));
  }
  const unasked = await addLoginApplication(tenant, ["email_one_time_password"]);
  const again = await testLogin(tenant, unasked, { browser, parameters: { prompt: "login" } });
  await again.finish(await again.logIn(email));
  const accountLocked = await browser.open(url, headers);
  await asByPasskey(tenant, identityId);
  const account = await browser.open(`${url}?done=sessionEnded`, headers);
  const act = (action: string) =>
    browser.post(url, { ...hiddenFields(account), action, credential_id: passkey }, headers);
  const [accountLastPasskey, accountAddPasskey] = [await act("remove_passkey"), await act("add_passkey")];
  const accountRename = await act("rename_passkey");
  const accountRenameWrong = await act("name_passkey");
  const login = await accountLogin(tenant, { query: `?ui_locales=${language}` });
  const accountSignIn = await login.browser.open(login.url);
  await tenant.advance(900);
  const accountStale = await browser.open(url, headers);
  const known = {
    account,
    accountLocked,
    accountStale,
    accountLastPasskey,
    accountAddPasskey,
    accountRename,
    accountRenameWrong,
  };
  return { accountNobody: await call(url, { headers }), accountSignIn, ...known };
}

/** Pages that a script of ours makes whole. */
async function passkeyPages(at: Collecting): Promise<Gallery> {
  const { tenant } = at.flow;
  const both = ["email_one_time_password", "webauthn_passkey"] as const;
  const [application, only] = [await addApplication(at, both), await addApplication(at, ["webauthn_passkey"])];
  const open = (to: TestApplication) => testLogin(tenant, to, { parameters: { ui_locales: at.language } });
  const login = await open(application);
  const signIn = await login.browser.open(login.url);
  await login.logIn(at.email);
  const offer = await login.browser.open(login.url);
  const onlyPasskey = await open(only);
  const identity = await tenant.addIdentity(newAddress(tenant));
  const job = {
    delivery_method: "RETURN" as const,
    authenticator_config_id: await tenant.addAuthenticatorConfig(["webauthn_passkey"]),
  };
  const api = managementClient(tenant);
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  const opened = locationOf(await call(made.credential_binding_link ?? ""));
  const bind = await call(`${tenant.server.url}${opened.pathname}${opened.search}`, { headers: at.headers });
  const { publicUrl: origin } = tenant.server.deps.config;
  const credential = softwarePasskey({ origin }).create(passkeyOptionsOn(bind, "creation"));
  const fields = { ...Object.fromEntries(opened.searchParams), credential };
  const bound = await postForm(`${tenant.server.url}${opened.pathname}`, fields, at.headers);
  assert.equal(bound.status, 200, bound.text);
  return { signIn, offer, onlyPasskey: await onlyPasskey.browser.open(onlyPasskey.url), bind, bound };
}

async function addApplication({ flow }: Collecting, methods: readonly LoginMethod[]): Promise<TestApplication> {
  return flow.tenant.addApplication({
    display_name: "Schuhe",
    authenticator_config_id: await flow.tenant.addAuthenticatorConfig(methods),
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: ["https://client.example/callback"],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
}

async function refusals(at: Collecting): Promise<Gallery> {
  const { flow, headers } = at;
  const parameters = authorizeParameters(flow.application, "v".repeat(43), { redirect_uri: "https://evil.example/" });
  const refused = await call(`${flow.application.issuer}/authorize?${new URLSearchParams(parameters)}`, { headers });
  const late = await begin(at);
  await flow.tenant.advance(601);
  const expired = await late.browser.open(late.url);
  const unknown = await call(late.url.replace(/[^/]+$/, "A".repeat(32)), { headers });
  const { tenantId, realmId } = flow.tenant.realm;
  const job = `identities/${"a".repeat(16)}/credential-binding-jobs/${"b".repeat(16)}:invokeAuthenticator`;
  const link = `${flow.tenant.server.url}/v1/tenants/${tenantId}/realms/${realmId}/${job}`;
  return { refused, expired, unknown, linkUnknown: await call(link, { headers }), linkOver: await openRevokedLink(at) };
}

async function openRevokedLink({ flow: { tenant }, headers }: Collecting): Promise<Answer> {
  const api = managementClient(tenant);
  const identity = await tenant.addIdentity(newAddress(tenant));
  const job = { delivery_method: "RETURN" as const, authenticator_config_id: await tenant.addAuthenticatorConfig() };
  const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  await succeed(api("SetCredentialBindingJobRevoked", { identity, job: made.credential_binding_job.id }));
  return call(made.credential_binding_link ?? "", { headers });
}

async function deniedPage(at: Collecting): Promise<Gallery> {
  const policy = { rules: [], default_action: "DENY" as const };
  await succeed(managementClient(at.flow.tenant)("CreatePolicy", { body: { policy } }));
  return { denied: await (await begin(at)).logIn(at.email) };
}

/** One page without the mark of test tenants. */
async function productionPage({ language }: Collecting): Promise<Gallery> {
  const flow = await testCodeFlow({ tenant: await testTenant({ kind: "production" }) });
  const login = await testLogin(flow.tenant, flow.application, { parameters: { ui_locales: language } });
  return { production: await login.browser.open(login.url) };
}
