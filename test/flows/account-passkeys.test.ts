import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  accountUrl,
  act,
  actAndLook,
  addLoginApplication,
  asByPasskey,
  idsOn,
  openAccount,
  somebodyElse,
} from "../support/account-page.ts";
import { eventsOf } from "../support/events.ts";
import { mailsOf } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { logInByCode, newPerson, type SignedIn } from "../support/single-sign-on.ts";
import { passkeyOptionsOn, type SoftwarePasskey, softwarePasskey } from "../support/software-passkey.ts";
import { hiddenFields, locationOf, type TestBrowser, testBrowser, testLogin } from "../support/test-browser.ts";
import { addPasskey } from "../support/test-credential.ts";

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

async function isPasskeyActive({ flow, identityId }: SignedIn, id: string): Promise<boolean> {
  const shown = await flow.tenant.manage("GET", `/identities/${identityId}/credentials/${id}`);
  return shown.json?.state === "ACTIVE" || /"state":"ACTIVE"/.test(shown.text);
}

describe("passkeys on the account page", () => {
  test("one that is removed is revoked at once, with an event that says who did it, and a mail", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const { tenant } = at.flow;
    const kept = await addPasskey(tenant, at.identityId);
    const gone = await addPasskey(tenant, at.identityId, { displayName: "Old phone" });
    const page = await actAndLook(at, "remove_passkey", { credential_id: gone });
    assert.match(page.text, /The passkey is removed/);
    assert.deepEqual(idsOn(page, "credential_id"), [kept]);
    assert.equal(await isPasskeyActive(at, gone), false);
    const found = eventsOf(await tenant.manage("GET", "/events?filter=type+eq+%22CredentialChange%22"));
    const told = found.map((event) => JSON.stringify(event)).filter((text) => text.includes(gone));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", new RegExp(at.identityId));
    const mails = (await mailsOf(tenant)).filter(({ subject }) => /passkey/i.test(subject ?? ""));
    assert.equal(mails.length, 1);
    assert.match(JSON.stringify(mails), /Old phone/);
  });

  test("one is called what its person wants, with an event, and the name is nothing but a name", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const { tenant } = at.flow;
    const id = await addPasskey(tenant, at.identityId, { displayName: "Passkey" });
    const asked = await act(at, "rename_passkey", { credential_id: id });
    assert.match(asked.text, /<input id="name" name="name"[^>]* value="Passkey"/);
    const name = `"><script>alert(1)</script> & Zoë's`;
    const page = await actAndLook(at, "name_passkey", { credential_id: id, name: `  ${name} ` });
    assert.match(page.text, /The passkey has another name/);
    assert.ok(
      page.text.includes("<strong>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; Zoë&#39;s</strong>"),
      page.text,
    );
    assert.doesNotMatch(page.text, /<script/);
    assert.ok(!(await act(at, "rename_passkey", { credential_id: id })).text.includes("<script"));
    await actAndLook(at, "name_passkey", { credential_id: id, name });
    const found = eventsOf(await tenant.manage("GET", "/events?filter=type+eq+%22CredentialChange%22"));
    const told = found.filter((event) => event.action === "UPDATE");
    assert.equal(told.length, 1, "the same name again is no change");
    assert.deepEqual(
      [told[0]?.actor, told[0]?.payload],
      [
        { type: "Identity", id: at.identityId },
        { identity_id: at.identityId, changed: ["display_name"] },
      ],
    );
    for (const wrong of ["", " ", "x".repeat(65), "\u202egnp"]) {
      const refused = await act(at, "name_passkey", { credential_id: id, name: wrong });
      assert.equal(refused.status, 400);
      assert.match(refused.text, /aria-describedby="problem"/);
    }
    assert.match((await openAccount(at)).text, /Zoë/);
  });

  test("another person's keeps its name, and so does one that is gone", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const eve = await somebodyElse(at);
    const theirs = await addPasskey(at.flow.tenant, eve.identityId, { displayName: "Hers" });
    const gone = await addPasskey(at.flow.tenant, at.identityId, { displayName: "Gone" });
    await addPasskey(at.flow.tenant, at.identityId);
    await actAndLook(at, "remove_passkey", { credential_id: gone });
    for (const credential_id of [theirs, gone, "0123456789abcdef", "'", ""]) {
      for (const action of ["rename_passkey", "name_passkey"]) {
        const answer = await act(at, action, { credential_id, name: "Mine" });
        assert.deepEqual([answer.status, locationOf(answer).search], [303, ""], action);
      }
    }
    assert.match((await openAccount(eve)).text, /<strong>Hers</);
  });

  test("the last one goes only after a warning", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const last = await addPasskey(at.flow.tenant, at.identityId);
    const warning = await act(at, "remove_passkey", { credential_id: last });
    assert.equal(warning.status, 200);
    assert.match(warning.text, /<h1>Remove your last passkey\?<\/h1>/);
    assert.equal(await isPasskeyActive(at, last), true);
    const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
    await at.browser.post(url, { ...hiddenFields(warning), action: "remove_passkey" });
    assert.equal(await isPasskeyActive(at, last), false);
    assert.match((await openAccount(at)).text, /You have no passkey/);
  });

  test("of two that are removed at once one is the last, and stays", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const ids = await Promise.all([1, 2].map(() => addPasskey(at.flow.tenant, at.identityId)));
    const answers = await Promise.all(ids.map((credential_id) => act(at, "remove_passkey", { credential_id })));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 303]);
    const active = await Promise.all(ids.map((id) => isPasskeyActive(at, id)));
    assert.equal(active.filter((isActive) => isActive).length, 1);
  });

  test("another person's stays, in the same words", async () => {
    const at = await newPerson();
    await logInByCode(at);
    await asByPasskey(at.flow.tenant, at.identityId);
    const eve = await at.flow.tenant.addIdentity(`eve-${at.email}`);
    const theirs = await addPasskey(at.flow.tenant, eve);
    await addPasskey(at.flow.tenant, at.identityId);
    for (const credential_id of [theirs, "0123456789abcdef", "'", ""]) {
      assert.match((await actAndLook(at, "remove_passkey", { credential_id })).text, /The passkey is removed/);
    }
    assert.equal(await isPasskeyActive({ ...at, identityId: eve }, theirs), true);
  });

  test("are not changed by a code where there is one: who reads the mail would reach what takes no code", async () => {
    const at = await newPerson();
    await addLoginApplication(at.flow.tenant, ["webauthn_passkey"]);
    await logInByCode(at);
    assert.match((await openAccount(at)).text, /value="add_passkey"/, "the first one");
    const id = await addPasskey(at.flow.tenant, at.identityId);
    const page = await openAccount(at);
    assert.match(page.text, /To change your passkeys, sign in with one of them/);
    assert.doesNotMatch(page.text, /value="(add|rename|remove)_passkey"/);
    for (const action of ["add_passkey", "create", "rename_passkey", "name_passkey", "remove_passkey"]) {
      const refused = await act(at, action, { credential_id: id, last: "yes" });
      assert.equal(refused.status, 403, action);
      assert.match(refused.text, /sign in with one of them/);
    }
    assert.equal(await isPasskeyActive(at, id), true);
    await asByPasskey(at.flow.tenant, at.identityId);
    assert.match((await openAccount(at)).text, /value="add_passkey"/);
  });
});

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
