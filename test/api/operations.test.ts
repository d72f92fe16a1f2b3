import assert from "node:assert/strict";
import { test } from "node:test";
import { IDEMPOTENCY_KEY_MS, idempotencyKeysJob } from "../../src/jobs/idempotency-keys.ts";
import { call } from "../support/http.ts";
import { managementClient, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

// What every operation has from the pipeline, shown by groups.

const group = (display_name: string) => ({ body: { group: { display_name } } });

test("concurrent writers with If-Match lose no update", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = (await api("CreateGroup", group("Group 0"))).value;
  const won: number[] = [];
  const increase = async (): Promise<void> => {
    for (let left = 5; left > 0; ) {
      const read = await api("GetGroup", { group: id });
      const next = Number(/\d+$/.exec(read.value.display_name)?.[0]) + 1;
      const headers = { "if-match": read.headers.get("etag") ?? "" };
      const written = await api("UpdateGroup", { ...group(`Group ${next}`), group: id, headers });
      assert.ok(written.status === 200 || written.status === 412, written.text);
      if (written.status === 412) continue;
      won.push(next);
      left -= 1;
    }
  };
  await Promise.all([increase(), increase(), increase()]);
  assert.deepEqual(
    won.toSorted((a, b) => a - b),
    Array.from({ length: 15 }, (_, n) => n + 1),
  );
  assert.equal((await api("GetGroup", { group: id })).value.display_name, "Group 15");
});

test("If-Match takes a star and lists of strong tags, and names the present version when none fits", async () => {
  const api = managementClient(await testTenant());
  const { id } = (await api("CreateGroup", group("Clerks"))).value;
  const change = async (match: string) =>
    api("UpdateGroup", { ...group("Clerks"), group: id, headers: { "if-match": match } });
  assert.equal((await change("*")).status, 200);
  assert.equal((await change('"9", "2"')).status, 200);
  const weak = await change('W/"3"');
  assert.deepEqual([weak.status, weak.json?.code, weak.headers.get("etag")], [412, "precondition_failed", '"3"']);
  assert.equal((await change("3")).status, 400);
});

test("an unknown member, another wrapper and a name taken are refused by name; members for reading are ignored", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const send = async (body: unknown, type = "application/json") =>
    call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/${tenant.realm.realmId}/groups`, {
      method: "POST",
      headers: { authorization: `Bearer ${await tenant.managementToken()}`, "content-type": type },
      body: JSON.stringify(body),
    });
  const fields = async (body: unknown) => {
    const answer = await send(body);
    assert.equal(answer.status, 400, answer.text);
    return violationsOf(answer);
  };
  assert.deepEqual(await fields({ group: { display_name: "A", colour: "red" } }), [
    "group.colour: is not a known member",
  ]);
  assert.deepEqual(await fields({ groups: { display_name: "A" } }), [
    "group: missing",
    "groups: is not a known member",
  ]);
  assert.deepEqual(await fields({ group: {} }), ["group.display_name: missing"]);
  const whole = { display_name: "A", description: null, id: "x", tenant_id: 1, create_time: "then" };
  assert.equal((await send({ group: whole }, "text/plain;charset=UTF-8")).status, 200);
  const taken = await api("CreateGroup", group("a"));
  assert.deepEqual([taken.status, taken.json?.code, taken.json?.message], [409, "conflict", "group already exists"]);
});

test("a create that failed may be repeated under its key; another caller's key is another key", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const headers = { "idempotency-key": "k1" };
  assert.equal((await api("CreateGroup", { body: { group: { display_name: "" } }, headers })).status, 400);
  const first = await api("CreateGroup", { ...group("Clerks"), headers });
  assert.equal(first.status, 200, first.text);
  const again = await api("CreateGroup", { ...group("Clerks"), headers });
  assert.deepEqual([again.status, again.json, again.headers.get("etag")], [200, first.json, '"1"']);
  const other = managementClient(await testTenant());
  assert.notEqual((await other("CreateGroup", { ...group("Clerks"), headers })).value.id, first.value.id);
  assert.equal((await api("CreateGroup", { ...group("B"), headers: { "idempotency-key": "a b" } })).status, 400);
});

test("a key is forgotten after a day", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const headers = { "idempotency-key": "k3" };
  const first = await api("CreateGroup", { ...group("Clerks"), headers });
  const { deps } = tenant.server;
  const later = { ...deps.clock, nowMs: () => deps.clock.nowMs() + IDEMPOTENCY_KEY_MS + 1 };
  await idempotencyKeysJob.run({ ...deps, clock: later });
  await api("DeleteGroup", { group: first.value.id });
  const second = await api("CreateGroup", { ...group("Clerks"), headers });
  assert.notEqual(second.value.id, first.value.id);
});

test("what is below a realm that does not exist, or does no more, is not found", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const unknown = await api("CreateGroup", { ...group("Clerks"), realm: "00000000000000ff" });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "realm not found"]);
  assert.equal((await api("DeleteRealm", {})).status, 200);
  assert.equal((await api("CreateGroup", group("Clerks"))).status, 404);
});

test("a realm with a group is not deleted, and a group that comes at that moment is in a realm", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const answers = await Promise.all([api("DeleteRealm", {}), api("CreateGroup", group("Clerks"))]);
  const statuses = answers.map(({ status }) => status).join();
  assert.ok(["200,404", "409,200"].includes(statuses), statuses);
});
