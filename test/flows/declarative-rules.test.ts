import assert from "node:assert/strict";
import { test } from "node:test";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import type { Answer } from "../support/http.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// What the API refuses of an object the declarative file does not get past, either.

function apply(tenant: TestTenant, ...realms: readonly object[]): Promise<Answer> {
  const text = JSON.stringify({ id: tenant.tenantId, realms });
  return managementClient(tenant)("ApplyTenant", { text, headers: { "content-type": "application/json" } });
}

test("a console's config is the admin realm's alone in a file, too", async () => {
  const tenant = await testTenant();
  const config = { type: "console", onboarding_configuration: { verification_method: { type: "none" } } };
  const authenticator_configs = [{ display_name: "Console", config }];
  const refused = await apply(tenant, { id: tenant.realm.realmId, authenticator_configs });
  assert.deepEqual([refused.status, violationsOf(refused).length], [400, 1], refused.text);
  assert.match(violationsOf(refused)[0] ?? "", /config\.type: console is for the admin realm$/);
  const made = await apply(tenant, { id: tenant.adminRealm.realmId, authenticator_configs });
  assert.equal(made.status, 200, made.text);
});

test("whoever may roam by a file is somebody whom the realm has or the file makes", async () => {
  const tenant = await testTenant();
  const group = { id: "00000000000000aa", display_name: "Clerks" };
  const ann = await tenant.addIdentity("ann@example.com");
  const realmWith = (allowed_user_ids: readonly string[]) => ({
    id: tenant.realm.realmId,
    groups: [group],
    authenticator_configs: [
      {
        display_name: "Desktop",
        config: {
          type: "platform",
          roaming_auth_config: {
            ...{ enabled: true, allow_unknown_user: false, allowed_source_ips: [] },
            ...{ allowed_user_group_ids: [group.id], allowed_user_ids },
          },
        },
      },
    ],
  });
  const refused = await apply(tenant, realmWith([ann, "00000000000000ff"]));
  assert.equal(refused.status, 400, refused.text);
  assert.match(violationsOf(refused).join(), /allowed_user_ids.*00000000000000ff is no identity of this realm/);
  const made = await apply(tenant, realmWith([ann]));
  assert.equal(made.status, 200, made.text);
  // Who is gone since is in nobody's way.
  await succeed(managementClient(tenant)("DeleteIdentity", { identity: ann }));
  const again = await apply(tenant, realmWith([ann]));
  assert.deepEqual([again.status, again.json?.changes], [200, []], again.text);
});

test("a realm does not take another's name by a file", async () => {
  const tenant = await testTenant();
  const taken = await apply(tenant, { id: "00000000000000aa", display_name: "CUSTOMERS" });
  assert.ok([400, 409].includes(taken.status), taken.text);
  const { total_size } = await succeed(managementClient(tenant)("ListRealms", {}));
  assert.equal(total_size, 2);
});

test("a role of the built-in resource server takes scim:all by a file, and the second time nothing changes", async () => {
  const tenant = await testTenant();
  const server = {
    identifier: "beyondidentity",
    roles: [{ display_name: "Directories", scopes: ["scim:all", "scim:users:read"] }],
  };
  const declared = { id: tenant.adminRealm.realmId, resource_servers: [server] };
  const made = await apply(tenant, declared);
  assert.equal(made.status, 200, made.text);
  assert.deepEqual((await apply(tenant, declared)).json?.changes, []);
  const api = managementClient(tenant);
  const realm = tenant.adminRealm.realmId;
  const [managed] = (await succeed(api("ListResourceServers", { realm }))).resource_servers;
  const path = { realm, resource_server: managed?.id ?? "" };
  const { roles } = await succeed(api("ListRoles", { ...path, query: { filter: 'display_name eq "Directories"' } }));
  const { scopes } = await succeed(api("ListRoleScopes", { ...path, role: roles[0]?.id ?? "" }));
  assert.deepEqual(scopes, MANAGEMENT_SCOPES.filter((scope) => scope.startsWith("scim:")).toSorted());
});
