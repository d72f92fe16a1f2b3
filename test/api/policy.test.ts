import assert from "node:assert/strict";
import { test } from "node:test";
import { adminWorld } from "../support/admin-world.ts";
import { listAllEvents } from "../support/events.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

const rule = (id: string, action: "ALLOW" | "DENY" | "MONITOR", match: object = {}) => ({ id, match, action });

test("a realm's policy has versions, of which the last one holds", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const first = await api("GetPolicy", {});
  assert.deepEqual([first.value.version, first.value.default_action, first.headers.get("etag")], [0, "ALLOW", '"0"']);
  const policy = { rules: [rule("night", "DENY", { source_cidrs: ["10.0.0.0/8"] })], default_action: "ALLOW" as const };
  const made = await api("CreatePolicy", { body: { policy }, headers: { "if-match": '"0"' } });
  assert.equal(made.status, 200, made.text);
  assert.deepEqual([made.value.version, made.value.rules], [1, policy.rules]);
  assert.equal((await api("CreatePolicy", { body: { policy }, headers: { "if-match": '"0"' } })).status, 412);
  const others = Array.from({ length: 3 }, () =>
    api("CreatePolicy", { body: { policy: { rules: [], default_action: "DENY" } } }),
  );
  const versions = (await Promise.all(others)).map(({ value }) => value.version);
  assert.deepEqual(versions.toSorted(), [2, 3, 4], "at once, each is a version of its own");
  assert.equal((await succeed(api("GetPolicy", {}))).version, 4);
  const page = await succeed(api("ListPolicyVersions", { query: { page_size: "3" } }));
  assert.deepEqual([page.policies.map(({ version }) => version), page.total_size], [[1, 2, 3], 4]);
  const { next_page_token: page_token = "" } = page;
  const rest = await succeed(api("ListPolicyVersions", { query: { page_token } }));
  assert.deepEqual(
    rest.policies.map(({ version }) => version),
    [4],
  );
  assert.deepEqual(await succeed(api("GetPolicyVersion", { policy_version: "1" })), made.value);
  for (const policy_version of ["0", "5", "01", "x", "99999999999"]) {
    assert.equal((await api("GetPolicyVersion", { policy_version })).status, 404, policy_version);
  }
  const events = await listAllEvents(tenant, { filter: 'resource.type eq "Policy"' });
  assert.deepEqual(events.map(({ payload }) => payload.version).toSorted(), [1, 2, 3, 4]);
});

test("two creates with one Idempotency-Key make one version", async () => {
  const api = managementClient(await testTenant());
  const policy = { rules: [rule("a", "DENY")], default_action: "ALLOW" as const };
  const sent = { body: { policy }, headers: { "idempotency-key": "once" } };
  const [one, two] = await Promise.all([api("CreatePolicy", sent), api("CreatePolicy", sent)]);
  assert.deepEqual([one.status, one.value, one.value.version], [200, two.value, 1], one.text);
});

test("what is wrong with a policy is said by name", async () => {
  const api = managementClient(await testTenant());
  const refused = async (policy: object) =>
    String(
      violationsOf(await api("CreatePolicy", { body: { policy: { rules: [], default_action: "ALLOW", ...policy } } })),
    );
  assert.match(await refused({ default_action: "MONITOR" }), /policy\.default_action/);
  assert.match(await refused({ rules: [rule("a", "ALLOW"), rule("a", "DENY")] }), /policy\.rules: repeats a/);
  assert.match(
    await refused({ rules: [rule("a", "DENY", { source_cidrs: ["10.0.0.0/8", "10.0.0.0/33"] })] }),
    /policy\.rules: element 0, match, source_cidrs, 1: is no IP address/,
  );
  assert.match(await refused({ rules: [rule("a b", "DENY")] }), /policy\.rules: element 0, id/);
  assert.match(await refused({ rules: [rule("a", "DENY", { moon_phases: ["full"] })] }), /moon_phases/);
  assert.match(await refused({ rules: [rule("a", "DENY", { credential_types: ["password"] })] }), /credential_types/);
});

