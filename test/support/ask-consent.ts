import assert from "node:assert/strict";
import type { Answer } from "./http.ts";
import { newPerson, type SignedIn } from "./single-sign-on.ts";
import { type TestLogin, testLogin } from "./test-browser.ts";
import { type Tokens, tokensOf } from "./test-code-flow.ts";

/** An application that asks everybody once. */
export const REMEMBERED = { config: { consent: "remembered" as const } };

/** Somebody who holds a role with all scopes of the application. */
export async function newHolder(options: Parameters<typeof newPerson>[0] = {}): Promise<SignedIn> {
  const at = await newPerson(options);
  await at.flow.role.addMember(at.identityId);
  return at;
}

/** The login of somebody whom the browser knows already: it is at the question. */
export function ask(at: SignedIn, parameters: Readonly<Record<string, string>> = {}): Promise<TestLogin> {
  return testLogin(at.flow.tenant, at.flow.application, { browser: at.browser, parameters });
}

/** Says yes and exchanges the code. */
export async function allow(
  at: SignedIn,
  login: TestLogin,
  choice: {
    readonly lifetime?: string;
    readonly renewal?: string;
    readonly form?: Readonly<Record<string, string>>;
  } = {},
): Promise<Tokens> {
  const { form, ...fields } = choice;
  return exchange(at, login, { answer: await login.submit("allow", fields), form });
}

/** Exchanges the code that an answer of the login leads to. */
export async function exchange(
  { flow }: SignedIn,
  login: TestLogin,
  got: { readonly answer: Answer; readonly form?: Readonly<Record<string, string>> | undefined },
): Promise<Tokens> {
  const location = await login.finish(got.answer);
  assert.equal(location.searchParams.get("error"), null, location.href);
  return tokensOf(
    await flow.tenant.token(flow.application, {
      grant_type: "authorization_code",
      code: location.searchParams.get("code") ?? "",
      code_verifier: login.verifier,
      ...got.form,
    }),
  );
}

/** Logs in by code up to the question. */
export async function logInToQuestion(
  at: SignedIn,
  parameters: Readonly<Record<string, string>> = {},
): Promise<TestLogin> {
  const login = await ask(at, parameters);
  await login.logIn(at.email);
  return login;
}

/** How long an access token lives, as introspection says. */
export async function lifetimeOf(at: SignedIn, tokens: Tokens): Promise<number> {
  const { exp, iat } = await at.flow.tenant.introspect(at.flow.application, tokens.access);
  return Number(exp) - Number(iat);
}

/** The lifetimes that the page offers, or the times to renew access for, and the one that it begins with. */
export function choicesOf(
  page: Answer,
  name: "lifetime" | "renewal" = "lifetime",
): { readonly offered: readonly number[]; readonly preset: number } {
  const [, list = ""] = new RegExp(`<select id="${name}"(.*?)</select>`, "s").exec(page.text) ?? [];
  const options = [...list.matchAll(/<option value="([0-9]+)"( selected)?>/g)];
  const preset = options.find(([, , selected]) => selected !== undefined);
  return { offered: options.map(([, value]) => Number(value)), preset: Number(preset?.[1]) };
}
