import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hexId } from "../../src/platform/random.ts";
import { findIdentitiesByEmail, findIdentity, updateIdentitySettings } from "../../src/resources/identity/queries.ts";
import type { Answer } from "../support/http.ts";
import {
  assertCodePage,
  assertWrong,
  decisionOf,
  exchange,
  mailsOf,
  newAddress,
  suspend,
  WRONG_CODE,
} from "../support/login-flow.ts";
import { hiddenFields, locationOf, TEST_CODE, testLogin } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import type { TestTenant } from "../support/test-tenant.ts";

/** A page without what is different from login to login. */
function bare(answer: Answer, email: string): string {
  const { form_token = "?" } = hiddenFields(answer);
  return answer.text
    .replaceAll("<wbr>", "")
    .replaceAll(email, "EMAIL")
    .replaceAll(form_token, "TOKEN")
    .replaceAll(/requests\/[A-Za-z0-9_-]{32}/g, "REQUEST");
}

describe("who has an account is not told (rule 35)", () => {
  test("known, unknown, suspended and ambiguous addresses get the same pages", async () => {
    const at = await testCodeFlow();
    const { tenant } = at;
    const emails = await addressesOf(tenant);
    const pages: { kind: string; mail: string; code: string }[] = [];
    for (const [kind, email] of Object.entries(emails)) {
      const login = await testLogin(tenant, at.application);
      const sent = await login.submit("send", { email });
      assert.equal(sent.status, 303, kind);
      const page = await login.browser.open(login.url);
      assertCodePage(page);
      const refused = await login.submit("verify", { code: WRONG_CODE });
      assertWrong(refused);
      pages.push({ kind, mail: bare(page, email), code: bare(refused, email) });
    }
    for (const { kind, mail, code } of pages) {
      assert.equal(mail, pages[0]?.mail, kind);
      assert.equal(code, pages[0]?.code, kind);
    }
  });

  test("only the known address gets a mail; the decision says why the others did not", async () => {
    const { tenant, application } = await testCodeFlow();
    const emails = await addressesOf(tenant);
    const outcomes: Record<string, unknown> = {};
    for (const [kind, email] of Object.entries(emails)) {
      const login = await testLogin(tenant, application);
      const { outcome, facts } = await decisionOf(tenant, await login.submit("send", { email }));
      outcomes[kind] = facts.cause ?? outcome;
      assert.ok(!JSON.stringify(facts).includes(email), "no address is in a decision");
    }
    assert.deepEqual(outcomes, {
      known: "code_sent",
      unknown: "no identity has this address",
      suspended: "the identity is suspended",
      ambiguous: "several identities have this address",
    });
    assert.deepEqual(
      (await mailsOf(tenant)).map((mail) => mail.to),
      [emails.known],
    );
  });

  test("the right code of somebody who may not log in is a wrong code", async () => {
    const at = await testCodeFlow();
    const { known: _, ...others } = await addressesOf(at.tenant);
    for (const [kind, email] of Object.entries(others)) {
      const login = await testLogin(at.tenant, at.application);
      const answer = await login.logIn(email);
      assertWrong(answer);
      assert.equal((await decisionOf(at.tenant, answer)).outcome, "refused", kind);
    }
  });

  async function addressesOf(tenant: TestTenant) {
    const [known, unknown, suspended, ambiguous] = [0, 1, 2, 3].map(() => newAddress(tenant)) as [
      string,
      string,
      string,
      string,
    ];
    await tenant.addIdentity(known);
    await suspend(tenant, await tenant.addIdentity(suspended));
    for (const username of ["one", "two"])
      await tenant.addIdentity(ambiguous, { username: username + hexId(tenant.server.deps.random) });
    return { known, unknown, suspended, ambiguous };
  }
});

