import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CredentialType } from "../../src/protocol/policy.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import type { PolicyBody } from "../../src/resources/policy/schema.ts";
import { asByPasskey } from "../support/account-page.ts";
import { adminWorld } from "../support/admin-world.ts";
import { listAllEvents, type ShownEvent } from "../support/events.ts";
import type { Answer } from "../support/http.ts";
import { decisionOf, newAddress } from "../support/login-flow.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import {
  assertAsked,
  assertTold,
  authorize,
  logInByCode,
  newPerson,
  secondApplication,
  VERIFIER,
} from "../support/single-sign-on.ts";
import { authorizeParameters, hiddenFields, locationOf, type TestLogin, testLogin } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

type Rule = PolicyBody["rules"][number];

const BOTH = ["email_one_time_password", "webauthn_passkey"] as const;
const NONE = { prompt: "none" };
const LOOPBACK = ["127.0.0.0/8", "::1"];

const rule = (id: string, action: Rule["action"], match: Rule["match"] = {}): Rule => ({ id, match, action });

/** Gives the realm a policy. */
async function setPolicy(tenant: TestTenant, rules: Rule[], default_action: PolicyBody["default_action"] = "ALLOW") {
  await succeed(managementClient(tenant)("CreatePolicy", { body: { policy: { rules, default_action } } }));
}

async function addToGroup(tenant: TestTenant, identityId: string): Promise<string> {
  const api = managementClient(tenant);
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  await succeed(api("AddGroupMembers", { group, body: { identity_ids: [identityId] } }));
  return group;
}

/** The page that says no, and what the client is told by it. */
async function assertDenied(login: TestLogin, answer: Answer): Promise<void> {
  assert.equal(answer.status, 403, answer.text);
  assert.match(answer.text, /<h1>You cannot sign in here<\/h1>/);
  const left = await login.browser.post(login.url, { ...hiddenFields(answer), action: "cancel" });
  const told = await login.finish(left);
  assert.equal(told.searchParams.get("error"), "access_denied");
  assert.equal(told.searchParams.get("error_description"), "The login did not succeed or was cancelled.");
  assert.equal(told.searchParams.has("code"), false);
}

const payloadsOf = (events: readonly ShownEvent[], type: string) =>
  events.filter((event) => event.type === type).map(({ outcome, payload }) => ({ outcome, payload }));

