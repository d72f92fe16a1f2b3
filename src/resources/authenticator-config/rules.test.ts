import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthenticatorConfig, updateAuthenticatorConfig } from "./rules.ts";
import type { AuthenticatorConfigBody } from "./schema.ts";

type ConfigBody = NonNullable<AuthenticatorConfigBody["config"]>;

const embedded: ConfigBody = {
  type: "embedded",
  invoke_url: "https://app.example/login",
  trusted_origins: ["https://app.example"],
};

function violations(config: ConfigBody): string[] {
  const checked = createAuthenticatorConfig({ config }, { isAdmin: true });
  if (checked.ok) return [];
  return checked.violations.map(
    ({ field, description }) => `${field.replace("authenticator_config.", "")}: ${description}`,
  );
}

test("a hosted_web config needs nothing but its type", () => {
  const checked = createAuthenticatorConfig({ config: { type: "hosted_web" } }, { isAdmin: false });
  assert.ok(checked.ok);
  assert.deepEqual(
    checked.value.config.authentication_methods?.map((method) => method.type),
    ["email_one_time_password", "webauthn_passkey", "software_passkey"],
  );
  assert.deepEqual(checked.value.config.trusted_origins, []);
});

test("each type has members of its own", () => {
  assert.deepEqual(violations(embedded), []);
  assert.deepEqual(violations({ type: "embedded" }), ["config.invoke_url: missing", "config.trusted_origins: missing"]);
  assert.deepEqual(violations({ type: "console" }), ["config.onboarding_configuration: missing"]);
  assert.deepEqual(violations({ type: "hosted_web", invoke_url: "https://a.example/" }), [
    "config.invoke_url: is not for type hosted_web",
  ]);
});

test("URLs that browsers follow are https, and origins are plain (rule 22)", () => {
  assert.equal(violations({ ...embedded, invoke_url: "javascript:alert(1)" }).length, 1);
  assert.deepEqual(violations({ ...embedded, invoke_url: "com.example.app:/login" }), []);
  assert.deepEqual(violations({ ...embedded, trusted_origins: ["https://app.example/"] }), [
    "config.trusted_origins: element 0 must be scheme://host[:port] in its plain form",
  ]);
  assert.equal(violations({ ...embedded, trusted_origins: ["http://app.example"] }).length, 1);
});

test("an identity provider is named exactly where it verifies", () => {
  const onboarding = (method: { type: "idp" | "none"; idp_id?: string }): ConfigBody => ({
    type: "console",
    onboarding_configuration: { verification_method: method },
  });
  const idp_id = "00000000-0000-4000-8000-000000000001";
  assert.deepEqual(violations(onboarding({ type: "idp", idp_id })), []);
  assert.deepEqual(violations(onboarding({ type: "none" })), []);
  assert.equal(violations(onboarding({ type: "idp" })).length, 1);
  assert.equal(violations(onboarding({ type: "none", idp_id })).length, 1);
});

test("a type never changes", () => {
  const created = createAuthenticatorConfig({ config: embedded }, { isAdmin: false });
  assert.ok(created.ok);
  assert.deepEqual(updateAuthenticatorConfig(created.value, { config: { type: "hosted_web" } }), created);
});
