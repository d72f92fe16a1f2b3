import assert from "node:assert/strict";
import { test } from "node:test";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { adminWorld, robotOf } from "../support/admin-world.ts";
import { basic, postForm } from "../support/http.ts";
import { succeed } from "../support/management-client.ts";

// Reference 6 #44: `scim:all` implies the others. It is a name for them, and none of the 63 scopes.
const SCIM = MANAGEMENT_SCOPES.filter((scope) => scope.startsWith("scim:"));

test("a directory that may and asks for scim:all gets the scopes of SCIM, and no other", async () => {
  const { tenant, api, realm, managedServer } = await adminWorld();
  const application = robotOf(managedServer, ["scim:all"]);
  const made = await succeed(api("CreateApplication", { realm, body: { application } }));
  const { client_id, client_secret = "", allowed_scopes } = made.protocol_config;
  assert.deepEqual(allowed_scopes.toSorted(), SCIM.toSorted());
  const path = applicationPath({ ...tenant.adminRealm, applicationId: made.id });
  const ask = (scope: string) =>
    postForm(
      `${tenant.server.url}${path}/token`,
      { grant_type: "client_credentials", scope },
      { authorization: basic(client_id, client_secret) },
    );
  const answer = await ask("scim:all");
  assert.deepEqual(String(answer.json?.scope).split(" ").toSorted(), SCIM.toSorted());
  const token = String(answer.json?.access_token);
  await succeed(api("SCIMCreateUser", { realm, token, body: { userName: "ann" } }));
  await succeed(api("SCIMListGroups", { realm, token }));
  assert.equal((await api("ListGroups", { realm, token })).status, 403);
  const fewer = { application: { protocol_config: { allowed_scopes: ["scim:users:read"] } } };
  await succeed(api("UpdateApplication", { realm, application: made.id, body: fewer }));
  assert.equal((await ask("scim:all")).json?.scope, "scim:users:read");
});

test("a role of the built-in resource server takes scim:all, one of another does not", async () => {
  const { api, realm, managedServer, emptyRole } = await adminWorld();
  const path = { realm, resource_server: managedServer, role: emptyRole };
  const scopes = async () => (await succeed(api("ListRoleScopes", path))).scopes;
  await succeed(api("AddRoleScopes", { ...path, body: { scopes: ["scim:all"] } }));
  assert.deepEqual(await scopes(), SCIM.toSorted());
  await succeed(api("DeleteRoleScopes", { ...path, body: { scopes: ["scim:all"] } }));
  assert.deepEqual(await scopes(), []);
  const shop = { display_name: "Shop", identifier: "urn:shop", scopes: ["shop:read"] };
  const { id: resource_server } = await succeed(
    api("CreateResourceServer", { realm, body: { resource_server: shop } }),
  );
  const clerk = { role: { display_name: "Clerk" } };
  const { id: role } = await succeed(api("CreateRole", { realm, resource_server, body: clerk }));
  const refused = await api("AddRoleScopes", { realm, resource_server, role, body: { scopes: ["scim:all"] } });
  assert.equal(refused.status, 400, refused.text);
});

test("whoever lacks a scope of SCIM gives scim:all to nobody (rule 1)", async () => {
  const { tenant, api, realm, managedServer, emptyRole } = await adminWorld();
  const few = SCIM.slice(1).join(" ");
  const token = await tenant.managementToken(`applications:create roles:update resource-servers:read ${few}`);
  const application = robotOf(managedServer, ["scim:all"]);
  assert.equal((await api("CreateApplication", { realm, token, body: { application } })).status, 403);
  const path = { realm, resource_server: managedServer, role: emptyRole };
  assert.equal((await api("AddRoleScopes", { ...path, token, body: { scopes: ["scim:all"] } })).status, 403);
});
