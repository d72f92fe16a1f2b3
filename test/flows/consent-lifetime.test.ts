import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, ask, choicesOf, lifetimeOf, logInToQuestion, newHolder, REMEMBERED } from "../support/ask-consent.ts";
import { decisionOf } from "../support/login-flow.ts";
import { authorize, tokensOfAnswer } from "../support/single-sign-on.ts";
import { tokensOf } from "../support/test-code-flow.ts";

const NONE = { prompt: "none" };
const HOUR = 3_600;

describe("the lifetime that a person chooses", () => {
  test("bounds every token of the grant, is told as the ceiling consent, and is in the decision", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR } });
    const login = await logInToQuestion(at);
    const tokens = await allow(at, login, { lifetime: "900" });
    assert.equal(tokens.json.expires_in, 900);
    assert.equal(await lifetimeOf(at, tokens), 900);
    const asked = await at.flow.refresh(tokens.refresh, { expiration_time: "600" });
    assert.deepEqual(asked.json?.lifetime, {
      requested: 600,
      granted: 600,
      maximum: 900,
      mode: "exact",
      limited_by: "consent",
    });
    const { facts } = await decisionOf(at.flow.tenant, asked);
    const { ledger } = facts.lifetime as { ledger: { ceilings: unknown[] } };
    assert.deepEqual(
      ledger.ceilings.filter((one) => JSON.stringify(one).includes('"consent"')),
      [{ name: "consent", seconds: 900, won: true }],
    );
    const refused = await at.flow.refresh(tokensOf(asked).refresh, { expiration_time: "901" });
    assert.equal(refused.status, 400);
    assert.match(
      String(refused.json?.error_description),
      /901 is above the maximum of 900 seconds, set by the person's consent/,
    );
    const again = tokensOf(await at.flow.refresh(tokensOf(asked).refresh));
    assert.equal(await lifetimeOf(at, again), 900);
  });

  test("clamps where the application asked for that", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR, over_limit: "clamp" } });
    const tokens = await allow(at, await logInToQuestion(at), { lifetime: "900", form: { expiration_time: "3600" } });
    const lifetime = { requested: HOUR, granted: 900, maximum: 900, mode: "clamped", limited_by: "consent" };
    assert.deepEqual(tokens.json.lifetime, lifetime);
  });

  for (const lifetime of ["7201", "0", "-900", "900.5", "1e2", "0900", "forever", "99999999999", "299"]) {
    test(`is asked for again when it is ${lifetime}`, async () => {
      const at = await newHolder({
        ...REMEMBERED,
        tokens: { expires_after: 2 * HOUR },
        realm: { token_policy: { min_expires_after: 300 } },
      });
      const login = await logInToQuestion(at);
      const page = await login.submit("allow", { lifetime });
      assert.equal(page.status, 400, page.text);
      assert.match(page.text, /role="alert">Choose one of the durations/);
      assert.match(page.text, /aria-invalid="true"/);
      const tokens = await allow(at, login, { lifetime: "300" });
      assert.equal(tokens.json.expires_in, 300);
    });
  }

  test("holds when the application allows more later, and the application's holds when it allows less", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: HOUR } });
    const tokens = await allow(at, await logInToQuestion(at));
    const allowing = (seconds: number) =>
      at.flow.tenant.changeApplication(at.flow.application, (settings) => ({
        ...settings,
        protocol_config: {
          ...settings.protocol_config,
          token_configuration: { ...settings.protocol_config?.token_configuration, expires_after: seconds },
        },
      }));
    await allowing(2 * HOUR);
    const refreshed = tokensOf(await at.flow.refresh(tokens.refresh));
    assert.equal(await lifetimeOf(at, refreshed), HOUR, "an hour was what the page said");
    const silent = await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application, NONE));
    assert.equal(await lifetimeOf(at, silent), HOUR);
    await allowing(600);
    assert.equal(await lifetimeOf(at, tokensOf(await at.flow.refresh(refreshed.refresh))), 600);
  });

  test("is that of the remembered consent at a silent login, and what the page begins with the next time", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR } });
    await allow(at, await logInToQuestion(at), { lifetime: "900" });
    const silent = await tokensOfAnswer(at.flow, at.flow.application, await authorize(at, at.flow.application, NONE));
    assert.equal(await lifetimeOf(at, silent), 900);
    const login = await ask(at, { prompt: "consent" });
    assert.equal(choicesOf(await at.browser.open(login.url)).preset, 900);
    const longer = await allow(at, login, { lifetime: String(HOUR) });
    assert.equal(await lifetimeOf(at, longer), HOUR);
    assert.equal(await lifetimeOf(at, tokensOf(await at.flow.refresh(silent.refresh))), 900, "a grant keeps its own");
  });
});
