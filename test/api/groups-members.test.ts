import assert from "node:assert/strict";
import { test } from "node:test";
import { adminWorld } from "../support/admin-world.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

const group = (display_name: string) => ({ body: { group: { display_name } } });

test("members are added, listed a page at a time and taken out", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateGroup", group("Clerks")));
  const identity_ids: string[] = [];
  for (const name of ["ann", "bob", "cat"]) identity_ids.push(await tenant.addIdentity(`${name}@example.com`));
  const [one = "", ...others] = identity_ids;
  await succeed(api("AddGroupMembers", { group: id, body: { identity_ids } }));
  await succeed(api("AddGroupMembers", { group: id, body: { identity_ids: [one] } }));
  const first = await succeed(api("ListGroupMembers", { group: id, query: { page_size: "2" } }));
  assert.deepEqual([first.identities.length, first.total_size], [2, 3]);
  const { next_page_token: page_token = "" } = first;
  const rest = await succeed(api("ListGroupMembers", { group: id, query: { page_token } }));
  const listed = [...first.identities, ...rest.identities].map((identity) => identity.id);
  assert.deepEqual(listed, identity_ids.toSorted());
  assert.equal(rest.next_page_token, undefined);
  assert.equal((await succeed(api("ListGroupMembers", { group: id, query: { skip: "2" } }))).identities.length, 1);
  await succeed(api("DeleteGroupMembers", { group: id, body: { identity_ids: [one, "00000000000000ff"] } }));
  assert.equal((await succeed(api("ListGroupMembers", { group: id }))).total_size, 2);
  // Whoever is deleted leaves by himself.
  await succeed(api("BatchDeleteIdentities", { body: { ids: others } }));
  assert.deepEqual(await succeed(api("ListGroupMembers", { group: id })), { identities: [], total_size: 0 });
  assert.equal((await api("DeleteGroup", { group: id })).status, 200);
  assert.equal((await api("ListGroupMembers", { group: id })).status, 404);
});

test("members are added all or none", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateGroup", group("Clerks")));
  const identity_ids = [await tenant.addIdentity("ann@example.com"), "00000000000000ff"];
  const refused = await api("AddGroupMembers", { group: id, body: { identity_ids } });
  assert.deepEqual([refused.status, refused.json?.message], [404, "identity not found"]);
  assert.equal((await succeed(api("ListGroupMembers", { group: id }))).total_size, 0);
  const elsewhere = managementClient(await testTenant());
  assert.equal((await elsewhere("ListGroupMembers", { group: id })).status, 404);
});

test("a group with a member is not deleted", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateGroup", group("Clerks")));
  const identity_ids = [await tenant.addIdentity("ann@example.com")];
  await succeed(api("AddGroupMembers", { group: id, body: { identity_ids } }));
  const refused = await api("DeleteGroup", { group: id });
  assert.deepEqual([refused.status, refused.json?.message], [409, "group has children"]);
});

test("who is in a group that gives more power than the caller has is not the caller's to say (rule 1)", async () => {
  const { tenant, api, realm, administrator, nobody, group: admins } = await adminWorld();
  const token = await tenant.managementToken("groups:update identities:read groups:delete");
  const { id: office } = await succeed(api("CreateGroup", { realm, ...group("Office") }));
  const members = (of: string, ...identity_ids: string[]) => ({ realm, group: of, body: { identity_ids } });
  // Somebody powerful in a group without power.
  assert.equal((await api("AddGroupMembers", { ...members(office, administrator), token })).status, 403);
  assert.equal((await api("AddGroupMembers", { ...members(office, nobody), token })).status, 200);
  assert.equal((await api("AddGroupMembers", { ...members(admins, nobody), token })).status, 403);
  assert.equal((await api("DeleteGroupMembers", { ...members(admins, administrator), token })).status, 403);
  assert.equal((await api("DeleteGroupMembers", members(admins, administrator))).status, 200);
  assert.equal((await api("DeleteGroup", { realm, group: admins, token })).status, 403);
  assert.equal((await api("DeleteGroup", { realm, group: admins })).status, 200);
});