test("a dry run says what would be decided, by which rule and why, of the policy that holds and of one that is sent", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const identity_id = await tenant.addIdentity("pat@example.com");
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  await succeed(api("AddGroupMembers", { group, body: { identity_ids: [identity_id] } }));
  const rules = [
    rule("watch", "MONITOR"),
    rule("office", "ALLOW", { group_ids: [group], source_cidrs: ["10.0.0.0/8"] }),
    rule("clerks", "DENY", { group_ids: [group] }),
  ];
  await succeed(api("CreatePolicy", { body: { policy: { rules, default_action: "ALLOW" } } }));
  const transaction = { type: "authentication" as const, identity_id };
  const outside = await succeed(
    api("EvaluatePolicy", { body: { transaction: { ...transaction, source_address: "11.0.0.1" } } }),
  );
  assert.deepEqual(outside, {
    version: 1,
    action: "DENY",
    rule_id: "clerks",
    monitored: ["watch"],
    steps: [
      { rule_id: "watch", matches: true, unmet: [] },
      { rule_id: "office", matches: false, unmet: ["source_cidrs"] },
      { rule_id: "clerks", matches: true, unmet: [] },
    ],
  });
  const within = { transaction: { ...transaction, source_address: "::ffff:10.1.1.1" } };
  assert.equal((await succeed(api("EvaluatePolicy", { body: within }))).rule_id, "office");
  const stranger = await succeed(api("EvaluatePolicy", { body: { transaction: { type: "registration" } } }));
  assert.deepEqual([stranger.action, stranger.rule_id], ["ALLOW", undefined]);
  const policy = { rules: [], default_action: "DENY" as const };
  const sent = await succeed(api("EvaluatePolicy", { body: { ...within, policy } }));
  assert.deepEqual([sent.action, sent.version], ["DENY", undefined]);
  assert.equal((await succeed(api("GetPolicy", {}))).version, 1, "nothing was changed");
  const bad = await api("EvaluatePolicy", { body: { transaction: { ...transaction, source_address: "here" } } });
  assert.match(String(violationsOf(bad)), /transaction\.source_address/);
  const nobody = { type: "authentication" as const, identity_id: "0".repeat(16) };
  assert.equal((await api("EvaluatePolicy", { body: { transaction: nobody } })).status, 404);
  const token = await tenant.managementToken("policy-v1:read");
  assert.equal((await api("EvaluatePolicy", { body: { transaction }, token })).status, 403, "it would tell her groups");
  assert.equal((await api("EvaluatePolicy", { body: { transaction: { type: "registration" } }, token })).status, 200);
});

test("an admin realm begins with two rules: members of one group log in and enrol", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { realmId: realm } = tenant.adminRealm;
  const { version, rules, default_action } = await succeed(api("GetPolicy", { realm }));
  assert.deepEqual([version, default_action, rules.length], [1, "DENY", 2]);
  const { groups } = await succeed(api("ListGroups", { realm }));
  const ids = groups.map(({ id }) => id);
  assert.deepEqual(
    rules.map(({ match, action }) => [match.transaction_types, match.group_ids, action]),
    [
      [["authentication"], ids, "ALLOW"],
      [["registration"], ids, "ALLOW"],
    ],
  );
  assert.equal(groups[0]?.display_name, "Admin Console Access");
});

test("a version that would let no Super Administrator log in is refused", async () => {
  const { api, realm, group, console } = await adminWorld();
  const { rules } = await succeed(api("GetPolicy", { realm }));
  const create = (list: object[], default_action: "ALLOW" | "DENY" = "DENY") =>
    api("CreatePolicy", { realm, body: { policy: { rules: list as typeof rules, default_action } } });
  const lockOuts = [
    [],
    [...rules],
    [rule("all", "DENY"), rule("late", "ALLOW")],
    [rule("watched", "MONITOR")],
    [rule("elsewhere", "ALLOW", { application_ids: ["00000000-0000-0000-0000-000000000000"] })],
    [rule("enrol", "ALLOW", { transaction_types: ["registration"] })],
    [
      rule("nowhere", "DENY", { source_cidrs: ["10.0.0.0/8"] }),
      rule("office", "ALLOW", { source_cidrs: ["10.1.0.0/16"] }),
    ],
  ];
  for (const list of lockOuts) {
    const refused = await create(list);
    assert.deepEqual([refused.status, refused.json?.code], [409, "conflict"], JSON.stringify(list));
  }
  const halves = { source_cidrs: ["0.0.0.0/1", "128.0.0.0/1", "::/0"] };
  assert.equal((await create([rule("everywhere", "DENY", halves)], "ALLOW")).status, 409);
  assert.equal((await succeed(api("GetPolicy", { realm }))).version, 1);
  const match = { application_ids: [console.key.applicationId], group_ids: [group], source_cidrs: ["10.0.0.0/8"] };
  assert.equal((await create([...rules, rule("office", "ALLOW", match)])).status, 200);
});

test("who holds less than an admin realm's roles give changes no policy there (rule 1)", async () => {
  const { api, realm, tenant } = await adminWorld();
  const token = await tenant.managementToken("policy-v1:create policy-v1:read realms:read");
  const policy = { rules: [], default_action: "ALLOW" as const };
  const refused = await api("CreatePolicy", { realm, token, body: { policy } });
  assert.equal(refused.status, 403, refused.text);
  assert.equal((await succeed(api("GetPolicy", { realm }))).version, 1);
  assert.equal(
    (await api("CreatePolicy", { token, body: { policy } })).status,
    200,
    "nobody of this realm has any power",
  );
});
