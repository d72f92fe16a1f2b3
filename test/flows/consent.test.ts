import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newTraceId } from "../../src/http/trace-id.ts";
import { withdrawConsent } from "../../src/resources/consent/changes.ts";
import { listConsents } from "../../src/resources/consent/queries.ts";
import {
  allow,
  ask,
  choicesOf,
  exchange,
  lifetimeOf,
  logInToQuestion,
  newHolder,
  REMEMBERED,
} from "../support/ask-consent.ts";
import { listAllEvents } from "../support/events.ts";
import { assertDead, isLiveRefresh } from "../support/session-ends.ts";
import {
  assertAsked,
  assertTold,
  authorize,
  logInByCode,
  type SignedIn,
  tokensOfAnswer,
} from "../support/single-sign-on.ts";
import { hiddenFields, locationOf } from "../support/test-browser.ts";

const NONE = { prompt: "none" };
const HOUR = 3_600;

function consentsOf({ flow, identityId }: SignedIn) {
  const { tenant } = flow;
  return listConsents(tenant.server.deps.database.tenants([tenant.tenantId]), { ...tenant.realm, identityId });
}

async function withdraw({ flow, identityId }: SignedIn): Promise<void> {
  const { deps } = flow.tenant.server;
  await withdrawConsent(
    deps.database,
    { ...flow.application.key, identityId },
    { at: deps.clock.nowSeconds(), atMs: deps.clock.nowMs(), traceId: newTraceId(deps.clock, deps.random) },
  );
}

describe("the page that asks for consent", () => {
  test("says what is asked for, at which resource server, and for how long", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at, { scope: "openid email shoes:read unheard-of" });
    const page = await at.browser.open(login.url);
    assert.equal(page.status, 200, page.text);
    assert.match(page.text, /<li>who you are<\/li>\n<li>your email address<\/li>/);
    assert.match(page.text, new RegExp(`<strong>${at.flow.resourceServer.settings.identifier}</strong>`));
    assert.match(page.text, /<code>shoes:read<\/code>/);
    assert.doesNotMatch(page.text, /unheard-of|shoes:write/);
    assert.match(page.text, /can renew it for <strong>1 hour<\/strong>, unless you sign out before/);
    assert.ok(page.text.replaceAll("<wbr>", "").includes(at.email));
  });

  test("says that access lasts while the person is away, where offline_access is asked for", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at, { scope: "openid offline_access" });
    const page = await at.browser.open(login.url);
    assert.match(page.text, /can renew it for <strong>1 hour<\/strong>, also <strong>while you are away<\/strong>/);
    const never = await newHolder({
      config: {
        consent: "remembered",
        refresh_token_configuration: { enabled: false, rotate: true, grace_seconds: 10 },
      },
    });
    const once = await logInToQuestion(never, { scope: "openid offline_access" });
    assert.match((await never.browser.open(once.url)).text, /has to send you here again/);
    assert.equal((await allow(never, once)).scope, "openid", "there is no refresh token that could be returned");
  });

  test("offers round lifetimes at most the smallest ceiling, and none that a client could not ask for", async () => {
    const at = await newHolder({
      config: { consent: "always" },
      tokens: { expires_after: 90_000 },
      realm: { token_policy: { max_expires_after: 30_000, min_expires_after: 600 } },
    });
    const login = await logInToQuestion(at);
    const page = await at.browser.open(login.url);
    assert.deepEqual(choicesOf(page), { offered: [900, HOUR, 28_800, 30_000], preset: 30_000 });
    assert.match(page.text, />8 hours, 20 minutes \(maximum\)</);
  });

  test("takes no for an answer: access_denied, and nothing is remembered", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at);
    const told = await login.finish(await login.submit("cancel"));
    assert.equal(told.searchParams.get("error"), "access_denied");
    assert.equal(told.searchParams.has("code"), false);
    assert.deepEqual(await consentsOf(at), []);
  });

  test("lets it be another account", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at);
    await login.submit("other_account");
    const page = await at.browser.open(login.url);
    assert.match(page.text, /name="email"/);
  });
});

