import assert from "node:assert/strict";
import { test } from "node:test";
import { askForEvents, listAllEvents } from "../../test/support/events.ts";
import { movableClock } from "../../test/support/movable-clock.ts";
import { type TestClient, testClient } from "../../test/support/test-client.ts";
import { tokensOf } from "../../test/support/test-code-flow.ts";
import { testServer } from "../../test/support/test-server.ts";
import { testTenant } from "../../test/support/test-tenant.ts";
import { findTenant, updateTenantSettings } from "../resources/tenant/queries.ts";
import { keepForgottenTokenRequests } from "./keep-token-requests.ts";
import { tokenPartitionsJob } from "./token-partitions.ts";

const LIFETIME = 60;

async function keepTokenRequests({ tenant }: TestClient): Promise<void> {
  const { database, clock } = tenant.server.deps;
  const db = database.tenants([tenant.tenantId]);
  const found = await findTenant(db, tenant.tenantId);
  assert.ok(found);
  const settings = { ...found.settings, settings: { ...found.settings.settings, keep_token_requests: true } };
  await updateTenantSettings(db, tenant.tenantId, settings, clock.nowMs());
}

test("granted token requests outlive their rows where a tenant wants that, and are the same events", async () => {
  const clock = movableClock();
  const server = await testServer({ clock });
  try {
    const kept = await testClient({ tenant: await testTenant({ server, kind: "production" }) });
    const others = await testClient({ tenant: await testTenant({ server, kind: "production" }) });
    await keepTokenRequests(kept);
    for (const { tenant, application } of [kept, others]) {
      const form = { grant_type: "client_credentials", expiration_time: String(LIFETIME) };
      for (let count = 0; count < 3; count += 1) tokensOf(await tenant.token(application, form));
    }
    const before = await listAllEvents(kept.tenant);
    const [first] = before;
    assert.ok(first);
    assert.equal(before.length, 3);
    const countTokens = () =>
      server.deps.database.maintain((session) =>
        session.query("SELECT 1 FROM tokens WHERE tenant_id = $1 AND realm_id = $2", [
          kept.tenant.tenantId,
          kept.tenant.realm.realmId,
        ]),
      );
    clock.pass(LIFETIME + 600);
    await keepForgottenTokenRequests(server.deps, clock.nowSeconds());
    assert.equal((await countTokens()).length, 3);
    assert.deepEqual(await listAllEvents(kept.tenant, { page_size: "2" }), before, "copied, and not twice there");
    await tokenPartitionsJob.run(server.deps);
    assert.equal((await countTokens()).length, 0, "the rows are gone");
    assert.deepEqual(await listAllEvents(kept.tenant), before);
    assert.deepEqual((await askForEvents(kept.tenant, {}, { id: first.id })).json, first);
    assert.deepEqual(await listAllEvents(others.tenant), []);
  } finally {
    await server.stop();
  }
});
