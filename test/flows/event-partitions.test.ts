import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf } from "../support/events.ts";
import { call } from "../support/http.ts";
import { managementClient } from "../support/management-client.ts";
import { operatorClient } from "../support/operator-client.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

test("whatever records an event makes the partition that it needs, should the job that makes them ahead not run", async () => {
  const server = await testServer();
  const tenant = await testTenant({ server });
  const api = managementClient(tenant);
  const operator = operatorClient(server);
  const token = await tenant.managementToken();
  const { realmId: realm } = tenant.adminRealm;
  const { applicationId: application } = tenant.management.key;
  const text = JSON.stringify({ id: tenant.tenantId, display_name: "Renamed" });
  const recording = {
    "a change": () => api("CreateGroup", { body: { group: { display_name: "G" } } }),
    "a secret that is shown": () => api("GetApplication", { realm, application }),
    "secrets that are listed": () => api("ListApplications", { realm }),
    "keys that are rotated": () => api("RotateKeys", { realm, body: { algorithm: "ES256" } }),
    "a file": () => api("ApplyTenant", { text }),
    "an operator's tenant": () => operator("POST", "/v1/tenants", { body: { tenant: { display_name: "New" } } }),
  };
  for (const [what, record] of Object.entries(recording)) {
    await server.deps.database.maintain(async (session) => {
      const parts = await session.query(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass",
      );
      for (const { name } of parts) await session.query(`DROP TABLE ${String(name)}`);
    });
    const answer = await record();
    assert.equal(answer.status, 200, `${what} ${answer.text}`);
    if (what.startsWith("an operator")) continue;
    const path = `${server.url}/v1/tenants/${tenant.tenantId}/realms/${what === "a change" ? tenant.realm.realmId : realm}/events`;
    const listed = await call(`${path}?page_size=100`, { headers: { authorization: `Bearer ${token}` } });
    assert.notEqual(eventsOf(listed).filter(({ type }) => type !== "TokenRequest").length, 0, what);
  }
  await server.stop();
});
