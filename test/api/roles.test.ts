import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf } from "../support/change-events.ts";
import { type ManagementClient, managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const UNKNOWN = "00000000000000ff";

interface Shop {
  readonly tenant: TestTenant;
  readonly api: ManagementClient;
  readonly path: { readonly resource_server: string; readonly role: string };
}

/** A tenant with a resource server and one role of it. */
async function testShop(): Promise<Shop> {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { resourceServerId: resource_server } = await tenant.addResourceServer();
  const { id: role } = await succeed(api("CreateRole", { resource_server, body: { role: { display_name: "Clerk" } } }));
  return { tenant, api, path: { resource_server, role } };
}

test("a role is made, shown without scopes and members, listed, changed and deleted", async () => {
  const { tenant, api, path } = await testShop();
  const { resource_server } = path;
  const role = await succeed(api("GetRole", path));
  assert.deepEqual(Object.keys(role).sort(), [
    ...[
      "create_time",
      "description",
      "display_name",
      "id",
      "realm_id",
      "resource_server_id",
      "tenant_id",
      "update_time",
    ],
  ]);
  assert.deepEqual([role.description, role.resource_server_id], ["", resource_server]);
  const other = await tenant.addResourceServer();
  const elsewhere = { resource_server: other.resourceServerId };
  await succeed(api("CreateRole", { ...elsewhere, body: { role: { display_name: "Clerk" } } }));
  assert.deepEqual(await succeed(api("ListRoles", { resource_server })), { roles: [role], total_size: 1 });
  const foreign = await api("GetRole", { ...path, ...elsewhere });
  assert.deepEqual([foreign.status, foreign.json?.message], [404, "role not found"]);
  const body = { role: { ...role, display_name: "Clerks", description: null } };
  assert.equal((await succeed(api("UpdateRole", { ...path, body: { role: { description: "x" } } }))).description, "x");
  const cleared = await succeed(api("UpdateRole", { ...path, body }));
  assert.deepEqual([cleared.display_name, cleared.description], ["Clerks", ""]);
  assert.equal((await api("DeleteRole", path)).text, "");
  assert.equal((await api("GetRole", path)).status, 404);
  const done = ["CREATE", "UPDATE", "UPDATE", "DELETE"].map((action) => `RoleOperation ${action}`);
  assert.deepEqual(await changesOf(tenant, path.role), done);
});

test("a role has a name of its own at its resource server, and its resource server exists", async () => {
  const { api, path } = await testShop();
  const role = { display_name: "CLERK" };
  const taken = await api("CreateRole", { resource_server: path.resource_server, body: { role } });
  assert.deepEqual([taken.status, taken.json?.message], [409, "role already exists"]);
  const resource_server = "00000000-0000-4000-8000-000000000000";
  for (const answer of [
    await api("CreateRole", { resource_server, body: { role } }),
    await api("ListRoles", { resource_server }),
  ]) {
    assert.deepEqual([answer.status, answer.json?.message], [404, "resource server not found"]);
  }
});

test("scopes are added once and taken away, all or none, and listed page by page", async () => {
  const { tenant, api, path } = await testShop();
  const scopes = ["shoes:read", "shoes:write"];
  const unknown = await api("AddRoleScopes", { ...path, body: { scopes: ["shoes:read", "socks:read"] } });
  assert.deepEqual(violationsOf(unknown), ["scopes: socks:read is not a scope of the resource server"]);
  assert.deepEqual(violationsOf(await api("AddRoleScopes", { ...path, body: { scopes: [] } })).length, 1);
  assert.deepEqual(await succeed(api("ListRoleScopes", path)), { scopes: [], total_size: 0 });
  await succeed(api("AddRoleScopes", { ...path, body: { scopes: ["shoes:write"] } }));
  const { id } = await succeed(api("AddRoleScopes", { ...path, body: { scopes } }));
  assert.equal(id, path.role);
  const first = await succeed(api("ListRoleScopes", { ...path, query: { page_size: "1" } }));
  assert.deepEqual([first.scopes, first.total_size], [["shoes:read"], 2]);
  const { next_page_token: page_token = "" } = first;
  const second = await succeed(api("ListRoleScopes", { ...path, query: { page_token } }));
  assert.deepEqual(second, { scopes: ["shoes:write"], total_size: 2 });
  assert.deepEqual((await succeed(api("ListRoleScopes", { ...path, query: { skip: "1" } }))).scopes, ["shoes:write"]);
  const full = await api("DeleteRole", path);
  assert.deepEqual([full.status, full.json?.message], [409, "role has children"]);
  await succeed(api("DeleteRoleScopes", { ...path, body: { scopes: [...scopes, "never"] } }));
  await succeed(api("DeleteRole", path));
  const done = (await changesOf(tenant, path.role)).filter((change) => change.startsWith("RoleScopes"));
  assert.deepEqual(
    done,
    ["CREATE", "CREATE", "DELETE"].map((action) => `RoleScopesOperation ${action}`),
  );
});

test("members are added all or none, at least one in total, and deleting them is idempotent", async () => {
  const { tenant, api, path } = await testShop();
  const identity = await tenant.addIdentity("clerk@example.com");
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  const add = (body: { group_ids?: string[]; identity_ids?: string[] }) => api("AddRoleMembers", { ...path, body });
  for (const none of [{}, { group_ids: [], identity_ids: [] }]) {
    assert.deepEqual(violationsOf(await add(none)), ["identity_ids: at least one id in total"]);
  }
  const unknown = await add({ group_ids: [group], identity_ids: [UNKNOWN] });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "identity not found"]);
  const unknownGroup = await add({ group_ids: [UNKNOWN], identity_ids: [identity] });
  assert.deepEqual([unknownGroup.status, unknownGroup.json?.message], [404, "group not found"]);
  await succeed(api("DeleteRole", path)); // nobody was added
  const { id: role } = await succeed(
    api("CreateRole", { resource_server: path.resource_server, body: { role: { display_name: "Clerk" } } }),
  );
  const at = { ...path, role };
  await succeed(api("AddRoleMembers", { ...at, body: { group_ids: [group, group], identity_ids: [identity] } }));
  await succeed(api("AddRoleMembers", { ...at, body: { identity_ids: [identity] } }));
  const full = await api("DeleteRole", at);
  assert.deepEqual([full.status, full.json?.message], [409, "role has children"]);
  const remove = (body: { group_ids?: string[]; identity_ids?: string[] }) => api("DeleteRoleMembers", { ...at, body });
  await succeed(remove({ identity_ids: [identity, UNKNOWN] }));
  assert.equal((await api("DeleteRole", at)).status, 409);
  await succeed(remove({ group_ids: [group] }));
  await succeed(remove({ group_ids: [group] }));
  await succeed(api("DeleteRole", at));
  const done = (await changesOf(tenant, role)).filter((change) => change.startsWith("RoleMembership"));
  const actions = ["CREATE", "CREATE", "DELETE", "DELETE", "DELETE"];
  assert.deepEqual(
    done,
    actions.map((action) => `RoleMembershipOperation ${action}`),
  );
});

