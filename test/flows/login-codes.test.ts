import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sha256 } from "../../src/platform/hash.ts";
import { sumAttempts } from "../../src/resources/attempt-count/queries.ts";
import { findIdentity, updateIdentitySettings } from "../../src/resources/identity/queries.ts";
import {
  assertCodePage,
  assertWrong,
  decisionOf,
  eventually,
  mailsOf,
  newAddress,
  WRONG_CODE,
} from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { hiddenFields, TEST_CODE, type TestLogin, testLogin } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

/** The code in a mail that a production tenant has sent to an address. */
async function readOutbox(tenant: TestTenant, email: string): Promise<string | undefined> {
  const directory = join(tenant.server.dataDirectory, "outbox");
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((one) => one.endsWith(".eml"))) {
    const text = await readFile(join(directory, name), "utf8");
    if (text.includes(email)) return /^ {4}(\d{6,8})\r?$/m.exec(text)?.[1];
  }
  return undefined;
}

describe("codes", () => {
  test("a code is 424242 in a test tenant, kept as a mail that says what it is for (rule 41)", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await decisionOf(tenant, await login.submit("send", { email }));
    const [mail] = await mailsOf(tenant);
    assert.equal(mail?.subject, "Your sign-in code for App");
    assert.match(mail?.body ?? "", /\b424242\b/);
    for (const part of ["Application: App", "Realm: Customers", "10 minutes", "If this was not you"]) {
      assert.ok(mail?.body?.includes(part), part);
    }
  });

  test("a code's mail is in the language of the page that it was asked for on, under the name that the realm has in mails", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const theme = { email_realm_name: "Schuhhaus", support_url: "https://shop.example/hilfe" };
    await succeed(managementClient(tenant)("CreateTheme", { body: { theme } }));
    const login = await testLogin(tenant, application, { parameters: { ui_locales: "de" } });
    await login.submit("send", { email });
    const [mail] = await mailsOf(tenant);
    assert.equal(mail?.subject, "Ihr Anmeldecode für App");
    for (const part of ["424242", "Bereich: Schuhhaus", "Hilfe: https://shop.example/hilfe", "10 Minuten"])
      assert.ok(mail?.body?.includes(part), part);
  });

  test("in a production tenant 424242 opens nothing, and the mailed code does (rule 41)", async () => {
    const tenant = await testTenant({ kind: "production" });
    const at = await testCodeFlow({ tenant });
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, at.application);
    await login.submit("send", { email });
    assert.doesNotMatch((await login.browser.open(login.url)).text, /Test tenant/);
    const code = await eventually(() => readOutbox(tenant, email));
    if (code !== TEST_CODE) assertWrong(await login.submit("verify", { code: TEST_CODE }));
    assert.deepEqual(await mailsOf(tenant), [], "a production tenant's mails are not kept");
    const location = await login.finish(await login.submit("verify", { code: `${code.slice(0, 3)} ${code.slice(3)}` }));
    assert.ok(location.searchParams.has("code"));
  });

  test("what cannot be a code costs no try", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    for (let count = 0; count < 7; count += 1) {
      const answer = await login.submit("verify", { code: "12345" });
      assert.match(answer.text, /Enter all digits of the code/);
    }
    assert.ok((await login.finish(await login.submit("verify", { code: TEST_CODE }))).searchParams.has("code"));
  });

  test("after five wrong codes a login is over, whatever code is mailed then", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    for (let count = 0; count < 4; count += 1) assertWrong(await login.submit("verify", { code: WRONG_CODE }));
    const last = await login.submit("verify", { code: WRONG_CODE });
    assert.match(last.text, /Too many wrong codes/);
    await login.submit("send_again");
    const right = await login.submit("verify", { code: TEST_CODE });
    assert.match(right.text, /Too many wrong codes/);
    assert.equal((await login.finish(await login.submit("cancel"))).searchParams.get("error"), "access_denied");
  });

  test("of fifty guesses at once no more than five are looked at", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    const fields = hiddenFields(await login.browser.open(login.url));
    const guess = () => login.browser.post(login.url, { ...fields, action: "verify", code: WRONG_CODE });
    const answers = await Promise.all(Array.from({ length: 50 }, guess));
    assert.equal(answers.filter((answer) => answer.text.includes("That code does not work")).length, 4);
    assert.equal(answers.filter((answer) => answer.text.includes("Too many wrong codes")).length, 46);
  });

  test("a code works for ten minutes of the tenant's time", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    await tenant.advance(601);
    const answer = await login.browser.open(login.url);
    assert.equal(answer.status, 410);
    assert.match(answer.text, /has expired/);
  });

  test("a verified code proves the address", async () => {
    const { tenant, application, resourceServer } = await testCodeFlow();
    const email = newAddress(tenant);
    const key = { ...tenant.realm, identityId: await tenant.addIdentity(newAddress(tenant)) };
    const db = tenant.server.deps.database.tenants([tenant.tenantId]);
    const found = await findIdentity(db, key);
    assert.ok(found);
    const traits = { ...found.traits, primary_email_address: email };
    await updateIdentitySettings(db, key, { display_name: "Pat", status: "active", traits }, 1);
    assert.equal((await findIdentity(db, key))?.emailVerified, false);
    const login = await testLogin(tenant, application);
    await login.finish(await login.logIn(email.toUpperCase()));
    assert.equal((await findIdentity(db, key))?.emailVerified, true);
    assert.ok(resourceServer);
  });
});