describe("consent that is remembered", () => {
  test("is asked for once; then nobody is asked, whether a page was allowed or not", async () => {
    const at = await newHolder(REMEMBERED);
    const scope = "openid email shoes:read";
    await allow(at, await logInToQuestion(at, { scope }));
    for (const parameters of [{ scope }, { ...NONE, scope }, { ...NONE, scope: "openid" }])
      assert.ok(locationOf(await authorize(at, at.flow.application, parameters)).searchParams.has("code"));
    const login = await ask(at, { prompt: "login", scope });
    const verified = await login.logIn(at.email);
    assert.ok((await login.finish(verified)).searchParams.has("code"), "nor after another login");
  });

  test("is asked for again when more is asked: a scope, a claim, or access while the person is away", async () => {
    const at = await newHolder(REMEMBERED);
    await allow(at, await logInToQuestion(at, { scope: "openid email shoes:read" }));
    const claims = JSON.stringify({ userinfo: { phone_number: null } });
    for (const more of [{ scope: "openid shoes:write" }, { scope: "openid offline_access" }, { claims }]) {
      assertTold(await authorize(at, at.flow.application, { ...NONE, ...more }), "consent_required");
      assertAsked(await authorize(at, at.flow.application, more));
    }
    const covered = JSON.stringify({ id_token: { email: null } });
    const silent = await authorize(at, at.flow.application, { ...NONE, claims: covered });
    assert.ok(locationOf(silent).searchParams.has("code"), "the scope gave this claim already");
    await allow(at, await ask(at, { scope: "openid shoes:write" }));
    const both = await authorize(at, at.flow.application, { ...NONE, scope: "openid email shoes:read shoes:write" });
    assert.ok(locationOf(both).searchParams.has("code"), "what was agreed to before stays agreed to");
  });

  test("is the person's and the application's", async () => {
    const at = await newHolder(REMEMBERED);
    await allow(at, await logInToQuestion(at));
    const somebody = { ...at, email: `other.${at.email}` };
    await at.flow.tenant.addIdentity(somebody.email);
    const login = await ask(at, { prompt: "login" });
    assert.equal(locationOf(await login.logIn(somebody.email)).pathname, new URL(login.url).pathname);
  });

  test("is never used where every login asks, and prompt=none is told", async () => {
    const at = await newHolder({ config: { consent: "always" } });
    await allow(at, await logInToQuestion(at));
    assertTold(await authorize(at, at.flow.application, NONE), "consent_required");
    assertAsked(await authorize(at, at.flow.application));
    const remembered = await newHolder(REMEMBERED);
    await allow(remembered, await logInToQuestion(remembered));
    assertAsked(await authorize(remembered, remembered.flow.application, { prompt: "consent" }));
  });

  test("makes no native request silent: somebody still has to press a button (rule 36)", async () => {
    const config = {
      consent: "remembered" as const,
      confidentiality: "public" as const,
      redirect_uris: ["http://127.0.0.1/callback"],
    };
    const at = await newHolder({ config });
    const parameters = { redirect_uri: "http://127.0.0.1:4711/callback" };
    const first = await logInToQuestion(at, parameters);
    assert.ok((await first.finish(await first.submit("allow"))).searchParams.has("code"));
    assertTold(await authorize(at, at.flow.application, { ...NONE, ...parameters }), "interaction_required");
    const again = await ask(at, parameters);
    assert.match((await at.browser.open(again.url)).text, /value="continue"/, "what was agreed to is not asked again");
    assert.ok((await again.finish(await again.submit("continue"))).searchParams.has("code"));
  });

  test("is listed with the application's name, and withdrawn it takes everything with it (rule 13)", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR } });
    const scope = "openid offline_access shoes:read";
    const first = await allow(at, await logInToQuestion(at, { scope }), { lifetime: "900" });
    const second = await tokensOfAnswer(
      at.flow,
      at.flow.application,
      await authorize(at, at.flow.application, { ...NONE, scope }),
    );
    const [consent, ...others] = await consentsOf(at);
    assert.deepEqual(others, []);
    assert.deepEqual(consent?.scope.toSorted(), scope.split(" ").toSorted());
    assert.deepEqual([consent?.maximumSeconds, consent?.renewalSeconds], [900, HOUR]);
    assert.ok((consent?.applicationName ?? "") !== "");
    const pending = locationOf(await authorize(at, at.flow.application, { ...NONE, scope }));
    await withdraw(at);
    assert.deepEqual(await consentsOf(at), []);
    for (const tokens of [first, second]) await assertDead(at.flow, tokens);
    const late = await at.flow.tenant.token(at.flow.application, {
      grant_type: "authorization_code",
      code: pending.searchParams.get("code") ?? "",
      code_verifier: "a-verifier-of-a-test-that-is-long-enough-to-be-one",
    });
    assert.equal(late.json?.error, "invalid_grant", "a code that was not exchanged yet");
    const ends = (await listAllEvents(at.flow.tenant)).filter(({ type }) => type === "GrantOperation");
    assert.deepEqual(
      ends.map(({ action, actor, payload }) => [action, actor.id, payload.reason]),
      [["DELETE", at.identityId, "withdrawn"]],
    );
    assertTold(await authorize(at, at.flow.application, { ...NONE, scope }), "consent_required");
    const again = await allow(at, await ask(at, { scope }));
    assert.equal(await isLiveRefresh(at.flow, again), true);
  });
});

