import assert from "node:assert/strict";
import { test } from "node:test";
import { adminWorld } from "../support/admin-world.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { testTenant } from "../support/test-tenant.ts";

const traits = (username: string) => ({ type: "traits_v0", username }) as const;
const identity = (username: string) => ({ body: { identity: { display_name: "Ann", traits: traits(username) } } });

test("an identity is made, shown, changed and deleted", async () => {
  const api = managementClient(await testTenant());
  const sent = { display_name: "Ann", traits: { ...traits("ann"), given_name: "Ann", family_name: null } };
  const made = await api("CreateIdentity", { body: { identity: sent } });
  assert.equal(made.status, 200, made.text);
  const { id, status, traits: kept } = made.value;
  assert.deepEqual([status, kept], ["active", { ...traits("ann"), given_name: "Ann" }]);
  assert.deepEqual((await api("GetIdentity", { identity: id })).value, made.value);
  const change = { status: "suspended", traits: { ...traits("Ann2"), given_name: null } } as const;
  const body = { identity: { ...made.value, ...change, enrollment_status: "UNENROLLED" } };
  const changed = await api("UpdateIdentity", { identity: id, body, headers: { "if-match": '"1"' } });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual([changed.value.status, changed.value.traits], ["suspended", traits("Ann2")]);
  assert.equal(changed.headers.get("etag"), '"2"');
  assert.equal((await api("UpdateIdentity", { identity: id, body, headers: { "if-match": '"1"' } })).status, 412);
  const gone = await api("DeleteIdentity", { identity: id });
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  const after = await api("GetIdentity", { identity: id });
  assert.deepEqual([after.status, after.json?.message], [404, "identity not found"]);
});

test("what is wrong with an identity is said by name", async () => {
  const api = managementClient(await testTenant());
  const fields = async (body: Parameters<typeof api<"CreateIdentity">>[1]["body"]["identity"]) => {
    const answer = await api("CreateIdentity", { body: { identity: body } });
    assert.equal(answer.status, 400, answer.text);
    return violationsOf(answer);
  };
  assert.deepEqual(await fields({ display_name: "Ann" }), ["identity.traits: missing"]);
  assert.deepEqual(await fields({ display_name: "Ann", traits: { username: "ann" } }), [
    "identity.traits.type: missing",
  ]);
  assert.deepEqual(await fields({ traits: { type: "traits_v0" } }), [
    "identity.display_name: missing",
    "identity.traits.username: missing",
  ]);
  const { id } = await succeed(api("CreateIdentity", identity("ann")));
  const nameless = { traits: { ...traits("ann"), username: null } };
  const refused = await api("UpdateIdentity", { identity: id, body: { identity: nameless } });
  assert.deepEqual(violationsOf(refused), ["identity.traits.username: missing"]);
  const typeless = await api("UpdateIdentity", { identity: id, body: { identity: { traits: { title: "Dr" } } } });
  assert.deepEqual(violationsOf(typeless), ["identity.traits.type: missing"]);
});

test("a user name is one person's, in whatever case; deleting frees it", async () => {
  const api = managementClient(await testTenant());
  const { id } = await succeed(api("CreateIdentity", identity("ann")));
  const { id: other } = await succeed(api("CreateIdentity", identity("bob")));
  for (const answer of [
    await api("CreateIdentity", identity("ANN")),
    await api("UpdateIdentity", { identity: other, ...identity("Ann") }),
  ]) {
    assert.deepEqual([answer.status, answer.json?.message], [409, "username already exists"]);
  }
  await succeed(api("DeleteIdentity", { identity: id }));
  await succeed(api("CreateIdentity", identity("Ann")));
});

test("a user name is no client_id of the realm, in whatever case (rule 2)", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { clientId } = (await testClient({ tenant })).application;
  const { id } = await succeed(api("CreateIdentity", identity("ann")));
  for (const username of [clientId, clientId.toUpperCase()]) {
    for (const answer of [
      await api("CreateIdentity", identity(username)),
      await api("UpdateIdentity", { identity: id, ...identity(username) }),
    ]) {
      assert.deepEqual(violationsOf(answer), [
        "identity.traits.username: is the client_id of an application of this realm",
      ]);
    }
  }
});

test("identities are listed with filters over their traits", async () => {
  const api = managementClient(await testTenant());
  for (const username of ["anna@example.com", "anton@example.com", "bert@example.com"]) {
    await succeed(api("CreateIdentity", identity(username)));
  }
  const filter = 'traits.username sw "AN" and status eq "active"';
  const first = await succeed(api("ListIdentities", { query: { filter, page_size: "1" } }));
  assert.deepEqual([first.identities.length, first.total_size], [1, 2]);
  const { next_page_token: page_token = "" } = first;
  const second = await succeed(api("ListIdentities", { query: { page_token } }));
  assert.deepEqual([second.identities.length, second.next_page_token], [1, undefined]);
  assert.equal((await succeed(api("ListIdentities", { query: { skip: "2" } }))).identities.length, 1);
});