test("members are listed by kind, each by pages of its own", async () => {
  const { tenant, api, path } = await testShop();
  const people = await Promise.all(["a", "b", "c"].map((name) => tenant.addIdentity(`${name}@example.com`)));
  const identity_ids = people.toSorted();
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  await succeed(api("AddRoleMembers", { ...path, body: { group_ids: [group], identity_ids } }));
  const first = await succeed(api("ListRoleMembers", { ...path, query: { identities_page_size: "2" } }));
  assert.deepEqual(
    [first.groups.map(({ id }) => id), first.total_groups_size, first.next_groups_page_token],
    [[group], 1, undefined],
  );
  assert.deepEqual([first.identities.map(({ id }) => id), first.total_identities_size], [identity_ids.slice(0, 2), 3]);
  const { next_identities_page_token: token = "" } = first;
  const rest = { identities_page_token: token, groups_skip: "1" };
  const second = await succeed(api("ListRoleMembers", { ...path, query: rest }));
  assert.deepEqual([second.identities.map(({ id }) => id), second.groups], [identity_ids.slice(2), []]);
  assert.equal(second.next_identities_page_token, undefined);
  const other = await api("ListRoleMembers", { ...path, query: { groups_page_token: token } });
  assert.deepEqual(violationsOf(other), ["groups_page_token: invalid page token"]);
  await succeed(api("DeleteRoleMembers", { ...path, body: { identity_ids } }));
  assert.equal((await succeed(api("ListRoleMembers", path))).total_identities_size, 0);
  const unknown = await api("ListRoleMembers", { ...path, role: UNKNOWN });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "role not found"]);
});

test("lists of a thousand are the longest", async () => {
  const { api, path } = await testShop();
  const ids = Array.from({ length: 1001 }, (_, n) => n.toString(16).padStart(16, "0"));
  const many = await api("AddRoleMembers", { ...path, body: { identity_ids: ids } });
  assert.deepEqual(violationsOf(many), ["identity_ids: array exceeds 1000 elements"]);
});

test("who holds a role is part of its version: what changes it is seen by If-Match, what changes nothing is not", async () => {
  const { tenant, api, path } = await testShop();
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  const body = { group_ids: [group], identity_ids: [await tenant.addIdentity("ann@example.com")] };
  const added = await api("AddRoleMembers", { ...path, body, headers: { "if-match": '"1"' } });
  const etag = String(added.headers.get("etag"));
  assert.notEqual(etag, '"1"');
  assert.equal((await api("GetRole", path)).headers.get("etag"), etag);
  assert.equal((await api("AddRoleMembers", { ...path, body })).headers.get("etag"), etag);
  const stale = await api("DeleteRoleMembers", { ...path, body, headers: { "if-match": '"1"' } });
  assert.equal(stale.status, 412, stale.text);
  const removed = await api("DeleteRoleMembers", { ...path, body, headers: { "if-match": etag } });
  assert.notEqual(removed.headers.get("etag"), etag);
});