describe("the policy of a realm judges every login (reference 3.1)", () => {
  test("who is in the group comes in, who is not reads one sentence, and the client is told access_denied", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    const stranger = newAddress(tenant);
    await tenant.addIdentity(stranger);
    const group = await addToGroup(tenant, at.identityId);
    await setPolicy(tenant, [rule("clerks", "ALLOW", { group_ids: [group] })], "DENY");
    await logInByCode(at);
    const login = await testLogin(tenant, application);
    const denied = await login.logIn(stranger);
    assert.doesNotMatch(denied.text, /clerks/i, "which rule it was is not told");
    await assertDenied(login, denied);
    assertTold(await authorize(login, application, NONE), "login_required");
  });

  test("the answer is the client's when the page is loaded again instead of left", async () => {
    const at = await newPerson();
    await setPolicy(at.flow.tenant, [], "DENY");
    const login = await testLogin(at.flow.tenant, at.flow.application);
    await login.logIn(at.email);
    const told = await login.finish(await login.browser.open(login.url));
    assert.equal(told.searchParams.get("error"), "access_denied");
  });

  test("each evaluation is an event, with its rules, those that only watch, and the flow that it belongs to", async () => {
    const flow = await testCodeFlow({ tenant: await testTenant() });
    const { tenant, application } = flow;
    const email = newAddress(tenant);
    const identityId = await tenant.addIdentity(email);
    const { applicationId } = application.key;
    await setPolicy(tenant, [
      rule("watch", "MONITOR", { credential_types: ["email_one_time_password"] }),
      rule("elsewhere", "DENY", { source_cidrs: ["10.0.0.0/8"], transaction_types: ["registration"] }),
      rule("here", "DENY", { source_cidrs: LOOPBACK, application_ids: [applicationId] }),
      rule("later", "ALLOW"),
    ]);
    const login = await testLogin(tenant, application);
    const denied = await login.logIn(email);
    await assertDenied(login, denied);
    const events = await listAllEvents(tenant, { filter: `trace_id eq "${denied.headers.get("x-trace-id")}"` });
    assert.deepEqual(
      events.map(({ type, outcome, actor }) => [type, outcome, actor]),
      [
        ["AuthenticationTransaction", "COMPLETE:DENY", { type: "Identity", id: identityId }],
        ["PolicyEvaluation", "DENY", { type: "Identity", id: identityId }],
      ],
    );
    const [{ payload } = { payload: undefined }] = payloadsOf(events, "PolicyEvaluation");
    const { request_id, ...facts } = payload ?? {};
    assert.ok(login.url.endsWith(String(request_id)));
    assert.equal(events[1]?.correlation_id, request_id);
    assert.deepEqual(facts, {
      decision: "policy",
      decided: "DENY",
      identity_id: identityId,
      type: "authentication",
      credential_type: "email_one_time_password",
      policy_version: 1,
      rule_id: "here",
      monitored: ["watch"],
      steps: [
        { rule_id: "watch", unmet: [] },
        { rule_id: "elsewhere", unmet: ["transaction_types", "source_cidrs"] },
        { rule_id: "here", unmet: [] },
      ],
    });
    const { facts: told } = await decisionOf(tenant, denied);
    assert.deepEqual([told.rule_id, told.policy_version, told.monitored], ["here", 1, ["watch"]]);
    const all = await listAllEvents(tenant, { filter: `correlation_id eq "${request_id}"` });
    assert.ok(all.some(({ outcome, type }) => type === "AuthenticationTransaction" && outcome === "COMPLETE:DENY"));
  });

  test("it is the policy that holds when the code is sent, and not when the login began", async () => {
    const at = await newPerson();
    await setPolicy(at.flow.tenant, [], "DENY");
    const login = await testLogin(at.flow.tenant, at.flow.application);
    await login.submit("send", { email: at.email });
    await setPolicy(at.flow.tenant, [], "ALLOW");
    assert.ok((await login.finish(await login.submit("verify", { code: "424242" }))).searchParams.has("code"));
    const second = await testLogin(at.flow.tenant, at.flow.application);
    await second.submit("send", { email: at.email });
    await setPolicy(at.flow.tenant, [], "DENY");
    await assertDenied(second, await second.submit("verify", { code: "424242" }));
  });

  test("a newcomer whom it denies is not made", async () => {
    const flow = await testCodeFlow({ tenant: await testTenant({ realm: { auto_provision: true } }) });
    await setPolicy(flow.tenant, [rule("mail", "DENY", { credential_types: ["email_one_time_password"] })]);
    const email = newAddress(flow.tenant);
    const login = await testLogin(flow.tenant, flow.application);
    await assertDenied(login, await login.logIn(email));
    const api = managementClient(flow.tenant);
    const { identities } = await succeed(
      api("ListIdentities", { query: { filter: `traits.primary_email_address eq "${email}"` } }),
    );
    assert.deepEqual(identities, []);
    const [event] = await listAllEvents(flow.tenant, { filter: 'type eq "PolicyEvaluation"' });
    assert.deepEqual([event?.outcome, event?.actor], ["DENY", { type: "Anonymous" }]);
    await setPolicy(flow.tenant, [], "ALLOW");
    const again = await testLogin(flow.tenant, flow.application);
    assert.ok((await again.finish(await again.logIn(email))).searchParams.has("code"));
  });

  test("a wrong code is a wrong code: the policy says nothing to who has proved nothing", async () => {
    const at = await newPerson();
    await setPolicy(at.flow.tenant, [], "DENY");
    const login = await testLogin(at.flow.tenant, at.flow.application);
    const answer = await login.logIn(at.email, "111111");
    assert.equal(answer.status, 400);
    assert.match(answer.text, /That code does not work/);
  });

  test("an admin realm lets in the members of its group, and nobody else", async () => {
    const { tenant, api, realm, console, administrator } = await adminWorld();
    const parameters = { redirect_uri: "https://console.example/in" };
    const denied = await testLogin(tenant, console, { parameters });
    await assertDenied(denied, await denied.logIn("admin@example.com"));
    const { groups } = await succeed(
      api("ListGroups", { realm, query: { filter: 'display_name sw "Admin Console"' } }),
    );
    await succeed(
      api("AddGroupMembers", { realm, group: groups[0]?.id ?? "", body: { identity_ids: [administrator] } }),
    );
    const login = await testLogin(tenant, console, { parameters });
    assert.ok((await login.finish(await login.logIn("admin@example.com"))).searchParams.has("code"));
  });
});

