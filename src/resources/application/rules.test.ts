import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ApplicationSurroundings, createApplication, updateApplication } from "./rules.ts";
import type { ApplicationBody } from "./schema.ts";

type ConfigBody = NonNullable<ApplicationBody["protocol_config"]>;

const REALM = "00000000000000aa";
const SERVER = "00000000-0000-4000-8000-000000000001";
const MANAGED = "00000000-0000-4000-8000-000000000002";
const LOGIN = "00000000-0000-4000-8000-000000000003";

const surroundings: ApplicationSurroundings = {
  realm: { realmId: REALM, isAdmin: false },
  allowPlainPkce: false,
  findResourceServer: (id) =>
    id === SERVER || id === MANAGED ? { scopes: ["a:read", "a:write"], isManaged: id === MANAGED } : undefined,
  hasAuthenticatorConfig: (id) => id === LOGIN,
  hasRealm: (id) => id === REALM,
  hasApplication: (id) => id === "00000000-0000-4000-8000-000000000009",
};

const job: ApplicationBody = {
  display_name: "Job",
  protocol_config: { type: "oauth2", grant_type: ["client_credentials"], token_configuration: { expires_after: 600 } },
};
const shop: ApplicationBody = {
  display_name: "Shop",
  authenticator_config_id: LOGIN,
  protocol_config: {
    type: "oidc",
    grant_type: ["authorization_code"],
    redirect_uris: ["https://shop.example/callback"],
    token_configuration: { expires_after: 600 },
  },
};

function withConfig(body: ApplicationBody, config: ConfigBody): ApplicationBody {
  return { ...body, protocol_config: { ...body.protocol_config, ...config } };
}

function violations(body: ApplicationBody, around: Partial<ApplicationSurroundings> = {}): string[] {
  const checked = createApplication(body, { ...surroundings, ...around });
  if (checked.ok) return [];
  return checked.violations.map(({ field, description }) => `${field.replace("application.", "")}: ${description}`);
}

