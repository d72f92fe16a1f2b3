import assert from "node:assert/strict";
import { test } from "node:test";
import { listAllEvents } from "../support/events.ts";
import { call } from "../support/http.ts";
import { type ManagementClient, managementClient, succeed } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

const named = (display_name: string) => ({ body: { realm: { display_name } } });
const make = async (api: ManagementClient, name: string) => (await succeed(api("CreateRealm", named(name)))).id;

test("a change of a realm is the realm's own event; its making and ending are the tenant's", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const realm = await make(api, "Shop");
  await succeed(api("UpdateRealm", { realm, ...named("Shoes") }));
  const key = { tenantId: tenant.tenantId, realmId: realm };
  const own = await listAllEvents(tenant, {}, key);
  assert.deepEqual(
    own.map(({ type, action, realm_id }) => [type, action, realm_id]),
    [["V1RealmChange", "UPDATE", realm]],
  );
  await succeed(api("DeleteRealm", { realm }));
  const ofTenant = await listAllEvents(tenant, { filter: 'type eq "V1RealmChange"' }, tenant.adminRealm);
  assert.deepEqual(
    ofTenant.map(({ action, realm_id }) => [action, realm_id]),
    [
      ["CREATE", undefined],
      ["DELETE", undefined],
    ],
  );
});

test("of a realm that was deleted the events are shown; one that never was is not found", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const realm = await make(api, "Shop");
  await succeed(api("UpdateRealm", { realm, ...named("Shoes") }));
  await succeed(api("DeleteRealm", { realm }));
  assert.equal((await succeed(api("ListEvents", { realm }))).total_size, 1);
  const never = { realm: "00000000000000ff" };
  for (const answer of [
    await api("ListEvents", never),
    await api("ListMails", never),
    await api("GetEvent", { ...never, event: "A".repeat(32) }),
    await api("GetDecision", { ...never, trace: "0".repeat(32) }),
  ]) {
    assert.deepEqual([answer.status, answer.json?.message], [404, "realm not found"]);
  }
});

test("no two realms of a tenant have one name, in whatever case; a deleted one's is free", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const shop = await make(api, "Shop");
  const taken = await api("CreateRealm", named("SHOP"));
  assert.deepEqual([taken.status, taken.json?.message], [409, "realm already exists"]);
  const other = await make(api, "Other");
  assert.equal((await api("UpdateRealm", { realm: other, ...named("shop") })).status, 409);
  await succeed(api("UpdateRealm", { realm: shop, ...named("shop") }));
  await succeed(api("DeleteRealm", { realm: shop }));
  await succeed(api("UpdateRealm", { realm: other, ...named("Shop") }));
  await make(managementClient(await testTenant()), "Shop");
});

test("the next page of a list of events is had however long its filter is", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  for (const name of ["a", "b"]) await succeed(api("CreateGroup", { body: { group: { display_name: name } } }));
  const ids = Array.from({ length: 60 }, (_, index) => `correlation_id ne "none-${index}-${"x".repeat(20)}"`);
  const filter = ids.join(" and ");
  const first = await succeed(api("ListEvents", { query: { filter, page_size: "1" } }));
  const { next_page_token: page_token = "" } = first;
  assert.ok(page_token.length > 2_000);
  const second = await succeed(api("ListEvents", { query: { page_token } }));
  assert.equal(second.events.length, 1);
  assert.notDeepEqual(second.events, first.events);
});

test("an id that is too long to be one is not found, as any other that names nothing", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  for (const length of [17, 201, 2_000]) {
    const long = "a".repeat(length);
    const answers = [
      await api("GetRealm", { realm: long }),
      await api("GetGroup", { group: long }),
      await api("AddGroupMembers", { group: long, body: { identity_ids: ["00000000000000ff"] } }),
      await api("GetEvent", { event: long }),
    ];
    assert.deepEqual(
      answers.map(({ status, json }) => [status, json?.code]),
      answers.map(() => [404, "not_found"]),
    );
    const issuer = `${tenant.management.issuer.slice(0, -36)}${long}`;
    const unknown = await call(`${issuer}/.well-known/openid-configuration`);
    assert.deepEqual([unknown.status, unknown.json?.error], [404, "invalid_client"], unknown.text);
  }
});
