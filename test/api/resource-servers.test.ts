import assert from "node:assert/strict";
import { test } from "node:test";
import { hexId } from "../../src/platform/random.ts";
import { holdRealm } from "../../src/resources/realm/queries.ts";
import { findRole, insertRole } from "../../src/resources/role/queries.ts";
import { changesOf } from "../support/change-events.ts";
import { areWaiting, holdOn } from "../support/lock-waits.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const SHOP = { display_name: "Shop", identifier: "urn:shop", scopes: ["shop:read", "shop:write"] };
const shop = (members: object = {}) => ({ body: { resource_server: { ...SHOP, ...members } } });

/** The id of the tenant's built-in resource server. */
async function managedServerOf(tenant: TestTenant): Promise<string> {
  const api = managementClient(tenant);
  const { resource_servers } = await succeed(api("ListResourceServers", { realm: tenant.adminRealm.realmId }));
  return resource_servers.find(({ is_managed }) => is_managed)?.id ?? "";
}

test("a resource server is made with its policies, shown, listed, changed and deleted", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const policies = {
    token_policy: { max_expires_after: 3600 },
    scope_policies: [{ scope: "shop:write", max_expires_after: 60 }],
  };
  const made = await api("CreateResourceServer", shop(policies));
  assert.equal(made.status, 200, made.text);
  const { id: resource_server } = made.value;
  assert.deepEqual(made.value, {
    id: resource_server,
    tenant_id: tenant.tenantId,
    realm_id: tenant.realm.realmId,
    is_managed: false,
    ...SHOP,
    ...policies,
    introspectors: [],
  });
  assert.deepEqual(await succeed(api("GetResourceServer", { resource_server })), made.value);
  const listed = await succeed(api("ListResourceServers", { query: { page_size: "500" } }));
  assert.deepEqual(listed, { resource_servers: [made.value], total_size: 1 });
  const body = { resource_server: { ...made.value, identifier: "urn:other", is_managed: true, display_name: "Store" } };
  const changed = await succeed(api("UpdateResourceServer", { resource_server, body }));
  assert.deepEqual(changed, { ...made.value, display_name: "Store" }, "identifier and is_managed stay");
  const gone = await api("DeleteResourceServer", { resource_server });
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  const unknown = await api("GetResourceServer", { resource_server });
  assert.deepEqual([unknown.status, unknown.json?.message], [404, "resource server not found"]);
  assert.equal((await api("GetResourceServer", { resource_server: "x" })).status, 404);
  const done = ["CREATE", "UPDATE", "DELETE"].map((action) => `ResourceServerOperation ${action}`);
  assert.deepEqual(await changesOf(tenant, resource_server), done);
});

test("an identifier is one of its realm, not reserved and no client_id of the tenant", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  await succeed(api("CreateResourceServer", shop()));
  const taken = await api("CreateResourceServer", shop());
  assert.deepEqual([taken.status, taken.json?.message], [409, "resource server already exists"]);
  const application = await tenant.addApplication({
    protocol_config: {
      type: "oauth2",
      grant_type: ["client_credentials"],
      token_configuration: { expires_after: 60 },
    },
  });
  const refused = async (identifier: string) => violationsOf(await api("CreateResourceServer", shop({ identifier })));
  assert.deepEqual(await refused("beyondidentity"), ["resource_server.identifier: is reserved"]);
  assert.deepEqual(await refused(application.clientId), [
    "resource_server.identifier: is the client_id of an application",
  ]);
  assert.deepEqual(
    violationsOf(await api("CreateResourceServer", shop({ identifier: "urn:a", scopes: ["a b"] }))).length,
    1,
  );
});

test("who may introspect is a confidential application of the realm; one that is gone since is in nobody's way", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const config = {
    type: "oauth2" as const,
    grant_type: ["client_credentials" as const],
    token_configuration: { expires_after: 60 },
  };
  const { key } = await tenant.addApplication({ protocol_config: config });
  const unknown = "00000000-0000-4000-8000-000000000000";
  const refused = await api("CreateResourceServer", shop({ introspectors: [key.applicationId, unknown] }));
  assert.deepEqual(violationsOf(refused), [
    `resource_server.introspectors: ${unknown} is no confidential application of this realm`,
  ]);
  const made = await succeed(api("CreateResourceServer", shop({ introspectors: [key.applicationId] })));
  await succeed(api("DeleteApplication", { application: key.applicationId }));
  const path = { resource_server: made.id };
  await succeed(
    api("UpdateResourceServer", { ...path, body: { resource_server: { ...made, display_name: "Store" } } }),
  );
  const added = { introspectors: [key.applicationId, unknown] };
  assert.equal((await api("UpdateResourceServer", { ...path, body: { resource_server: added } })).status, 400);
});

test("the built-in resource server is changed and deleted by nobody", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const path = { realm: tenant.adminRealm.realmId, resource_server: await managedServerOf(tenant) };
  const changed = await api("UpdateResourceServer", { ...path, body: { resource_server: { scopes: [] } } });
  assert.deepEqual([changed.status, changed.json?.code], [403, "forbidden"]);
  assert.equal((await api("DeleteResourceServer", path)).status, 403);
});

