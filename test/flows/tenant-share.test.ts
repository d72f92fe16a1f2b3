import assert from "node:assert/strict";
import { test } from "node:test";
import { PART_OBJECTS_MAX } from "../../src/declarative/file.ts";
import { holdGroup } from "../../src/resources/group/queries.ts";
import type { Answer } from "../support/http.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// What one tenant does takes no more than its share from the others.

function apply(tenant: TestTenant, realm: object): Promise<Answer> {
  const text = JSON.stringify({ id: tenant.tenantId, realms: [{ id: tenant.realm.realmId, ...realm }] });
  return managementClient(tenant)("ApplyTenant", { text, headers: { "content-type": "application/json" } });
}

test("a declarative request names a bounded number of objects and memberships", async () => {
  const tenant = await testTenant();
  const groups = (count: number) => Array.from({ length: count }, (_, n) => ({ display_name: `Group ${n}` }));
  const many = await apply(tenant, { groups: groups(PART_OBJECTS_MAX) });
  assert.equal(many.status, 400, many.text);
  assert.match(violationsOf(many).join(), /over 1000 objects and memberships: split it/);
  const members = Array.from({ length: PART_OBJECTS_MAX }, () => "ada");
  assert.equal((await apply(tenant, { groups: [{ display_name: "All", members }] })).status, 400);
  const listed = await managementClient(tenant)("ListGroups", {});
  assert.deepEqual(listed.value.groups, []);
});

// On the embedded database's one session nobody waits for a lock.
if (databaseSide() === "postgresql") {
  test("a change that waits for a lock for a second is to come again, before the database ends anything", async () => {
    const tenant = await testTenant();
    const api = managementClient(tenant);
    const { id } = await succeed(api("CreateGroup", { body: { group: { display_name: "Held" } } }));
    const { database } = tenant.server.deps;
    const key = { ...tenant.realm, groupId: id };
    await database.transaction([tenant.tenantId], async (db) => {
      await holdGroup(db, key);
      const answer = await api("UpdateGroup", { body: { group: { display_name: "Renamed" } }, group: id });
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "1"], answer.text);
      assert.ok(await holdGroup(db, key), "the database has not ended who holds the lock");
    });
    await succeed(api("UpdateGroup", { body: { group: { display_name: "Renamed" } }, group: id }));
  });
}
