import assert from "node:assert/strict";
import { test } from "node:test";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

test("a group is made, shown, changed and deleted", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await api("CreateGroup", { body: { group: { display_name: "Clerks", description: "At the till" } } });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.headers.get("etag"), '"1"');
  const { id: group } = made.value;
  const shown = await api("GetGroup", { group });
  assert.deepEqual(shown.value, made.value);
  const body = { group: { id: group, display_name: "Sellers" } };
  const changed = await api("UpdateGroup", { group, body });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(changed.value.display_name, "Sellers");
  assert.equal(changed.value.description, "At the till");
  const gone = await api("DeleteGroup", { group });
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  assert.equal((await api("GetGroup", { group })).status, 404);
});

test("groups are listed a page at a time, with what is kept of the first page's query", async () => {
  const api = managementClient(await testTenant());
  for (const display_name of ["Anna", "Anton", "Bert", "Anke"]) {
    await succeed(api("CreateGroup", { body: { group: { display_name } } }));
  }
  const filter = 'display_name sw "an"';
  const first = await succeed(api("ListGroups", { query: { page_size: "2", filter } }));
  assert.deepEqual([first.groups.length, first.total_size], [2, 3]);
  const { next_page_token: page_token = "" } = first;
  const second = await succeed(api("ListGroups", { query: { page_token } }));
  assert.deepEqual([second.groups.length, second.total_size, second.next_page_token], [1, 3, undefined]);
  const names = [...first.groups, ...second.groups].map(({ display_name }) => display_name);
  assert.deepEqual(names.toSorted(), ["Anke", "Anna", "Anton"]);
  assert.equal((await api("ListGroups", { query: { page_token, filter: 'id eq "x"' } })).status, 400);
  const bad = await api("ListGroups", { query: { filter: 'colour eq "red"' } });
  assert.equal(violationsOf(bad)[0]?.startsWith("filter: "), true, bad.text);
  assert.equal((await succeed(api("ListGroups", { query: { skip: "3", page_size: "900" } }))).groups.length, 1);
});

test("two creates with one Idempotency-Key make one group", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const body = { group: { display_name: "Clerks" } };
  const headers = { "idempotency-key": "a" };
  const [one, two] = await Promise.all([api("CreateGroup", { body, headers }), api("CreateGroup", { body, headers })]);
  assert.equal(one.status, 200, one.text);
  assert.deepEqual(one.value, two.value);
  const other = await api("CreateGroup", { body: { group: { display_name: "Others" } }, headers });
  assert.equal(other.status, 409, other.text);
});