test("a scope that a resource server loses leaves its roles and applications, and does not come back to them", async () => {
  const flow = await testCodeFlow({ tenant: await testTenant() });
  const { tenant, resourceServer, application, role } = flow;
  const api = managementClient(tenant);
  const { resourceServerId: resource_server } = resourceServer;
  const logIn = async () => (await flow.logIn({ scope: "openid shoes:read shoes:write" })).scope;
  assert.equal(await logIn(), "openid shoes:read shoes:write");
  const [kept = ""] = resourceServer.settings.scopes;
  await succeed(api("UpdateResourceServer", { resource_server, body: { resource_server: { scopes: [kept] } } }));
  const path = { resource_server, role: role.roleId };
  assert.deepEqual((await succeed(api("ListRoleScopes", path))).scopes, [kept]);
  const { applicationId } = application.key;
  const shown = await succeed(api("GetApplication", { application: applicationId }));
  assert.deepEqual(shown.protocol_config.allowed_scopes, [kept]);
  const all = { resource_server: { scopes: [...resourceServer.settings.scopes] } };
  await succeed(api("UpdateResourceServer", { resource_server, body: all }));
  assert.equal(await logIn(), `openid ${kept}`);
  assert.deepEqual(await changesOf(tenant, role.roleId), ["RoleScopesOperation DELETE"]);
  const changes = await changesOf(tenant, applicationId);
  assert.ok(changes.includes("ApplicationOperation UPDATE"), changes.join());
});

test("a scope that a declarative file takes from a resource server leaves its roles and applications, too", async () => {
  const { tenant, resourceServer, application, role } = await testCodeFlow({ tenant: await testTenant() });
  const api = managementClient(tenant);
  const { display_name, identifier, scopes } = resourceServer.settings;
  const [kept = ""] = scopes;
  const realm = { id: tenant.realm.realmId, resource_servers: [{ display_name, identifier, scopes: [kept] }] };
  const applied = await api("ApplyTenant", { text: JSON.stringify({ id: tenant.tenantId, realms: [realm] }) });
  assert.equal(applied.status, 200, applied.text);
  const path = { resource_server: resourceServer.resourceServerId, role: role.roleId };
  assert.deepEqual((await succeed(api("ListRoleScopes", path))).scopes, [kept]);
  const shown = await succeed(api("GetApplication", { application: application.key.applicationId }));
  assert.deepEqual(shown.protocol_config.allowed_scopes, [kept]);
});

test("a resource server stays while a role or an application refers to it", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id: resource_server } = await succeed(api("CreateResourceServer", shop()));
  const { id: role } = await succeed(api("CreateRole", { resource_server, body: { role: { display_name: "Clerk" } } }));
  const refused = async () => {
    const answer = await api("DeleteResourceServer", { resource_server });
    return [answer.status, answer.json?.message];
  };
  assert.deepEqual(await refused(), [409, "resource server has children"]);
  await succeed(api("DeleteRole", { resource_server, role }));
  const application = {
    display_name: "Job",
    resource_server_id: resource_server,
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      token_configuration: { expires_after: 60 },
    },
  };
  const { id } = await succeed(api("CreateApplication", { body: { application } }));
  assert.deepEqual(await refused(), [409, "resource server has children"]);
  await succeed(api("DeleteApplication", { application: id }));
  await succeed(api("DeleteResourceServer", { resource_server }));
});

test("a resource server is not deleted, nor loses a scope, past a role that is being made", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { database, random, clock } = tenant.server.deps;
  const { id: resource_server } = await succeed(api("CreateResourceServer", shop()));
  const key = { ...tenant.realm, roleId: hexId(random) };
  const settings = { display_name: "Clerk", description: "", scopes: ["shop:write"] };
  const fewer = { resource_server: { scopes: ["shop:read"] } };
  const made = Promise.withResolvers<void>();
  let mayEnd = false;
  const making = database.transaction([tenant.tenantId], async (db) => {
    // As every operation does that writes below a realm.
    assert.ok(await holdRealm(db, tenant.realm, false));
    await insertRole(db, key, { resourceServerId: resource_server, settings }, clock.nowMs());
    made.resolve();
    await holdOn(
      () => findRole(db, key),
      () => mayEnd,
    );
  });
  await Promise.race([made.promise, making]);
  const sent = Promise.all([
    api("DeleteResourceServer", { resource_server }).catch(String),
    api("UpdateResourceServer", { resource_server, body: fewer }).catch(String),
  ]);
  // One that does not wait is answered; those that do are when this transaction has ended.
  await areWaiting(tenant.server, 2, sent);
  mayEnd = true;
  await making;
  const [removing, narrowing] = await sent;
  assert.deepEqual(
    [removing, narrowing].map((answer) => (typeof answer === "string" ? answer : answer.status)),
    [409, 200],
  );
  assert.deepEqual((await succeed(api("ListRoleScopes", { resource_server, role: key.roleId }))).scopes, []);
});
