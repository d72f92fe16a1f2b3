import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { act, actAndLook, addLoginApplication, asByPasskey, idsOn, openAccount } from "../support/account-page.ts";
import { eventsOf } from "../support/events.ts";
import { mailsOf } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { logInByCode, newPerson, type SignedIn } from "../support/single-sign-on.ts";
import { passkeyOptionsOn, type SoftwarePasskey, softwarePasskey } from "../support/software-passkey.ts";
import { locationOf, type TestBrowser, testBrowser, testLogin } from "../support/test-browser.ts";

const BOTH = ["email_one_time_password", "webauthn_passkey"] as const;
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

interface Maker extends SignedIn {
  readonly passkey: SoftwarePasskey;
}

/** Somebody who is signed in, in a realm with an application that takes passkeys, with one in the hand. */
async function maker(): Promise<Maker> {
  const at = await newPerson();
  const { tenant } = at.flow;
  await addLoginApplication(tenant, BOTH);
  await logInByCode(at);
  return { ...at, passkey: softwarePasskey({ origin: tenant.server.deps.config.publicUrl }) };
}

/** Asks for a passkey and makes it. */
async function make(at: Maker): Promise<string> {
  return at.passkey.create(passkeyOptionsOn(await act(at, "add_passkey"), "creation"));
}

async function countPasskeys({ flow, identityId }: SignedIn): Promise<unknown> {
  return (await flow.tenant.manage("GET", `/identities/${identityId}/credentials`)).json?.total_size;
}

describe("a passkey that is added on the account page", () => {
  test("logs its person in from then on; an event and a mail tell of it", async () => {
    const at = await maker();
    const { tenant } = at.flow;
    const page = await actAndLook(at, "create", { credential: await make(at) });
    assert.match(page.text, /The passkey is there/);
    const [id = ""] = idsOn(page, "credential_id");
    const events = eventsOf(await tenant.manage("GET", "/events?filter=type+eq+%22CredentialChange%22"));
    assert.match(JSON.stringify(events.find((event) => JSON.stringify(event).includes(id))), /"CREATE"/);
    assert.match(JSON.stringify(await mailsOf(tenant)), /passkey was added/i);
    const application = await addLoginApplication(tenant, ["webauthn_passkey"]);
    const login = await testLogin(tenant, application);
    const options = passkeyOptionsOn(await login.browser.open(login.url), "request");
    const back = await login.finish(await login.submit("passkey", { credential: at.passkey.get(options) }));
    assert.ok(back.searchParams.has("code"));
  });

  test("answers a challenge that is used once, whoever is quicker", async () => {
    const at = await maker();
    await asByPasskey(at.flow.tenant, at.identityId); // after a code the slower one would find a passkey, and be told that first
    const other = softwarePasskey({ origin: at.flow.tenant.server.deps.config.publicUrl });
    const options = passkeyOptionsOn(await act(at, "add_passkey"), "creation");
    const made = [at.passkey, other].map((passkey) => passkey.create(options));
    const answers = await Promise.all(made.map((credential) => act(at, "create", { credential })));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [303, 400]);
    assert.equal(await countPasskeys(at), 1);
  });

  test("answers no challenge that was replaced, nor one of another login or another person, and the person may try again", async () => {
    const at = await maker();
    const eve = { ...at, browser: testBrowser(), email: `eve-${at.email}` };
    await at.flow.tenant.addIdentity(eve.email);
    await logInByCode(eve);
    const theirs = await make(eve);
    const replaced = await make(at);
    await act(at, "add_passkey");
    for (const credential of [theirs, replaced, "{}", ""]) {
      const refused = await act(at, "create", { credential });
      assert.equal(refused.status, 400);
      assert.match(refused.text, /could not be checked/);
    }
    const earlier = await make(at);
    await logInByCode(at, at.flow.application, { prompt: "login" });
    assert.equal((await act(at, "create", { credential: earlier })).status, 400);
    assert.equal(await countPasskeys(at), 0);
    assert.equal((await act(at, "create", { credential: await make(at) })).status, 303);
  });

  test("is none that somebody has already, none that the policy denies, and none long after the login", async () => {
    const at = await maker();
    assert.equal((await act(at, "create", { credential: await make(at) })).status, 303);
    await asByPasskey(at.flow.tenant, at.identityId);
    const known = await act(at, "create", { credential: await make(at) });
    assert.match(known.text, /belongs to an account here already/);
    const { tenant } = at.flow;
    const credential = softwarePasskey({ origin: tenant.server.deps.config.publicUrl }).create(
      passkeyOptionsOn(await act(at, "add_passkey"), "creation"),
    );
    const rule = { id: "no", match: { transaction_types: ["registration" as const] }, action: "DENY" as const };
    const policy = { rules: [rule], default_action: "ALLOW" as const };
    await succeed(managementClient(tenant)("CreatePolicy", { body: { policy } }));
    assert.match((await act(at, "create", { credential })).text, /rules here do not allow this passkey/);
    await tenant.advance(900);
    for (const action of ["add_passkey", "create"]) {
      assert.equal((await act(at, action, { credential })).status, 403, action);
    }
    assert.equal(await countPasskeys(at), 1);
  });

  test("is not offered where no application takes passkeys", async () => {
    const at = await newPerson();
    await logInByCode(at);
    assert.doesNotMatch((await openAccount(at)).text, /Add a passkey/);
    const answer = await act(at, "add_passkey");
    assert.equal(passkeyOptionsOn(answer, "creation"), null);
  });
});

test("a session is recognised by its browser, in names of ours", async () => {
  const at = await newPerson();
  await logInByCode(at);
  const plain = testBrowser();
  const browser: TestBrowser = {
    ...plain,
    open: (url, headers = {}) => plain.open(url, { "user-agent": FIREFOX, ...headers }),
  };
  const other = { ...at, browser };
  await logInByCode(other);
  assert.match((await openAccount(at)).text, /<strong>Firefox on Linux<\/strong>/);
  assert.match((await openAccount(other)).text, /<strong>This browser<\/strong> <small>Firefox on Linux<\/small>/);
  assert.match((await openAccount(other)).text, /<strong>Another browser<\/strong>/);
  assert.equal(locationOf(await act(other, "sign_out")).search, "?done=signedOut");
});
