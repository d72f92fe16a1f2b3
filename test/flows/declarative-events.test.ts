import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { reconcileFile } from "../../src/declarative/reconcile.ts";
import { hexId } from "../../src/platform/random.ts";
import { listAllEvents, type ShownEvent } from "../support/events.ts";
import { call } from "../support/http.ts";
import { sharedServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const SECRET = "Zk3vQ9xT1rB7mN5cW2pL8sD4fG6hJ0aYeUiOqXzVnMw";
const directory = await mkdtemp(join(tmpdir(), "mayfly-declared-events-"));
after(() => rm(directory, { recursive: true, force: true }));

async function apply(tenant: TestTenant, realm: object, query = ""): Promise<string> {
  const answer = await call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}:apply${query}`, {
    method: "POST",
    body: JSON.stringify({ id: tenant.tenantId, realms: [{ id: tenant.realm.realmId, ...realm }] }),
    headers: { authorization: `Bearer ${await tenant.managementToken()}`, "x-correlation-id": "pipeline-7" },
  });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.headers.get("x-trace-id"));
}

/** The changes of the realm, in their order. */
async function changesOf(tenant: TestTenant): Promise<readonly ShownEvent[]> {
  const events = await listAllEvents(tenant);
  return events.filter(({ type }) => type !== "TokenRequest");
}

const application = {
  id: "5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be001",
  display_name: "Export",
  protocol_config: {
    type: "oauth2",
    grant_type: ["client_credentials"],
    client_secret: SECRET,
    token_configuration: { expires_after: 600 },
  },
};

describe("what a declarative file changes is an event", () => {
  test("of whoever sent it, of that request, with names of what changed and no value", async () => {
    const tenant = await testTenant();
    const people = {
      groups: [{ display_name: "Staff", members: ["ada"] }],
      identities: [{ display_name: "Ada", traits: { type: "traits_v0", username: "ada" } }],
    };
    await apply(tenant, { ...people, applications: [application] }, "?dry_run=true");
    assert.deepEqual(await changesOf(tenant), [], "a dry run changes nothing");
    const traceId = await apply(tenant, { ...people, applications: [application] });
    const made = await changesOf(tenant);
    assert.deepEqual(made.map(({ type, action }) => `${type} ${action}`).toSorted(), [
      "ApplicationOperation CREATE",
      "IdentityChange CREATE",
      "V1GroupChange CREATE",
      "V1GroupMembershipChange UPDATE",
    ]);
    for (const event of made) {
      assert.deepEqual(event.actor, { type: "Application", id: tenant.management.key.applicationId });
      assert.deepEqual([event.trace_id, event.correlation_id], [traceId, "pipeline-7"]);
    }
    const other = [...SECRET].reverse().join("");
    const config = { ...application.protocol_config, client_secret: other, token_configuration: { expires_after: 60 } };
    await apply(tenant, { display_name: "Patrons", applications: [{ ...application, protocol_config: config }] });
    await apply(tenant, { display_name: "Patrons", applications: [{ ...application, protocol_config: config }] });
    const changed = (await changesOf(tenant)).filter((event) => !made.some(({ id }) => id === event.id));
    assert.deepEqual(changed.map(({ type, payload }) => [type, payload.changed]).toSorted(), [
      ["ApplicationOperation", ["client_secret"]],
      ["ApplicationOperation", ["protocol_config.token_configuration.expires_after"]],
      ["V1RealmChange", ["display_name"]],
    ]);
    const told = JSON.stringify(changed);
    for (const secret of [SECRET, other]) assert.ok(!told.includes(secret));
  });

  test("of the operator, where a start reads it, and the tenant's own are its own", async () => {
    const { deps } = await sharedServer();
    const [tenantId, realmId] = [hexId(deps.random), hexId(deps.random)];
    const path = join(directory, "file.yaml");
    const write = (lines: string) =>
      writeFile(path, `version: 1\ntenants:\n  - id: "${tenantId}"\n    display_name: Store\n${lines}`);
    await write(`    realms: [{id: "${realmId}", display_name: Shoppers}]\n`);
    await reconcileFile(deps, path, {});
    await write("    prune: true\n    realms: []\n");
    await reconcileFile(deps, path, {});
    const rows = await deps.database.maintain((session) =>
      session.query(
        "SELECT type, action, realm_id, resource_id, actor_type FROM events WHERE tenant_id = $1 ORDER BY id",
        [tenantId],
      ),
    );
    const own = { realm_id: "", actor_type: "Operator" };
    assert.deepEqual(rows, [
      { type: "V1TenantChange", action: "CREATE", resource_id: tenantId, ...own },
      { type: "V1RealmChange", action: "CREATE", resource_id: realmId, ...own },
      { type: "V1RealmChange", action: "DELETE", resource_id: realmId, ...own },
    ]);
  });
});
