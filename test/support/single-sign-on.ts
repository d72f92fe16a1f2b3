import assert from "node:assert/strict";
import { decodeJwt, type JWTPayload } from "jose";
import type { Answer } from "./http.ts";
import { newAddress } from "./login-flow.ts";
import { authorizeParameters, locationOf, type TestBrowser, testBrowser, testLogin } from "./test-browser.ts";
import type { ConfigBody } from "./test-client.ts";
import { type CodeFlow, type Tokens, testCodeFlow, tokensOf } from "./test-code-flow.ts";
import type { TestApplication } from "./test-tenant.ts";

/** A person with a browser, and the applications of one realm. */
export interface SignedIn {
  readonly flow: CodeFlow;
  readonly browser: TestBrowser;
  readonly email: string;
  readonly identityId: string;
}

/** A realm with an application, and somebody whose browser knows nobody yet. */
export async function newPerson(options: Parameters<typeof testCodeFlow>[0] = {}): Promise<SignedIn> {
  const flow = await testCodeFlow(options);
  const email = newAddress(flow.tenant);
  return { flow, email, browser: testBrowser(), identityId: await flow.tenant.addIdentity(email) };
}

/** Another application of the same realm. */
export async function secondApplication({ flow }: SignedIn, config: ConfigBody = {}): Promise<TestApplication> {
  return (await testCodeFlow({ tenant: flow.tenant, server: flow.resourceServer, config })).application;
}

/** Sends the browser to an application's /authorize and gives the answer as it is. */
export async function authorize(
  { browser }: Pick<SignedIn, "browser">,
  application: TestApplication,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const query = new URLSearchParams(authorizeParameters(application, VERIFIER, parameters));
  return browser.open(`${application.issuer}/authorize?${query}`);
}

/** What every request of `authorize` proves itself by. */
export const VERIFIER = "a-verifier-of-a-test-that-is-long-enough-to-be-one";

/** Logs the person in by a code, whatever the browser has, says yes where consent is asked for, and exchanges the client's code. */
export async function logInByCode(
  { flow, browser, email }: SignedIn,
  application: TestApplication = flow.application,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const login = await testLogin(flow.tenant, application, { browser, parameters });
  const verified = await login.logIn(email);
  const isAsked = locationOf(verified).pathname === new URL(login.url).pathname;
  const location = await login.finish(isAsked ? await login.submit("allow") : verified);
  return exchangeCode(flow, application, { location, verifier: login.verifier });
}

/** The tokens for the code that an answer of /authorize sends to the client. */
export async function tokensOfAnswer(flow: CodeFlow, application: TestApplication, answer: Answer): Promise<Tokens> {
  return exchangeCode(flow, application, { location: locationOf(answer), verifier: VERIFIER });
}

async function exchangeCode(
  flow: CodeFlow,
  application: TestApplication,
  got: { readonly location: URL; readonly verifier: string },
): Promise<Tokens> {
  assert.equal(got.location.searchParams.get("error"), null, got.location.href);
  return tokensOf(
    await flow.tenant.token(application, {
      grant_type: "authorization_code",
      code: got.location.searchParams.get("code") ?? "",
      code_verifier: got.verifier,
    }),
  );
}

/** The claims of the ID token. */
export function idClaims(tokens: Tokens): JWTPayload {
  return decodeJwt(tokens.idToken);
}

/** Asserts that an answer tells the client this error. */
export function assertTold(answer: Answer, error: string): void {
  const { searchParams } = locationOf(answer);
  assert.equal(searchParams.get("error"), error, answer.headers.get("location") ?? answer.text);
  assert.deepEqual([...searchParams.keys()], ["error", "error_description", "state", "iss"]);
}

/** Asserts that an answer leads to the login pages. */
export function assertAsked(answer: Answer): void {
  assert.match(locationOf(answer).pathname, /^\/authenticator\//);
}
