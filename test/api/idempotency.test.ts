import assert from "node:assert/strict";
import { test } from "node:test";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { adminWorld, robotOf } from "../support/admin-world.ts";
import { changesOf } from "../support/change-events.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { operatorClient } from "../support/operator-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { sharedServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Rule 40: under a key the id of what was made is kept, never the answer; sent again, it is read with the rights of that moment.

const headers = { "idempotency-key": "once" };
const job = {
  application: {
    display_name: "Job",
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      token_configuration: { expires_after: 3600 },
    },
  },
};

test("a create that is sent again shows what it made as it is then, under its present ETag", async () => {
  const api = managementClient(await testTenant());
  const made = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } }, headers }));
  await succeed(api("UpdateGroup", { group: made.id, body: { group: { display_name: "Others" } } }));
  const again = await api("CreateGroup", { body: { group: { display_name: "Clerks" } }, headers });
  assert.deepEqual([again.status, again.value.id, again.value.display_name], [200, made.id, "Others"]);
  assert.equal(again.headers.get("etag"), '"2"');
});

test("a create that is sent again after the deletion of what it made finds nothing", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", { body: job, headers }));
  await succeed(api("DeleteApplication", { application: made.id }));
  const again = await api("CreateApplication", { body: job, headers });
  assert.deepEqual([again.status, again.json?.message], [404, "application not found"]);
  assert.doesNotMatch(again.text, new RegExp(made.protocol_config.client_secret ?? "secret"));
});

test("a create that is sent again shows the secret as long as the application may do no more than the caller", async () => {
  const { tenant, api, realm, managedServer } = await adminWorld();
  const token = await tenant.managementToken(MANAGEMENT_SCOPES.filter((scope) => scope !== "events:read").join(" "));
  const create = { realm, token, headers, body: { application: robotOf(managedServer, ["realms:read"]) } };
  const made = await succeed(api("CreateApplication", create));
  const secret = made.protocol_config.client_secret;
  assert.equal((await succeed(api("CreateApplication", create))).protocol_config.client_secret, secret);
  const wider = { protocol_config: { allowed_scopes: ["realms:read", "events:read"] } };
  const path = { realm, application: made.id };
  const { protocol_config } = await succeed(api("UpdateApplication", { ...path, body: { application: wider } }));
  assert.equal(protocol_config.client_secret, secret, "whoever may do all that it may is shown it by a change, too");
  const again = await succeed(api("CreateApplication", create));
  assert.equal(again.protocol_config.client_secret, undefined);
  assert.deepEqual(again.protocol_config.allowed_scopes, wider.protocol_config.allowed_scopes);
});

test("whoever was shown a secret by a change, or by a create that was sent again, is on record", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id } = await succeed(api("CreateApplication", { body: job, headers }));
  await succeed(api("CreateApplication", { body: job, headers }));
  await succeed(api("UpdateApplication", { application: id, body: { application: { display_name: "Task" } } }));
  const actions = (await changesOf(tenant, id)).map((change) => change.replace("ApplicationOperation ", ""));
  assert.deepEqual(actions.toSorted(), ["CREATE", "READ", "READ", "UPDATE"]);
});

test("a rotation that is sent again shows the secret that is good now", async () => {
  const api = managementClient(await testTenant());
  const { id } = await succeed(api("CreateApplication", { body: job }));
  const rotation = { application: id, body: {}, headers };
  const first = await succeed(api("RotateApplicationSecret", rotation));
  const second = await succeed(api("RotateApplicationSecret", { application: id, body: {} }));
  const again = await api("RotateApplicationSecret", rotation);
  const { client_secret } = again.value.protocol_config;
  assert.equal(client_secret, second.protocol_config.client_secret);
  assert.notEqual(client_secret, first.protocol_config.client_secret);
  assert.equal(again.headers.get("etag"), '"3"');
});

test("a tenant that shows secrets once shows none when a create is sent again", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  await succeed(api("UpdateTenant", { body: { tenant: { settings: { show_secrets_once: true } } } }));
  const made = await succeed(api("CreateApplication", { body: job, headers }));
  assert.notEqual(made.protocol_config.client_secret, undefined);
  const again = await succeed(api("CreateApplication", { body: job, headers }));
  assert.deepEqual([again.id, again.protocol_config.client_secret], [made.id, undefined]);
});

test("the same key and body make one of each kind where they are sent to two operations", async () => {
  const api = managementClient(await testTenant());
  const body = { displayName: "both", userName: "both" };
  const user = await api("SCIMCreateUser", { body, headers });
  const group = await api("SCIMCreateGroup", { body, headers });
  assert.deepEqual([user.status, group.status], [201, 201], group.text);
  assert.notEqual(user.value.id, group.value.id);
  assert.match(group.headers.get("location") ?? "", /Groups/);
});

test("every noun that is made under a key is read by it again", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id: resource_server } = await succeed(
    api("CreateResourceServer", { body: { resource_server: { display_name: "S", identifier: "urn:once" } } }),
  );
  const server = { display_name: "T", identifier: "urn:twice" };
  const traits = { type: "traits_v0" as const, username: "ann" };
  const config = { type: "hosted_web" as const };
  const making = {
    realm: () => api("CreateRealm", { body: { realm: { display_name: "R" } }, headers }),
    server: () => api("CreateResourceServer", { body: { resource_server: server }, headers }),
    role: () => api("CreateRole", { resource_server, body: { role: { display_name: "R" } }, headers }),
    identity: () => api("CreateIdentity", { body: { identity: { display_name: "A", traits } }, headers }),
    config: () => api("CreateAuthenticatorConfig", { body: { authenticator_config: { config } }, headers }),
    theme: () => api("CreateTheme", { body: { theme: {} }, headers }),
    scimUser: () => api("SCIMCreateUser", { body: { userName: "ben" }, headers }),
    scimGroup: () => api("SCIMCreateGroup", { body: { displayName: "G" }, headers }),
  };
  for (const [noun, make] of Object.entries(making)) {
    const [first, second] = [await make(), await make()];
    assert.ok(first.status < 300, `${noun} ${first.text}`);
    const shown = [second.status, second.json, second.headers.get("etag"), second.headers.get("location")];
    assert.deepEqual(shown, [first.status, first.json, first.headers.get("etag"), first.headers.get("location")], noun);
  }
});

test("an operator's create that is sent again shows the secret until the tenant changes it", async () => {
  const server = await sharedServer();
  const operator = operatorClient(server);
  const sent = {
    body: { tenant: { display_name: "Scarves" } },
    headers: { "idempotency-key": `scarves-${databaseSide()}` },
  };
  const first = await operator("POST", "/v1/tenants", sent);
  assert.equal(first.status, 200, first.text);
  assert.deepEqual((await operator("POST", "/v1/tenants", sent)).json, first.json);
  const { client_secret, ...rest } = first.json ?? {};
  assert.equal(typeof client_secret, "string");
  await server.deps.database.maintain((session) =>
    session.query("UPDATE applications SET version = 2 WHERE application_id = $1", [rest.application_id]),
  );
  assert.deepEqual((await operator("POST", "/v1/tenants", sent)).json, rest);
  await operator("DELETE", `/v1/tenants/${rest.id}`);
  const gone = await operator("POST", "/v1/tenants", sent);
  assert.deepEqual([gone.status, gone.json?.message], [404, "tenant not found"]);
});
