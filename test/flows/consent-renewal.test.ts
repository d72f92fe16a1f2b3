import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, ask, choicesOf, logInToQuestion, newHolder } from "../support/ask-consent.ts";
import { decisionOf } from "../support/login-flow.ts";
import { authorize, type SignedIn, tokensOfAnswer } from "../support/single-sign-on.ts";
import { REFRESH, type Tokens, tokensOf } from "../support/test-code-flow.ts";

const NONE = { prompt: "none" };
const HOUR = 3_600;
const DAY = 86_400;

function refreshedFor(seconds: number) {
  return { refresh_token_configuration: { ...REFRESH, absolute_duration: seconds } };
}

/** Somebody who is asked once, by an application that renews its access for a week. */
function newAsked(): Promise<SignedIn> {
  return newHolder({ config: { consent: "remembered", ...refreshedFor(7 * DAY) } });
}

async function allowRefreshFor({ flow }: SignedIn, seconds: number): Promise<void> {
  await flow.tenant.changeApplication(flow.application, (settings) => ({
    ...settings,
    protocol_config: { ...settings.protocol_config, ...refreshedFor(seconds) },
  }));
}

/** How long a refresh token works, as introspection says. */
async function renewalOf(at: SignedIn, tokens: Tokens): Promise<number> {
  const { exp, iat } = await at.flow.tenant.introspect(at.flow.application, tokens.refresh);
  return Number(exp) - Number(iat);
}

describe("the time for which a person lets access be renewed", () => {
  test("ends every refresh token of the grant, however often it was used", async () => {
    const at = await newAsked();
    const login = await logInToQuestion(at);
    const offered = [HOUR, 8 * HOUR, DAY, 7 * DAY];
    assert.deepEqual(choicesOf(await at.browser.open(login.url), "renewal"), { offered, preset: 7 * DAY });
    const tokens = await allow(at, login, { renewal: String(8 * HOUR) });
    assert.equal(await renewalOf(at, tokens), 8 * HOUR);
    await at.flow.tenant.advance(8 * HOUR - 1);
    const last = tokensOf(await at.flow.refresh(tokens.refresh));
    await at.flow.tenant.advance(1);
    const late = await at.flow.refresh(last.refresh);
    assert.equal(late.json?.error, "invalid_grant");
    const { facts } = await decisionOf(at.flow.tenant, late);
    assert.match(JSON.stringify(facts), /the refresh token has expired/);
  });

  test("is remembered, and stays as it is when the application may have more; less holds at once", async () => {
    const at = await newAsked();
    await allow(at, await logInToQuestion(at), { renewal: String(DAY) });
    const silently = async (): Promise<number> => {
      const answer = await authorize(at, at.flow.application, NONE);
      return renewalOf(at, await tokensOfAnswer(at.flow, at.flow.application, answer));
    };
    assert.equal(await silently(), DAY);
    await allowRefreshFor(at, 30 * DAY);
    assert.equal(await silently(), DAY);
    await allowRefreshFor(at, HOUR);
    assert.equal(await silently(), HOUR);
    await allowRefreshFor(at, 30 * DAY);
    const login = await ask(at, { prompt: "consent" });
    assert.equal(choicesOf(await at.browser.open(login.url), "renewal").preset, DAY);
    assert.equal(await renewalOf(at, await allow(at, login)), 30 * DAY, "who chooses nothing takes the longest");
  });

  test("is not chosen where there is nothing to choose", async () => {
    const at = await newHolder({ config: { consent: "remembered", ...refreshedFor(HOUR) } });
    const page = await at.browser.open((await logInToQuestion(at)).url);
    assert.doesNotMatch(page.text, /name="renewal"/);
    assert.match(page.text, /can renew it for <strong>1 hour<\/strong>/);
  });

  for (const renewal of ["0", "-1", "604801", "1e3", "forever"]) {
    test(`is asked for again when it is ${renewal}`, async () => {
      const at = await newAsked();
      const login = await logInToQuestion(at);
      const page = await login.submit("allow", { renewal });
      assert.equal(page.status, 400, page.text);
      assert.match(page.text, /role="alert">Choose one of the durations/);
      assert.match(page.text, /<select id="renewal" name="renewal" aria-invalid="true"/);
      assert.equal(await renewalOf(at, await allow(at, login, { renewal: "1" })), 1);
    });
  }
});