describe("a session is used for an application only as the policy allows", () => {
  test("whom it denies there gets no code in silence, and at the page may choose another account", async () => {
    const at = await newPerson();
    const { tenant } = at.flow;
    const other = await secondApplication(at);
    await logInByCode(at);
    await setPolicy(tenant, [rule("not-there", "DENY", { application_ids: [other.key.applicationId] })]);
    const silent = await authorize(at, other, NONE);
    assertTold(silent, "access_denied");
    const { outcome, facts } = await decisionOf(tenant, silent);
    assert.deepEqual([outcome, facts.rule_id, facts.identity_id], ["access_denied", "not-there", at.identityId]);
    assert.ok(locationOf(await authorize(at, at.flow.application, NONE)).searchParams.has("code"), "only there");
    const login = await testLogin(tenant, other, { browser: at.browser });
    const page = await at.browser.open(login.url);
    assert.match(page.text, /value="other_account"/);
    await assertDenied(login, await login.submit("continue"));
  });

  /** Somebody logged in by one kind of credential, and an application of both kinds that the policy lets nobody in to by that one. */
  async function deniedThere(by: CredentialType, methods: readonly LoginMethod[] = BOTH) {
    const at = await newPerson();
    const other = await secondApplication(at);
    const { tenant } = at.flow;
    const application = { authenticator_config_id: await tenant.addAuthenticatorConfig(methods) };
    const named = { application: other.key.applicationId, body: { application } };
    await succeed(managementClient(tenant)("UpdateApplication", named));
    await logInByCode(at);
    if (by === "webauthn_passkey") await asByPasskey(tenant, at.identityId);
    const match = { application_ids: [other.key.applicationId], credential_types: [by] };
    await setPolicy(tenant, [rule("not-by-that", "DENY", match)]);
    return { at, other };
  }

  test("where another kind of login would do, that is asked for", async () => {
    const { at, other } = await deniedThere("email_one_time_password");
    assertTold(await authorize(at, other, NONE), "login_required");
    const asked = await authorize(at, other);
    assertAsked(asked);
    const page = await at.browser.open(`${at.flow.tenant.server.url}${locationOf(asked).pathname}`);
    assert.match(page.text, /<h1>Sign in<\/h1>/);
  });

  const NO_HELP: readonly (readonly [string, Parameters<typeof deniedThere>, Readonly<Record<string, string>>])[] = [
    ["the application", ["email_one_time_password", ["email_one_time_password"]], {}],
    ["the request", ["webauthn_passkey"], { claims: '{"id_token":{"acr":{"essential":true,"value":"mayfly:3"}}}' }],
  ];
  for (const [taker, denied, parameters] of NO_HELP) {
    test(`a login that ${taker} does not take is not asked for: it is denied at once, but for another account`, async () => {
      const { at, other } = await deniedThere(...denied);
      assertTold(await authorize(at, other, { ...parameters, ...NONE }), "access_denied");
      const login = await testLogin(at.flow.tenant, other, { browser: at.browser, parameters });
      assert.match((await at.browser.open(login.url)).text, /value="other_account"/);
      await assertDenied(login, await login.submit("continue"));
    });
  }

  test("a request that was posted is judged likewise", async () => {
    const at = await newPerson();
    const { tenant, application } = at.flow;
    await logInByCode(at);
    await setPolicy(tenant, [], "DENY");
    const sent = authorizeParameters(application, VERIFIER, NONE);
    const begun = await at.browser.post(`${application.issuer}/authorize`, sent);
    const { pathname, search } = locationOf(begun);
    assertTold(await at.browser.open(`${tenant.server.url}${pathname}${search}`), "access_denied");
  });

  for (const [prompt, yes] of [
    ["select_account", "continue"],
    ["consent", "allow"],
  ] as const) {
    test(`who is asked by prompt=${prompt} and says yes is judged when the answer comes`, async () => {
      const at = await newPerson();
      const { tenant, application } = at.flow;
      await logInByCode(at);
      const login = await testLogin(tenant, application, { browser: at.browser, parameters: { prompt } });
      await setPolicy(tenant, [], "DENY");
      await assertDenied(login, await login.submit(yes));
    });
  }
});