test("identities are deleted together, or none of them", async () => {
  const api = managementClient(await testTenant());
  const make = async (username: string) => (await succeed(api("CreateIdentity", identity(username)))).id;
  const ids = [await make("ann"), await make("bob")];
  const [one = ""] = ids;
  const unknown = "00000000000000ff";
  const missing = await api("BatchDeleteIdentities", { body: { ids: [...ids, unknown] } });
  assert.equal(missing.status, 404, missing.text);
  assert.deepEqual(missing.json?.details, [
    {
      type: "BatchOperationErrors",
      description: "nothing was done",
      errors: [{ Description: "identity not found", IDs: [unknown], ResourceType: "Identity" }],
    },
  ]);
  const repeated = await api("BatchDeleteIdentities", { body: { ids: [one, one] } });
  assert.deepEqual(violationsOf(repeated), [`ids: repeats ${one}`]);
  const many = Array.from({ length: 1001 }, (_, n) => n.toString(16).padStart(16, "0"));
  const tooMany = await api("BatchDeleteIdentities", { body: { ids: many } });
  assert.deepEqual(violationsOf(tooMany), ["ids: array exceeds 1000 elements"]);
  assert.equal((await api("GetIdentity", { identity: one })).status, 200);
  const gone = await api("BatchDeleteIdentities", { body: { ids } });
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  for (const id of ids) assert.equal((await api("GetIdentity", { identity: id })).status, 404);
});

test("two who delete the same identities at once do not wait for each other for ever", async () => {
  const api = managementClient(await testTenant());
  const ids: string[] = [];
  for (let n = 0; n < 8; n += 1) ids.push((await succeed(api("CreateIdentity", identity(`person ${n}`)))).id);
  const orders = [ids, ids.toReversed()];
  const answers = await Promise.all(orders.map((order) => api("BatchDeleteIdentities", { body: { ids: order } })));
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 404]);
});

test("the groups of an identity are listed; deleted ones are none", async () => {
  const api = managementClient(await testTenant());
  const { id } = await succeed(api("CreateIdentity", identity("ann")));
  const groups: string[] = [];
  for (const display_name of ["One", "Two", "Three"]) {
    const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name } } }));
    await succeed(api("AddGroupMembers", { group, body: { identity_ids: [id] } }));
    groups.push(group);
  }
  const first = await succeed(api("ListIdentityGroups", { identity: id, query: { page_size: "2" } }));
  const rest = await succeed(
    api("ListIdentityGroups", { identity: id, query: { page_token: first.next_page_token ?? "" } }),
  );
  assert.deepEqual([...first.groups, ...rest.groups].map((group) => group.id).toSorted(), groups.toSorted());
  assert.equal(first.total_size, 3);
  const unknown = await api("ListIdentityGroups", { identity: "00000000000000ff" });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "identity not found"]);
});

test("a suspended identity's tokens are dead at once, and so are a deleted one's", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const flow = await testCodeFlow({ tenant });
  const { access } = await flow.logIn();
  const isActive = async () => (await tenant.introspect(flow.application, access)).active;
  const set = async (status: "active" | "suspended") =>
    succeed(api("UpdateIdentity", { identity: flow.identityId, body: { identity: { status } } }));
  assert.equal(await isActive(), true);
  await set("suspended");
  assert.equal(await isActive(), false);
  await set("active");
  const { access: another } = await flow.logIn();
  assert.equal((await tenant.introspect(flow.application, another)).active, true);
  await succeed(api("DeleteIdentity", { identity: flow.identityId }));
  assert.equal((await tenant.introspect(flow.application, another)).active, false);
});

test("a change's event names members and never values", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateIdentity", identity("ann")));
  const change = { display_name: "Secret name", traits: { ...traits("ann"), title: "Secret title" } };
  await succeed(api("UpdateIdentity", { identity: id, body: { identity: change } }));
  await succeed(api("BatchDeleteIdentities", { body: { ids: [id] } }));
  const rows = await tenant.server.deps.database.maintain((session) =>
    session.query(
      "SELECT action, payload::text AS payload FROM events WHERE tenant_id = $1 AND type = 'IdentityChange' ORDER BY id",
      [tenant.tenantId],
    ),
  );
  assert.deepEqual(rows.map(({ action }) => action).toSorted(), ["CREATE", "DELETE", "UPDATE"]);
  const told = rows.map(({ payload }) => String(payload)).join();
  assert.match(told, /"changed": ?\["display_name", ?"traits.title"\]/);
  assert.doesNotMatch(told, /Secret/);
});

test("who can log in as somebody with more power is nobody's to say who lacks it (rule 1)", async () => {
  const { tenant, api, realm, administrator: powerful, nobody: plain } = await adminWorld();
  const login = [
    { status: "suspended" as const },
    { traits: traits("another") },
    ...["primary_email_address", "secondary_email_address", "external_id"].map((name) => ({
      traits: { ...traits("admin"), [name]: "thief@example.com" },
    })),
  ];
  const update = await tenant.managementToken("identities:update");
  for (const change of login) {
    const lesser = await api("UpdateIdentity", {
      realm,
      identity: powerful,
      body: { identity: change },
      token: update,
    });
    assert.equal(lesser.status, 403, `${JSON.stringify(change)} ${lesser.text}`);
  }
  const name = { identity: { display_name: "Another name" } };
  assert.equal((await api("UpdateIdentity", { realm, identity: powerful, body: name, token: update })).status, 200);
  const suspend = { identity: { status: "suspended" } } as const;
  assert.equal((await api("UpdateIdentity", { realm, identity: plain, body: suspend, token: update })).status, 200);
  const remove = await tenant.managementToken("identities:delete");
  assert.equal((await api("DeleteIdentity", { realm, identity: powerful, token: remove })).status, 403);
  const batch = { realm, body: { ids: [plain, powerful] } };
  assert.equal((await api("BatchDeleteIdentities", { ...batch, token: remove })).status, 403);
  assert.equal((await api("GetIdentity", { realm, identity: plain })).status, 200);
  assert.equal((await api("BatchDeleteIdentities", batch)).status, 200);
});
