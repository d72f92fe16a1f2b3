import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { reconcileFile } from "../../src/declarative/reconcile.ts";
import { hexId } from "../../src/platform/random.ts";
import { listAllEvents, type ShownEvent } from "../support/events.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { sharedServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const SECRET = "Zk3vQ9xT1rB7mN5cW2pL8sD4fG6hJ0aYeUiOqXzVnMw";
const directory = await mkdtemp(join(tmpdir(), "mayfly-declared-events-"));
after(() => rm(directory, { recursive: true, force: true }));

async function apply(tenant: TestTenant, realm: object, query: { dry_run?: "true" } = {}): Promise<string> {
  const text = JSON.stringify({ id: tenant.tenantId, realms: [{ id: tenant.realm.realmId, ...realm }] });
  const headers = { "x-correlation-id": "pipeline-7" };
  const answer = await managementClient(tenant)("ApplyTenant", { text, query, headers });
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
    await apply(tenant, { ...people, applications: [application] }, { dry_run: "true" });
    assert.deepEqual(await changesOf(tenant), [], "a dry run changes nothing");
    const traceId = await apply(tenant, { ...people, applications: [application] });
    const made = await changesOf(tenant);
    assert.deepEqual(made.map(({ type, action }) => `${type} ${action}`).toSorted(), [
      "ApplicationOperation CREATE",
      "IdentityChange CREATE",
      "V1GroupChange CREATE",
      "V1GroupMembershipChange CREATE",
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

  test("of the ids of who comes and goes, however many, and of the scopes that a role is given and loses", async () => {
    const tenant = await testTenant();
    const names = Array.from({ length: 120 }, (_, n) => `person-${n}`);
    const identities = names.map((username) => ({ display_name: "P", traits: { type: "traits_v0", username } }));
    const server = (scopes: string[], roles: object[]) => ({ identifier: "urn:s", display_name: "S", scopes, roles });
    const role = { display_name: "R", scopes: ["a", "b"], identities: names.slice(0, 2), groups: ["Staff"] };
    const groups = (members: string[]) => [{ display_name: "Staff", members }];
    await apply(tenant, { identities, groups: groups(names), resource_servers: [server(["a", "b"], [role])] });
    const lists = async () =>
      (await changesOf(tenant)).flatMap(({ type, action, payload }) =>
        Object.entries(payload)
          .filter(([name]) => name.endsWith("_ids") || name === "scopes")
          .map(([name, values]) => `${type} ${action} ${name} ${[values].flat().length}`),
      );
    const made = [
      "RoleMembershipOperation CREATE group_ids 1",
      "RoleMembershipOperation CREATE identity_ids 2",
      "RoleScopesOperation CREATE scopes 2",
      ...[20, 50, 50].map((size) => `V1GroupMembershipChange CREATE identity_ids ${size}`),
    ];
    assert.deepEqual((await lists()).toSorted(), made);
    const less = { ...role, scopes: ["a"], identities: names.slice(1, 2) };
    await apply(tenant, { groups: groups(names.slice(1)), resource_servers: [server(["a", "b"], [less])] });
    const taken = [
      "RoleMembershipOperation DELETE identity_ids 1",
      "RoleScopesOperation DELETE scopes 1",
      "V1GroupMembershipChange DELETE identity_ids 1",
    ];
    assert.deepEqual((await lists()).toSorted(), [...made, ...taken].toSorted());
  });

  test("also of roles and applications that lose a scope with their resource server, named in the file or not", async () => {
    const tenant = await testTenant();
    const server = { identifier: "urn:s", display_name: "S" };
    const roles = ["Named", "Other"].map((display_name) => ({ display_name, scopes: ["a", "b"] }));
    const config = (allowed_scopes: string[]) => ({ ...application.protocol_config, allowed_scopes });
    const named = { ...application, resource_server_id: "urn:s", protocol_config: config(["a", "b"]) };
    const other = { ...named, id: "5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be002", display_name: "Other" };
    const scopes = ["a", "b"];
    await apply(tenant, { resource_servers: [{ ...server, scopes, roles }], applications: [named, other] });
    const before = await changesOf(tenant);
    await apply(tenant, {
      resource_servers: [{ ...server, scopes: ["a"], roles: [{ display_name: "Named" }] }],
      applications: [{ id: named.id, display_name: "Export" }],
    });
    const told = (await changesOf(tenant)).filter(({ id }) => !before.some((event) => event.id === id));
    assert.deepEqual(
      told.map(({ type, payload }) => `${type} ${String(payload.changed ?? payload.scopes)}`).toSorted(),
      [
        "ApplicationOperation protocol_config.allowed_scopes",
        "ApplicationOperation protocol_config.allowed_scopes",
        "ResourceServerOperation scopes",
        "RoleOperation scopes",
        "RoleOperation scopes",
        "RoleScopesOperation b",
        "RoleScopesOperation b",
      ],
    );
    const api = managementClient(tenant);
    for (const { id } of [named, other]) {
      const { protocol_config } = await succeed(api("GetApplication", { application: id }));
      assert.deepEqual(protocol_config.allowed_scopes, ["a"]);
    }
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
