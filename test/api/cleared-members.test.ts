import assert from "node:assert/strict";
import { test } from "node:test";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

// Reference 2.1: `null` clears a member. What has a default is the default again; what has none must be said.

test("a group's and a role's description are cleared", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const body = { display_name: "Clerks", description: "At the till" };
  const { id: group } = await succeed(api("CreateGroup", { body: { group: body } }));
  const cleared = { description: null };
  assert.equal((await succeed(api("UpdateGroup", { group, body: { group: cleared } }))).description, "");
  const { resourceServerId: resource_server } = await tenant.addResourceServer();
  const { id: role } = await succeed(api("CreateRole", { resource_server, body: { role: body } }));
  const path = { resource_server, role };
  assert.equal((await succeed(api("UpdateRole", { ...path, body: { role: cleared } }))).description, "");
});

test("a resource server's lists and policies are cleared", async () => {
  const api = managementClient(await testTenant());
  const whole = {
    display_name: "Shoes",
    identifier: "urn:shoes",
    scopes: ["shoes:read"],
    token_policy: { max_expires_after: 60 },
    scope_policies: [{ scope: "shoes:read", max_expires_after: 60 }],
  };
  const { id: resource_server } = await succeed(api("CreateResourceServer", { body: { resource_server: whole } }));
  const none = { scopes: null, token_policy: null, scope_policies: null, introspectors: null };
  const after = await succeed(api("UpdateResourceServer", { resource_server, body: { resource_server: none } }));
  const { scopes, token_policy, scope_policies, introspectors } = after;
  assert.deepEqual([scopes, token_policy, scope_policies, introspectors], [[], {}, [], []]);
  const nameless = { body: { resource_server: { display_name: null } } };
  const refused = await api("UpdateResourceServer", { resource_server, ...nameless });
  assert.deepEqual(violationsOf(refused), ["resource_server.display_name: missing"]);
});

test("an application's members are its defaults again, and its protocol is not cleared", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { resourceServerId } = await tenant.addResourceServer();
  const { id: other } = await succeed(api("CreateApplication", { body: { application: jobOf() } }));
  const whole = {
    ...jobOf({ allowed_scopes: ["shoes:read"], token_format: "referential" }),
    resource_server_id: resourceServerId,
    may_be_exchanged_by: [other],
  };
  const { id: application } = await succeed(api("CreateApplication", { body: { application: whole } }));
  const none = {
    may_be_exchanged_by: null,
    target_realm: null,
    protocol_config: {
      ...{ allowed_scopes: null, redirect_uris: null, pkce: null, token_format: null, issuer_mode: null },
      ...{ refresh_token_configuration: null, post_logout_redirect_uris: null },
      token_configuration: { over_limit: null, subject_field: null },
    },
  };
  const after = await succeed(api("UpdateApplication", { application, body: { application: none } }));
  assert.deepEqual([after.may_be_exchanged_by, after.target_realm], [[], tenant.realm.realmId]);
  const { allowed_scopes, redirect_uris, pkce, token_format, token_configuration } = after.protocol_config;
  assert.deepEqual([allowed_scopes, redirect_uris, pkce, token_format], [[], [], "disabled", "self_contained"]);
  assert.deepEqual([token_configuration.over_limit, token_configuration.expires_after], ["reject", 3600]);
  const refresh = { enabled: false, rotate: true, grace_seconds: 10 };
  assert.deepEqual(after.protocol_config.refresh_token_configuration, refresh);
  const refuse = async (body: object) =>
    violationsOf(await api("UpdateApplication", { application, body: { application: body } }));
  assert.deepEqual(await refuse({ protocol_config: null }), ["application.protocol_config: missing"]);
  assert.deepEqual(await refuse({ protocol_config: { token_configuration: null } }), [
    "application.protocol_config.token_configuration.expires_after: missing",
  ]);
});

test("what a public application must have is its default, too", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const site = {
    display_name: "Site",
    authenticator_config_id: await tenant.addAuthenticatorConfig(),
    protocol_config: {
      type: "oidc" as const,
      confidentiality: "public" as const,
      grant_type: ["authorization_code" as const],
      redirect_uris: ["https://site.example/in"],
      token_configuration: { expires_after: 60 },
    },
  };
  const { id: application } = await succeed(api("CreateApplication", { body: { application: site } }));
  const none = { protocol_config: { pkce: null, token_configuration: { custom_claims: null } } };
  const { protocol_config } = await succeed(api("UpdateApplication", { application, body: { application: none } }));
  assert.deepEqual([protocol_config.pkce, protocol_config.token_configuration.custom_claims], ["s256", "deny"]);
});

test("an identity's status, a realm's and a tenant's policies and switches are their defaults again", async () => {
  const api = managementClient(await testTenant());
  const traits = { type: "traits_v0" as const, username: "ann" };
  const ann = { display_name: "Ann", status: "suspended" as const, traits };
  const { id: identity } = await succeed(api("CreateIdentity", { body: { identity: ann } }));
  const again = await succeed(api("UpdateIdentity", { identity, body: { identity: { status: null } } }));
  assert.equal(again.status, "active");
  const policies = { token_policy: { max_expires_after: 60 }, session_policy: { idle: 60, absolute: 90 } };
  await succeed(api("UpdateRealm", { body: { realm: { ...policies, auto_provision: true } } }));
  const noPolicies = { token_policy: null, session_policy: null, auto_provision: null };
  const realm = await succeed(api("UpdateRealm", { body: { realm: noPolicies } }));
  const { token_policy, session_policy, auto_provision } = realm;
  assert.deepEqual([token_policy, session_policy, auto_provision], [{}, { idle: 28_800, absolute: 86_400 }, false]);
  const switches = { token_policy: { max_expires_after: 60 }, settings: { show_secrets_once: true } };
  await succeed(api("UpdateTenant", { body: { tenant: switches } }));
  const off = { token_policy: null, settings: { show_secrets_once: null } };
  const tenant = await succeed(api("UpdateTenant", { body: { tenant: off } }));
  assert.deepEqual([tenant.token_policy, tenant.settings.show_secrets_once], [{}, false]);
});

test("an authenticator config's lists are those of its type again, and its config is not cleared", async () => {
  const api = managementClient(await testTenant());
  const config = { type: "hosted_web" as const, trusted_origins: ["https://shop.example"] };
  const made = await succeed(api("CreateAuthenticatorConfig", { body: { authenticator_config: { config } } }));
  const path = { authenticator_config: made.id };
  const none = { config: { trusted_origins: null, authentication_methods: null } };
  const after = await succeed(api("UpdateAuthenticatorConfig", { ...path, body: { authenticator_config: none } }));
  assert.deepEqual([after.config.trusted_origins, after.config.authentication_methods?.length], [[], 3]);
  const refused = await api("UpdateAuthenticatorConfig", { ...path, body: { authenticator_config: { config: null } } });
  assert.deepEqual(violationsOf(refused), ["authenticator_config.config: missing"]);
});

function jobOf(config: object = {}) {
  return {
    display_name: "Job",
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      token_configuration: { expires_after: 3600 },
      ...config,
    },
  };
}