describe("a new application", () => {
  test("gets every default", () => {
    const checked = createApplication(job, surroundings);
    assert.deepEqual(checked, {
      ok: true,
      value: {
        display_name: "Job",
        target_realm: REALM,
        may_be_exchanged_by: [],
        protocol_config: {
          type: "oauth2",
          confidentiality: "confidential",
          grant_type: ["client_credentials"],
          allowed_scopes: [],
          redirect_uris: [],
          pkce: "disabled",
          token_format: "self_contained",
          token_configuration: {
            expires_after: 600,
            over_limit: "reject",
            token_signing_algorithm: "RS256",
            subject_field: "id",
            custom_claims: "allow",
            custom_claims_max_bytes: 4096,
            id_token_expires_after: 3600,
            id_token_claims: "scopes",
            id_token_signed_response_alg: "RS256",
          },
          refresh_token_configuration: { enabled: false, rotate: true, grace_seconds: 10 },
          issuer_mode: "application",
          post_logout_redirect_uris: [],
          backchannel_logout_session_required: false,
        },
      },
    });
  });

  test("that is public proves itself by S256 and sends no custom claims, unless it says so", () => {
    const checked = createApplication(withConfig(shop, { confidentiality: "public" }), surroundings);
    assert.ok(checked.ok);
    assert.equal(checked.value.protocol_config.pkce, "s256");
    assert.equal(checked.value.protocol_config.token_configuration.custom_claims, "deny");
  });

  const refused: readonly [string, ApplicationBody, string][] = [
    [
      "a lifetime of zero",
      withConfig(job, { token_configuration: { expires_after: 0 } }),
      "protocol_config.token_configuration.expires_after: must be >= 1",
    ],
    [
      "a lifetime over ten years",
      withConfig(job, { token_configuration: { expires_after: 315_360_001 } }),
      "protocol_config.token_configuration.expires_after: must be <= 315360000",
    ],
    [
      "no lifetime",
      withConfig(job, { token_configuration: {} }),
      "protocol_config.token_configuration.expires_after: missing",
    ],
    ["no grant", withConfig(job, { grant_type: [] }), "protocol_config.grant_type: must not have fewer than 1 items"],
    [
      "a grant twice",
      withConfig(job, { grant_type: ["client_credentials", "client_credentials"] }),
      "protocol_config.grant_type: repeats client_credentials",
    ],
    [
      "public with client_credentials",
      withConfig(job, { confidentiality: "public", pkce: "disabled" }),
      "protocol_config.grant_type: client_credentials needs a confidential client",
    ],
    [
      "oidc with client_credentials",
      withConfig(job, { type: "oidc" }),
      "protocol_config.grant_type: oidc takes authorization_code only",
    ],
    [
      "codes without redirect URI",
      withConfig(shop, { redirect_uris: [] }),
      "protocol_config.redirect_uris: authorization_code needs at least one",
    ],
    [
      "pairwise subjects that can be compared",
      withConfig(shop, {
        subject_type: "pairwise",
        token_configuration: { expires_after: 60, subject_field: "email" },
      }),
      "protocol_config.subject_type: pairwise needs subject_field id: other names can be compared",
    ],
    [
      "pairwise subjects of two hosts",
      withConfig(shop, { subject_type: "pairwise", redirect_uris: ["https://a.example/", "https://b.example/"] }),
      "protocol_config.subject_type: pairwise needs redirect URIs of one host",
    ],
    [
      "pairwise subjects without OpenID Connect",
      withConfig(shop, { type: "oauth2", subject_type: "pairwise" }),
      "protocol_config.subject_type: pairwise needs protocol type oidc",
    ],
    [
      "codes without authenticator config",
      { ...shop, authenticator_config_id: null },
      "authenticator_config_id: missing",
    ],
    [
      "an unknown authenticator config",
      { ...shop, authenticator_config_id: SERVER },
      "authenticator_config_id: names no authenticator config of this realm",
    ],
    [
      "a fragment in a redirect URI",
      withConfig(shop, { redirect_uris: ["https://a.example/#b"] }),
      "protocol_config.redirect_uris: element 0 must not have a fragment",
    ],
    [
      "a redirect URI twice",
      withConfig(shop, { redirect_uris: ["https://a.example/", "https://a.example/"] }),
      "protocol_config.redirect_uris: repeats https://a.example/",
    ],
    [
      "a private-use scheme for a confidential client",
      withConfig(shop, { redirect_uris: ["com.example.app:/cb"] }),
      "protocol_config.redirect_uris: element 0 must be https for a confidential application",
    ],
    ["PKCE without codes", withConfig(job, { pkce: "s256" }), "protocol_config.pkce: needs authorization_code"],
    [
      "plain PKCE where the tenant does not allow it",
      withConfig(shop, { pkce: "plain" }),
      "protocol_config.pkce: plain needs the tenant's settings.allow_plain_pkce",
    ],
    [
      "a public client without PKCE",
      withConfig(shop, { confidentiality: "public", pkce: "disabled" }),
      "protocol_config.pkce: a public client must use s256",
    ],
    [
      "scopes without resource server",
      withConfig(job, { allowed_scopes: ["a:read"] }),
      "protocol_config.allowed_scopes: must be empty without a resource server",
    ],
    [
      "a scope that the resource server lacks",
      withConfig({ ...job, resource_server_id: SERVER }, { allowed_scopes: ["b:read"] }),
      "protocol_config.allowed_scopes: b:read is not a scope of the resource server",
    ],
    [
      "an OpenID scope",
      withConfig({ ...job, resource_server_id: SERVER }, { allowed_scopes: ["openid"] }),
      "protocol_config.allowed_scopes: openid is decided by the protocol type",
    ],
    [
      "an unknown resource server",
      { ...job, resource_server_id: LOGIN },
      "resource_server_id: names no resource server of this realm",
    ],
    [
      "refresh tokens without duration",
      withConfig(shop, { refresh_token_configuration: { enabled: true } }),
      "protocol_config.refresh_token_configuration.absolute_duration: missing",
    ],
    [
      "refresh tokens that live zero seconds",
      withConfig(shop, { refresh_token_configuration: { enabled: true, absolute_duration: 0 } }),
      "protocol_config.refresh_token_configuration.absolute_duration: must be >= 1",
    ],
    [
      "refresh tokens without codes",
      withConfig(job, { refresh_token_configuration: { enabled: true, absolute_duration: 60 } }),
      "protocol_config.refresh_token_configuration.enabled: needs authorization_code",
    ],
    [
      "a public client's refresh tokens that stay",
      withConfig(shop, {
        confidentiality: "public",
        refresh_token_configuration: { enabled: true, absolute_duration: 60, rotate: false },
      }),
      "protocol_config.refresh_token_configuration.rotate: must be true for a public client",
    ],
    [
      "a grace window over a minute",
      withConfig(shop, { refresh_token_configuration: { grace_seconds: 61 } }),
      "protocol_config.refresh_token_configuration.grace_seconds: must be <= 60",
    ],
    [
      "custom claims over 4 KiB",
      withConfig(job, { token_configuration: { expires_after: 1, custom_claims_max_bytes: 4097 } }),
      "protocol_config.token_configuration.custom_claims_max_bytes: must be <= 4096",
    ],
    [
      "a logout URI over http",
      withConfig(shop, { backchannel_logout_uri: "http://a.example/out" }),
      "protocol_config.backchannel_logout_uri: must be https; http is for 127.0.0.1, [::1] and localhost only",
    ],
    [
      "a logout URI without OpenID Connect",
      withConfig(job, { backchannel_logout_uri: "https://a.example/out" }),
      "protocol_config.backchannel_logout_uri: needs protocol type oidc",
    ],
    [
      "a reach beyond its realm",
      { ...job, target_realm: "*" },
      "target_realm: is for applications of the admin realm on the built-in resource server",
    ],
    [
      "no consent for a redirect URI that any program can claim (rule 36)",
      withConfig(shop, { consent: "none", redirect_uris: ["http://127.0.0.1/cb"] }),
      "protocol_config.consent: none is not for loopback or private-use redirect URIs",
    ],
  ];
  for (const [name, body, expected] of refused) {
    test(`is refused for ${name}`, () => assert.deepEqual(violations(body), [expected]));
  }

  test("may reach other realms in the admin realm on the built-in resource server only (rule 8)", () => {
    const admin = { realm: { realmId: REALM, isAdmin: true } };
    assert.deepEqual(violations({ ...job, target_realm: "*", resource_server_id: MANAGED }, admin), []);
    assert.equal(violations({ ...job, target_realm: "*", resource_server_id: SERVER }, admin).length, 1);
    assert.equal(violations({ ...job, target_realm: "*", resource_server_id: MANAGED }).length, 1);
    const elsewhere = { ...job, target_realm: "00000000000000bb", resource_server_id: MANAGED };
    assert.deepEqual(violations(elsewhere, admin), ["target_realm: names no realm of this tenant"]);
  });
});

describe("a changed application", () => {
  test("keeps its protocol, client type, grants and issuer, whatever the body says", () => {
    const created = createApplication(shop, surroundings);
    assert.ok(created.ok);
    const body = withConfig(
      {},
      {
        type: "oauth2",
        confidentiality: "public",
        grant_type: ["client_credentials"],
        issuer_mode: "realm",
        subject_type: "pairwise",
      },
    );
    assert.deepEqual(updateApplication(created.value, body, surroundings), created);
  });

  test("keeps plain PKCE where it has it already", () => {
    const created = createApplication(withConfig(shop, { pkce: "plain" }), { ...surroundings, allowPlainPkce: true });
    assert.ok(created.ok);
    assert.ok(updateApplication(created.value, { display_name: "New" }, surroundings).ok);
  });

  test("loses an optional member by null", () => {
    const created = createApplication({ ...job, resource_server_id: SERVER }, surroundings);
    assert.ok(created.ok);
    const updated = updateApplication(created.value, { resource_server_id: null }, surroundings);
    assert.ok(updated.ok);
    assert.equal("resource_server_id" in updated.value, false);
  });
});
