import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, ask, choicesOf, exchange, logInToQuestion, newHolder, REMEMBERED } from "../support/ask-consent.ts";
import { newAddress } from "../support/login-flow.ts";
import { idClaims, logInByCode, newPerson, type SignedIn } from "../support/single-sign-on.ts";
import { locationOf, type TestLogin } from "../support/test-browser.ts";

const MAX_AGE = { max_age: "300" };
const AGAIN = /role="status">That took a while/;

/** Says yes a second after the login has grown too old; the page that follows asks for another. */
async function sayYesTooLate(at: SignedIn, login: TestLogin, lifetime: string): Promise<void> {
  await at.flow.tenant.advance(301);
  const answer = await login.submit("allow", { lifetime });
  assert.equal(locationOf(answer).href, login.url.replace(/^.*(?=\/authenticator)/, "http://localhost"));
  const page = await at.browser.open(login.url);
  assert.match(page.text, AGAIN);
  assert.match(page.text, /name="email"/);
}

describe("a yes to a login that has grown older than max_age at the question (OIDC Core §3.1.2.1)", () => {
  test("is worth a code in the last second, and a second later another login", async () => {
    const at = await newHolder(REMEMBERED);
    const inTime = await logInToQuestion(at, MAX_AGE);
    await at.flow.tenant.advance(300);
    const { auth_time, iat } = idClaims(await allow(at, inTime));
    assert.equal(Number(iat) - Number(auth_time), 300);
    const late = await newHolder(REMEMBERED);
    const login = await logInToQuestion(late, MAX_AGE);
    await sayYesTooLate(late, login, "900");
    const tokens = await exchange(late, login, { answer: await login.logIn(late.email) });
    assert.equal(idClaims(tokens).auth_time, idClaims(tokens).iat);
    assert.equal(tokens.json.expires_in, 900, "what was chosen is kept");
    const next = await ask(late, { prompt: "consent" });
    assert.equal(choicesOf(await late.browser.open(next.url)).preset, 900, "and remembered");
  });

  test("is asked for again of somebody else, and gone when it is to be another account", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at, MAX_AGE);
    await sayYesTooLate(at, login, "900");
    const other = newAddress(at.flow.tenant);
    await at.flow.tenant.addIdentity(other);
    assert.equal(locationOf(await login.logIn(other)).pathname, new URL(login.url).pathname);
    await login.submit("other_account");
    const page = await at.browser.open(login.url);
    assert.match(page.text, /name="email"/);
    assert.doesNotMatch(page.text, AGAIN, "the yes is gone with its person");
    await login.logIn(at.email);
    assert.match((await at.browser.open(login.url)).text, /name="asked"/);
  });

  test("is asked for again when the person has come to hold more than was shown", async () => {
    const at = await newPerson(REMEMBERED);
    const login = await logInToQuestion(at, { ...MAX_AGE, scope: "openid shoes:read" });
    await sayYesTooLate(at, login, "900");
    await at.flow.role.addMember(at.identityId);
    await login.logIn(at.email);
    const page = await at.browser.open(login.url);
    assert.match(page.text, /<code>shoes:read<\/code>/);
  });

  test("asks who is known from a session for another login, too", async () => {
    const at = await newHolder(REMEMBERED);
    await logInByCode(at);
    const login = await ask(at, { ...MAX_AGE, prompt: "consent" });
    await sayYesTooLate(at, login, "900");
    const tokens = await exchange(at, login, { answer: await login.logIn(at.email) });
    assert.equal(idClaims(tokens).auth_time, idClaims(tokens).iat);
  });

  test("is a login of max_age=0 however long it took, which asks for one as prompt=login does", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at, { max_age: "0" });
    await at.flow.tenant.advance(301);
    assert.ok((await allow(at, login)).access);
  });
});
