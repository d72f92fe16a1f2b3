import assert from "node:assert/strict";
import { test } from "node:test";
import { listAllEvents } from "../support/events.ts";
import { type Answer, call } from "../support/http.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// Specification section 5: what was decided about a request, and why, is found by its trace id. Of the management API: who was refused.

const READERS = "events:read";

async function decisionsOf(tenant: TestTenant, answer: Answer, realm = tenant.realm.realmId) {
  const trace = String(answer.headers.get("x-trace-id"));
  const found = await managementClient(tenant)("GetDecision", { realm, trace });
  return found.status === 404 ? [] : found.value.decisions;
}

async function eventsOf(tenant: TestTenant) {
  const events = await listAllEvents(tenant, { filter: 'type eq "TokenOperation" and outcome eq "ERROR"' });
  return events.map(({ actor, action, payload }) => [actor.type, actor.id, action, payload.decided, payload.operation]);
}

test("a token that lacks a scope leaves a decision and an event that name both", async () => {
  const tenant = await testTenant();
  const token = await tenant.managementToken(READERS);
  const refused = await managementClient(tenant)("ListGroups", { token });
  assert.equal(refused.status, 403);
  const { applicationId } = tenant.management.key;
  const [decision, ...others] = await decisionsOf(tenant, refused);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [decision?.kind, decision?.outcome, decision?.application_id],
    ["management", "forbidden", applicationId],
  );
  assert.deepEqual(decision?.facts, {
    operation: "ListGroups",
    detail: "forbidden",
    needed: ["groups:read"],
    lacking: "groups:read",
    because: "the token lacks this scope",
    reach: "*",
  });
  assert.deepEqual(await eventsOf(tenant), [["Application", applicationId, "READ", "forbidden", "ListGroups"]]);
});

test("who is refused for the power of others is on record, too (rule 1)", async () => {
  const tenant = await testTenant();
  const { realmId: realm } = tenant.adminRealm;
  const token = await tenant.managementToken("applications:update");
  const refused = await managementClient(tenant)("RotateApplicationSecret", {
    ...{ realm, token, body: {}, application: tenant.management.key.applicationId },
  });
  assert.equal(refused.status, 403);
  const [decision] = await decisionsOf(tenant, refused, realm);
  const facts = Object(decision?.facts);
  assert.equal(facts.because, "this concerns somebody who holds a scope that the token lacks");
  assert.match(facts.lacking, /applications:read/);
});

test("a token that is none leaves them in the realm of the path, or where the tenant is administered", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const token = "mayfly_at_nobody";
  const below = await api("ListGroups", { token });
  assert.equal(below.status, 401);
  const [decision] = await decisionsOf(tenant, below);
  assert.deepEqual(
    [decision?.kind, decision?.outcome, decision?.application_id],
    ["management", "unauthorized", undefined],
  );
  assert.deepEqual(await eventsOf(tenant), [["Anonymous", undefined, "READ", "unauthorized", "ListGroups"]]);
  const ofTenant = await api("GetTenant", { token });
  assert.equal((await decisionsOf(tenant, ofTenant, tenant.adminRealm.realmId))[0]?.outcome, "unauthorized");
  const nowhere = await api("ListGroups", { token, realm: "00000000000000ff" });
  assert.equal(nowhere.status, 401);
  assert.equal((await decisionsOf(tenant, nowhere, tenant.adminRealm.realmId))[0]?.outcome, "unauthorized");
  const anonymous = await call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}`);
  assert.equal((await decisionsOf(tenant, anonymous, tenant.adminRealm.realmId))[0]?.outcome, "unauthorized");
});

test("what is refused for what was sent, or of no tenant, leaves none", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const missing = await api("GetGroup", { group: "00000000000000ff" });
  assert.equal(missing.status, 404);
  assert.deepEqual(await decisionsOf(tenant, missing), []);
  const { database } = tenant.server.deps;
  const strange = "00000000000000fe";
  assert.equal((await api("GetTenant", { tenant: strange })).status >= 401, true);
  await succeed(api("ListEvents", {}));
  const rows = await database.maintain((session) =>
    session.query("SELECT 1 FROM decisions WHERE tenant_id = $1", [strange]),
  );
  assert.deepEqual(rows, []);
});