describe("limits over all logins (rule 35)", () => {
  test("an address gets five codes an hour; the sixth is answered alike, and no code works", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const logins: TestLogin[] = [];
    for (let count = 0; count < 6; count += 1) {
      const login = await testLogin(tenant, application);
      const sent = await login.submit("send", { email });
      const { outcome } = await decisionOf(tenant, sent);
      assert.equal(outcome, count < 5 ? "code_sent" : "limit_reached");
      assertCodePage(await login.browser.open(login.url));
      logins.push(login);
    }
    assert.equal((await mailsOf(tenant)).length, 5);
    const [first, last] = [logins[0], logins[5]] as [TestLogin, TestLogin];
    assertWrong(await last.submit("verify", { code: TEST_CODE }));
    assert.ok((await first.finish(await first.submit("verify", { code: TEST_CODE }))).searchParams.has("code"));
    await tenant.advance(90_000);
    const later = await testLogin(tenant, application);
    assert.equal((await decisionOf(tenant, await later.submit("send", { email }))).outcome, "limit_reached", "rule 26");
  });

  test("ten wrong codes for an address in an hour, and then none works, in whichever login", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const logins = await Promise.all([0, 1, 2].map(() => testLogin(tenant, application)));
    for (const login of logins) await login.submit("send", { email });
    const [one, two, three] = logins as [TestLogin, TestLogin, TestLogin];
    for (let count = 0; count < 5; count += 1) await one.submit("verify", { code: WRONG_CODE });
    for (let count = 0; count < 5; count += 1) await two.submit("verify", { code: WRONG_CODE });
    const right = await three.submit("verify", { code: TEST_CODE });
    assertWrong(right);
    assert.equal((await decisionOf(tenant, right)).outcome, "limit_reached");
    const other = await testLogin(tenant, application);
    const another = newAddress(tenant);
    await tenant.addIdentity(another);
    assert.ok(
      (await other.finish(await other.logIn(another))).searchParams.has("code"),
      "another address is not concerned",
    );
  });

  test("right codes are not counted as tries", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const logins = await Promise.all([0, 1, 2, 3, 4].map(() => testLogin(tenant, application)));
    for (const login of logins) {
      await login.submit("send", { email });
      for (let count = 0; count < 2; count += 1) assertWrong(await login.submit("verify", { code: WRONG_CODE }));
      const answer = await login.submit("verify", { code: TEST_CODE });
      if (login !== logins[4]) assert.ok((await login.finish(answer)).searchParams.has("code"));
      else assertWrong(answer); // ten wrong ones by now
    }
  });

  test("a source network gets fifty codes an hour in a realm, for whatever addresses", async () => {
    const { tenant, application } = await testCodeFlow();
    const login = await testLogin(tenant, application);
    for (let count = 0; count < 50; count += 1) await login.submit("send", { email: newAddress(tenant) });
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    assert.equal((await decisionOf(tenant, await login.submit("send", { email }))).outcome, "limit_reached");
    assertWrong(await login.submit("verify", { code: TEST_CODE }));
  });

  test("while a realm is guessed at everywhere its codes are longer, and whoever has one logs in as before", async () => {
    const tenant = await testTenant({ kind: "production" });
    const { application } = await testCodeFlow({ tenant });
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const { database, clock } = tenant.server.deps;
    const hour = Math.floor(clock.nowSeconds() / 3_600);
    const guessed = { countedKey: sha256("realm"), kind: "wrong_try" as const, hour };
    const db = database.tenants([tenant.tenantId]);
    const login = await testLogin(tenant, application);
    await login.submit("send", { email });
    const before = await eventually(() => readOutbox(tenant, email));
    assert.match(before, /^[0-9]{6}$/);
    const wrong = before === WRONG_CODE ? "222222" : WRONG_CODE;
    assertWrong(await login.submit("verify", { code: wrong }));
    assert.deepEqual(await sumAttempts(db, tenant.realm, guessed, [1]), [1], "each wrong one is counted for its realm");
    await database.maintain((session) =>
      session.query("UPDATE attempt_counts SET attempts = 1001 WHERE tenant_id = $1 AND counted_key = $2", [
        tenant.tenantId,
        Buffer.from(guessed.countedKey),
      ]),
    );
    const other = newAddress(tenant);
    await tenant.addIdentity(other);
    await login.submit("other_address");
    await login.submit("send", { email: other });
    const code = await eventually(() => readOutbox(tenant, other));
    assert.match(code, /^[0-9]{8}$/);
    assertWrong(await login.submit("verify", { code: code.slice(0, 6) }));
    assert.ok((await login.finish(await login.submit("verify", { code }))).searchParams.has("code"));
  });
});
