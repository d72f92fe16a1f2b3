import { type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import type { Answer } from "./http.ts";
import { logInByCode, type SignedIn } from "./single-sign-on.ts";
import { hiddenFields, locationOf, TEST_CODE, type TestBrowser, testBrowser } from "./test-browser.ts";
import type { TestApplication, TestTenant } from "./test-tenant.ts";

/** The address of a realm's account page. */
export function accountUrl({ server }: Pick<TestTenant, "server">, realm: RealmKey): string {
  return `${server.url}/authenticator${realmPath(realm)}/account`;
}

/** Adds an application that people log in to by these methods, on our pages. */
export async function addLoginApplication(
  tenant: TestTenant,
  methods: readonly LoginMethod[],
): Promise<TestApplication> {
  return tenant.addApplication({
    authenticator_config_id: await tenant.addAuthenticatorConfig(methods),
    protocol_config: {
      ...{ type: "oidc", grant_type: ["authorization_code"], redirect_uris: ["https://client.example/callback"] },
      ...{ pkce: "s256", token_configuration: { expires_after: 3_600 } },
    },
  });
}

/** A login to the account page under way. */
export interface AccountLogin {
  /** the address of its pages */
  readonly url: string;
  readonly browser: TestBrowser;
  /** Sends the page's form. */
  submit(action: string, fields?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Address and code; the answer redirects to where the login ends. */
  logIn(email: string): Promise<Answer>;
  /** Follows that redirect, which ends it. */
  finish(answer: Answer): Promise<Answer>;
}

/** Begins a login to the account page of the tenant's realm. */
export async function accountLogin(
  tenant: TestTenant,
  { browser = testBrowser(), query = "" }: { readonly browser?: TestBrowser; readonly query?: string } = {},
): Promise<AccountLogin> {
  const begun = await browser.open(`${accountUrl(tenant, tenant.realm)}/login${query}`);
  const url = `${tenant.server.url}${locationOf(begun).pathname}`;
  const submit: AccountLogin["submit"] = async (action, fields = {}) =>
    browser.post(url, { ...hiddenFields(await browser.open(url)), action, ...fields });
  return {
    url,
    browser,
    submit,
    logIn: async (email) => {
      await submit("send", { email });
      return submit("verify", { code: TEST_CODE });
    },
    finish: async (answer) => browser.open(`${tenant.server.url}${locationOf(answer).pathname}`),
  };
}

type At = Pick<SignedIn, "flow" | "browser">;

/** Opens the account page of the person's realm. */
export function openAccount({ flow, browser }: At, query = ""): Promise<Answer> {
  return browser.open(`${accountUrl(flow.tenant, flow.tenant.realm)}${query}`);
}

/** Sends a form of the page as it is now, and gives the answer as it is. */
export async function act(at: At, action: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { form_token = "" } = hiddenFields(await openAccount(at));
  const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
  return at.browser.post(url, { form_token, action, ...fields });
}

/** Sends a form of the page and gives the page that comes then. */
export async function actAndLook(
  at: At,
  action: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await act(at, action, fields);
  return answer.status === 303 ? openAccount(at, locationOf(answer).search) : answer;
}

/** Another person of the realm, logged in, in a browser of their own. */
export async function somebodyElse(at: SignedIn): Promise<SignedIn> {
  const email = `eve-${at.email}`;
  const other = { ...at, email, browser: testBrowser(), identityId: await at.flow.tenant.addIdentity(email) };
  await logInByCode(other);
  return other;
}

/** Makes the sessions of a person what a login by one of the passkeys would have made them. */
export async function asByPasskey({ server, tenantId }: Pick<TestTenant, "server" | "tenantId">, identityId: string) {
  await server.deps.database.maintain((session) =>
    session.query(
      "UPDATE sessions SET acr = 'mayfly:3', amr = '{hwk,user}' WHERE tenant_id = $1 AND identity_id = $2 AND ended_at IS NULL",
      [tenantId, identityId],
    ),
  );
}

/** The ids that the page's forms name, in its order. */
export function idsOn(page: Answer, name: "session_id" | "credential_id" | "application_id"): readonly string[] {
  return [...page.text.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, "g"))].map(([, id = ""]) => id);
}

/** The id of the browser's session. */
export function sessionIdOf({ flow, browser }: At): string {
  return (browser.cookies.get(`mayfly-${flow.tenant.realm.realmId}`) ?? "").split(".")[0] ?? "";
}