describe("enrolment by oneself (rule 35)", () => {
  test("a realm that provisions makes an identity once the address is proved, named by it", async () => {
    const at = await testCodeFlow({ realm: { auto_provision: true } });
    const { tenant } = at;
    const email = newAddress(tenant);
    const db = tenant.server.deps.database.tenants([tenant.tenantId]);
    const login = await testLogin(tenant, at.application);
    await login.submit("send", { email: email.toUpperCase() });
    assert.deepEqual(await findIdentitiesByEmail(db, tenant.realm, email), []);
    await login.finish(await login.submit("verify", { code: TEST_CODE }));
    const [identity] = await findIdentitiesByEmail(db, tenant.realm, email);
    assert.equal(identity?.traits.username, email);
    assert.equal(identity?.emailVerified, true);
    const again = await testLogin(tenant, at.application);
    assert.ok((await again.finish(await again.logIn(email))).searchParams.has("code"));
    assert.equal((await findIdentitiesByEmail(db, tenant.realm, email)).length, 1);
  });

  test("two first logins at once make one identity", async () => {
    const { tenant, application } = await testCodeFlow({ realm: { auto_provision: true } });
    const email = newAddress(tenant);
    const logins = await Promise.all([0, 1, 2, 3].map(() => testLogin(tenant, application)));
    for (const login of logins) await login.submit("send", { email });
    const answers = await Promise.all(logins.map((login) => login.submit("verify", { code: TEST_CODE })));
    for (const answer of answers) assert.match(locationOf(answer).pathname, /\/authorize\/complete$/);
    const db = tenant.server.deps.database.tenants([tenant.tenantId]);
    assert.equal((await findIdentitiesByEmail(db, tenant.realm, email)).length, 1);
  });

  test("an address that is somebody else's user name makes nobody", async () => {
    const { tenant, application } = await testCodeFlow({ realm: { auto_provision: true } });
    const email = newAddress(tenant);
    await tenant.addIdentity(newAddress(tenant), { username: email });
    const login = await testLogin(tenant, application);
    const answer = await login.logIn(email);
    assertWrong(answer);
    const { facts } = await decisionOf(tenant, answer);
    assert.equal(facts.cause, "the user name is taken by an identity with another address");
  });

  test("an address that cannot be a user name makes nobody", async () => {
    const { tenant, application } = await testCodeFlow({ realm: { auto_provision: true } });
    const email = `${"a".repeat(60)}@example.com`;
    const login = await testLogin(tenant, application);
    const { facts } = await decisionOf(tenant, await login.submit("send", { email }));
    assert.equal(facts.cause, "this address cannot be a user name");
    assertWrong(await login.submit("verify", { code: TEST_CODE }));
  });
});

describe("the subject (rule 2)", () => {
  test("an address as subject must be unique at that moment; who is refused is told access_denied and no more", async () => {
    const at = await testCodeFlow({ tokens: { subject_field: "email" } });
    const { tenant } = at;
    const email = newAddress(tenant);
    await tenant.addIdentity(email);
    const login = await testLogin(tenant, at.application);
    const location = await login.finish(await login.logIn(email));
    const claims = idTokenOf(await exchange(at, login, location));
    assert.equal(claims.sub, email);
    const refused = await testLogin(tenant, at.application);
    const verified = await refused.logIn(email);
    await tenant.addIdentity(email, { username: `twin-${hexId(tenant.server.deps.random)}` });
    const told = await refused.finish(verified);
    assert.equal(told.searchParams.get("error"), "access_denied");
    assert.equal(told.searchParams.get("error_description"), "The login did not succeed or was cancelled.");
  });

  test("a value that was the subject of one identity is never another's", async () => {
    const at = await testCodeFlow({ tokens: { subject_field: "username" } });
    const { tenant } = at;
    const [one, two] = [newAddress(tenant), newAddress(tenant)];
    const firstId = await tenant.addIdentity(one, { username: "Ada" });
    const first = await testLogin(tenant, at.application);
    assert.equal(idTokenOf(await exchange(at, first, await first.finish(await first.logIn(one)))).sub, "Ada");
    const db = tenant.server.deps.database.tenants([tenant.tenantId]);
    const found = await findIdentity(db, { ...tenant.realm, identityId: firstId });
    assert.ok(found);
    const traits = { ...found.traits, username: "ada-former" };
    await updateIdentitySettings(db, found.key, { display_name: "Ada", status: "active", traits }, 1);
    await tenant.addIdentity(two, { username: "ADA" });
    const second = await testLogin(tenant, at.application);
    const told = await second.finish(await second.logIn(two));
    assert.equal(told.searchParams.get("error"), "access_denied");
  });

  test("a user name that is the id of an identity is no subject", async () => {
    const at = await testCodeFlow({ tokens: { subject_field: "username" } });
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email, { username: at.identityId });
    const login = await testLogin(at.tenant, at.application);
    assert.equal((await login.finish(await login.logIn(email))).searchParams.get("error"), "access_denied");
  });

  test("a user name that is not ASCII is no subject (OIDC Core §2)", async () => {
    const at = await testCodeFlow({ tokens: { subject_field: "username" } });
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email, { username: "zoë" });
    const login = await testLogin(at.tenant, at.application);
    assert.equal((await login.finish(await login.logIn(email))).searchParams.get("error"), "access_denied");
  });

  test("who is suspended between code and completion gets nothing", async () => {
    const { tenant, application } = await testCodeFlow();
    const email = newAddress(tenant);
    const identityId = await tenant.addIdentity(email);
    const login = await testLogin(tenant, application);
    const verified = await login.logIn(email);
    await suspend(tenant, identityId);
    assert.equal((await login.finish(verified)).searchParams.get("error"), "access_denied");
  });

  function idTokenOf(answer: Answer): Record<string, unknown> {
    return JSON.parse(Buffer.from(String(answer.json?.id_token).split(".")[1] ?? "", "base64url").toString());
  }
});
