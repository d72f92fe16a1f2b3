import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf } from "../support/change-events.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

const EMBEDDED = {
  type: "embedded" as const,
  invoke_url: "https://shop.example/login",
  trusted_origins: ["https://shop.example"],
};

test("an authenticator config is made, shown, listed, changed and deleted", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(
    api("CreateAuthenticatorConfig", { body: { authenticator_config: { config: EMBEDDED } } }),
  );
  const { id: authenticator_config } = made;
  assert.deepEqual(made, {
    id: authenticator_config,
    tenant_id: tenant.tenantId,
    realm_id: tenant.realm.realmId,
    config: { ...EMBEDDED, invocation_type: "automatic", authentication_methods: [] },
  });
  assert.deepEqual(await succeed(api("GetAuthenticatorConfig", { authenticator_config })), made);
  const listed = await succeed(api("ListAuthenticatorConfigs", {}));
  assert.deepEqual(listed, { authenticator_configs: [made], total_size: 1 });
  const merge = { id: made.id, display_name: "Shop", config: { invoke_url: "https://shop.example/in" } };
  const changed = await succeed(
    api("UpdateAuthenticatorConfig", { authenticator_config, body: { authenticator_config: merge } }),
  );
  assert.deepEqual(changed, {
    ...made,
    display_name: "Shop",
    config: { ...made.config, invoke_url: "https://shop.example/in" },
  });
  assert.equal((await api("DeleteAuthenticatorConfig", { authenticator_config })).text, "");
  const gone = await api("GetAuthenticatorConfig", { authenticator_config });
  assert.deepEqual([gone.status, gone.json?.message], [404, "authenticator config not found"]);
  const done = ["CREATE", "UPDATE", "DELETE"].map((action) => `AuthenticatorConfigOperation ${action}`);
  assert.deepEqual(await changesOf(tenant, authenticator_config), done);
});

test("a hosted page needs no more than its type, and a type never changes", async () => {
  const api = managementClient(await testTenant());
  const hosted = { config: { type: "hosted_web" as const } };
  const made = await succeed(api("CreateAuthenticatorConfig", { body: { authenticator_config: hosted } }));
  assert.equal(made.config.authentication_methods?.length, 3);
  const other = { config: { type: "embedded" as const } };
  const path = { authenticator_config: made.id };
  const kept = await succeed(api("UpdateAuthenticatorConfig", { ...path, body: { authenticator_config: other } }));
  assert.equal(kept.config.type, "hosted_web");
  const bad = { config: { ...EMBEDDED, invoke_url: "javascript:alert(1)" } };
  const refused = await api("CreateAuthenticatorConfig", { body: { authenticator_config: bad } });
  assert.equal(violationsOf(refused)[0]?.startsWith("authenticator_config.config.invoke_url: "), true, refused.text);
});

test("a console's config is the admin realm's alone", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const config = {
    type: "console" as const,
    onboarding_configuration: { verification_method: { type: "none" as const } },
  };
  const body = { authenticator_config: { config } };
  const refused = await api("CreateAuthenticatorConfig", { body });
  const field = "authenticator_config.config.type";
  assert.deepEqual(violationsOf(refused), [`${field}: console is for the admin realm`]);
  const { realmId: realm } = tenant.adminRealm;
  const made = await succeed(api("CreateAuthenticatorConfig", { realm, body }));
  assert.equal((await api("GetAuthenticatorConfig", { realm, authenticator_config: made.id })).status, 200);
  assert.equal((await succeed(api("ListAuthenticatorConfigs", { realm }))).total_size, 1);
});

test("who may roam, and from where, is somebody and somewhere", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { id: group } = await succeed(api("CreateGroup", { body: { group: { display_name: "Clerks" } } }));
  const identity = await tenant.addIdentity("ann@example.com");
  const roaming = { enabled: true, allow_unknown_user: false, allowed_source_ips: ["192.0.2.0/24", "2001:db8::1"] };
  const platform = (members: object) => ({
    authenticator_config: {
      config: { type: "platform" as const, roaming_auth_config: { ...roaming, ...members } },
    },
  });
  const known = { allowed_user_group_ids: [group], allowed_user_ids: [identity] };
  const made = await succeed(api("CreateAuthenticatorConfig", { body: platform(known) }));
  const path = { authenticator_config: made.id };
  const nobody = "00000000000000ff";
  const at = "authenticator_config.config.roaming_auth_config";
  const cases: readonly (readonly [object, string])[] = [
    [{ ...known, allowed_user_group_ids: [nobody] }, `allowed_user_group_ids: ${nobody} is no group of this realm`],
    [{ ...known, allowed_user_ids: [group] }, `allowed_user_ids: ${group} is no identity of this realm`],
    [
      { ...known, allowed_source_ips: ["192.0.2.256"] },
      "allowed_source_ips: 192.0.2.256 is neither an IP address nor a network such as 192.0.2.0/24",
    ],
  ];
  for (const [members, reason] of cases) {
    const created = await api("CreateAuthenticatorConfig", { body: platform(members) });
    const changed = await api("UpdateAuthenticatorConfig", { ...path, body: platform(members) });
    assert.deepEqual([violationsOf(created), violationsOf(changed)], [[`${at}.${reason}`], [`${at}.${reason}`]]);
  }
  // Who is gone since is in nobody's way.
  await succeed(api("DeleteIdentity", { identity }));
  await succeed(api("UpdateAuthenticatorConfig", { ...path, body: platform(known) }));
});

test("a config stays while an application refers to it", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const authenticator_config = await tenant.addAuthenticatorConfig();
  const application = {
    display_name: "Site",
    authenticator_config_id: authenticator_config,
    protocol_config: {
      type: "oidc" as const,
      grant_type: ["authorization_code" as const],
      redirect_uris: ["https://site.example/in"],
      token_configuration: { expires_after: 60 },
    },
  };
  const { id } = await succeed(api("CreateApplication", { body: { application } }));
  const used = await api("DeleteAuthenticatorConfig", { authenticator_config });
  assert.deepEqual([used.status, used.json?.message], [409, "authenticator config has children"]);
  await succeed(api("DeleteApplication", { application: id }));
  await succeed(api("DeleteAuthenticatorConfig", { authenticator_config }));
});