test("the roles of a person and of a group are listed by resource server", async () => {
  const { api, realm, administrator, nobody, group: admins, managedServer, role } = await adminWorld();
  const query = { resource_server_id: managedServer };
  const another = { resource_server: { display_name: "Shoes", identifier: "urn:shoes", scopes: ["shoes:read"] } };
  const { id: resource_server } = await succeed(api("CreateResourceServer", { realm, body: another }));
  const clerks = { role: { display_name: "Clerks" } };
  const { id: clerk } = await succeed(api("CreateRole", { realm, resource_server, body: clerks }));
  const body = { identity_ids: [administrator], group_ids: [] };
  await succeed(api("AddRoleMembers", { realm, resource_server, role: clerk, body }));
  const idsOf = ({ roles }: { readonly roles: readonly { readonly id: string }[] }) =>
    roles.map(({ id }) => id).toSorted();
  const all = await succeed(api("ListIdentityRoles", { realm, identity: administrator }));
  assert.deepEqual([idsOf(all), all.total_size], [[role, clerk].toSorted(), 2]);
  // Later pages keep the resource server, which clients leave out there.
  const held = { realm, identity: administrator };
  const one = await succeed(api("ListIdentityRoles", { ...held, query: { ...query, page_size: "1" } }));
  assert.deepEqual([idsOf(one), one.total_size, one.next_page_token], [[role], 1, undefined]);
  const none = await succeed(api("ListIdentityRoles", { realm, identity: nobody }));
  assert.deepEqual(none, { roles: [], total_size: 0 });
  const given = await succeed(api("ListGroupRoles", { realm, group: admins, query }));
  assert.deepEqual([idsOf(given), given.total_size], [[role], 1]);
  const ofGroup = { group_ids: [admins] };
  await succeed(api("AddRoleMembers", { realm, resource_server, role: clerk, body: ofGroup }));
  const every = await succeed(api("ListGroupRoles", { realm, group: admins }));
  assert.deepEqual([idsOf(every), every.total_size], [[role, clerk].toSorted(), 2]);
  const unknown = { resource_server_id: "00000000-0000-4000-8000-000000000000" };
  for (const answer of [
    await api("ListIdentityRoles", { realm, identity: administrator, query: unknown }),
    await api("ListGroupRoles", { realm, group: admins, query: unknown }),
  ]) {
    assert.deepEqual([answer.status, answer.json?.message], [409, "resource server not found"]);
  }
  assert.equal((await api("ListIdentityRoles", { realm, identity: "00000000000000ff" })).status, 404);
});

test("somebody who is deleted while he is added to a group, or taken out of it, is in none", async () => {
  const api = managementClient(await testTenant());
  const { id } = await succeed(api("CreateGroup", group("Clerks")));
  for (let round = 0; round < 5; round += 1) {
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const traits = { type: "traits_v0", username: `${name}${round}@example.com` } as const;
      const identity = { display_name: name, traits };
      ids.push((await succeed(api("CreateIdentity", { body: { identity } }))).id);
    }
    const back = { group: id, body: { identity_ids: ids.toReversed() } };
    if (round % 2 === 1) await succeed(api("AddGroupMembers", { group: id, body: { identity_ids: ids } }));
    const answers = await Promise.all([
      api("BatchDeleteIdentities", { body: { ids } }),
      round % 2 === 1 ? api("DeleteGroupMembers", back) : api("AddGroupMembers", back),
    ]);
    assert.ok(
      answers.every(({ status }) => status === 200 || status === 404),
      answers.map(({ text }) => text).join(),
    );
    assert.deepEqual(await succeed(api("ListGroupMembers", { group: id })), { identities: [], total_size: 0 });
  }
});

test("who is in a group is part of its version: what changes it is seen by If-Match, what changes nothing is not", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateGroup", group("Clerks")));
  const body = { identity_ids: [await tenant.addIdentity("ann@example.com")] };
  const etagOf = async (name: "AddGroupMembers" | "DeleteGroupMembers", etag = "*") =>
    (await api(name, { group: id, body, headers: { "if-match": etag } })).headers.get("etag");
  assert.equal(await etagOf("AddGroupMembers", '"1"'), '"2"');
  assert.equal(await etagOf("AddGroupMembers", '"2"'), '"2"');
  assert.equal((await api("GetGroup", { group: id })).headers.get("etag"), '"2"');
  const stale = await api("DeleteGroupMembers", { group: id, body, headers: { "if-match": '"1"' } });
  assert.equal(stale.status, 412, stale.text);
  assert.equal(await etagOf("DeleteGroupMembers", '"2"'), '"3"');
  assert.equal(await etagOf("DeleteGroupMembers", '"3"'), '"3"');
  const added = { op: "add", path: "members", value: [{ value: body.identity_ids[0] }] };
  const schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
  await succeed(api("SCIMUpdateGroup", { group: id, body: { schemas, Operations: [added] } }));
  assert.notEqual((await api("GetGroup", { group: id })).headers.get("etag"), '"3"');
});