describe("an application that asks for no consent", () => {
  test("is asked for it by prompt=consent alone; offline_access is its administrator's to give", async () => {
    const at = await newHolder({ config: { consent: "none" } });
    const tokens = await logInByCode(at, at.flow.application, { scope: "openid offline_access" });
    assert.equal(tokens.scope, "openid offline_access");
    assert.equal(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"), true);
    assertAsked(await authorize(at, at.flow.application, { prompt: "consent" }));
  });

  test("and says nothing of it asks for offline_access, once (OIDC Core §11)", async () => {
    const at = await newHolder();
    await logInByCode(at);
    const scope = "openid offline_access";
    assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"));
    assertTold(await authorize(at, at.flow.application, { ...NONE, scope }), "consent_required");
    assert.equal((await allow(at, await ask(at, { scope }))).scope, scope);
    assert.ok(locationOf(await authorize(at, at.flow.application, { ...NONE, scope })).searchParams.has("code"));
  });
});

describe("a question that was answered, or is another one now", () => {
  test("is answered once: a second submission and a page from before lead nowhere else", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR } });
    const login = await logInToQuestion(at);
    const fields = { ...hiddenFields(await at.browser.open(login.url)), action: "allow" };
    const answers = await Promise.all(
      ["300", "900", "3600"].map((lifetime) => at.browser.post(login.url, { ...fields, lifetime })),
    );
    for (const answer of answers) assert.equal(answer.status, 303);
    const tokens = await exchange(at, login, { answer: answers[0] ?? assert.fail() });
    const [consent] = await consentsOf(at);
    assert.equal(consent?.maximumSeconds, await lifetimeOf(at, tokens), "the one that was first");
    assert.equal((await at.browser.open(login.url)).status, 410, "the page before is over");
    const back = await at.browser.post(login.url, { ...fields, lifetime: "7200" });
    assert.equal(back.status, 410, "and so is its form");
    assert.equal((await consentsOf(at))[0]?.maximumSeconds, consent?.maximumSeconds);
  });

  test("two tabs each have their own, and what is agreed to in both is agreed to", async () => {
    const at = await newHolder({ config: { consent: "remembered" } });
    const one = await logInToQuestion(at, { scope: "openid shoes:read" });
    await allow(at, one);
    const [left, right] = [await ask(at, { scope: "openid shoes:write" }), await ask(at, { scope: "openid phone" })];
    await Promise.all([allow(at, left), allow(at, right)]);
    const scope = "openid phone shoes:read shoes:write";
    assert.ok(locationOf(await authorize(at, at.flow.application, { ...NONE, scope })).searchParams.has("code"));
  });

  test("is shown again when the application or the person's roles have changed meanwhile: nobody agrees to what was not shown", async () => {
    const at = await newHolder({ ...REMEMBERED, tokens: { expires_after: 2 * HOUR } });
    const login = await logInToQuestion(at, { scope: "openid shoes:read" });
    const fields = { ...hiddenFields(await at.browser.open(login.url)), action: "allow", lifetime: "7200" };
    await at.flow.tenant.changeApplication(at.flow.application, (settings) => ({
      ...settings,
      protocol_config: {
        ...settings.protocol_config,
        token_configuration: { ...settings.protocol_config?.token_configuration, expires_after: HOUR },
      },
    }));
    const page = await at.browser.post(login.url, fields);
    assert.equal(page.status, 400);
    assert.match(page.text, /role="alert">What is asked for has changed/);
    assert.deepEqual(choicesOf(page).offered, [300, 900, HOUR]);
    assert.equal((await allow(at, login)).json.expires_in, HOUR);
  });

  test("cannot be passed by: a login that nobody was asked at gives no code once the application asks", async () => {
    const at = await newHolder({ config: { consent: "none" } });
    const login = await ask(at);
    const verified = await login.logIn(at.email);
    await at.flow.tenant.changeApplication(at.flow.application, (settings) => ({
      ...settings,
      protocol_config: { ...settings.protocol_config, consent: "remembered" },
    }));
    assert.equal((await login.finish(verified)).searchParams.get("error"), "consent_required");
  });

  test("is not answered by another site or browser", async () => {
    const at = await newHolder(REMEMBERED);
    const login = await logInToQuestion(at);
    const fields = { ...hiddenFields(await at.browser.open(login.url)), action: "allow" };
    assert.equal((await at.browser.post(login.url, { ...fields, form_token: "x" })).status, 403);
    const elsewhere = await at.browser.post(login.url, fields, { origin: "https://evil.example" });
    assert.equal(elsewhere.status, 403);
    assert.deepEqual(await consentsOf(at), []);
  });
});
