import assert from "node:assert/strict";
import { test } from "node:test";
import { createResourceServer, updateResourceServer } from "./rules.ts";
import type { ResourceServerBody } from "./schema.ts";

const around = { isClientId: false, publicUrl: "https://id.example" };
const shoes = { display_name: "Shoes", identifier: "urn:shoes", scopes: ["shoes:read"] };

function violations(body: ResourceServerBody, isClientId = false): string[] {
  const checked = createResourceServer({ ...shoes, ...body }, { ...around, isClientId });
  return checked.ok ? [] : checked.violations.map(({ field, description }) => `${field}: ${description}`);
}

test("an identifier is neither reserved, nor a client_id, nor an issuer of ours (rule 34)", () => {
  assert.deepEqual(violations({}), []);
  assert.deepEqual(violations({ identifier: "beyondidentity" }), ["resource_server.identifier: is reserved"]);
  assert.deepEqual(violations({}, true), ["resource_server.identifier: is the client_id of an application"]);
  assert.deepEqual(violations({ identifier: "https://id.example/v1/tenants/0123456789abcdef/realms/x" }), [
    "resource_server.identifier: has the form of an issuer of this server",
  ]);
});

test("a scope is a scope-token of RFC 6749 and stands there once", () => {
  for (const scope of ["a b", 'a"', "a\\", "ä", ""]) assert.equal(violations({ scopes: [scope] }).length, 1, scope);
  assert.deepEqual(violations({ scopes: ["a", "a"] }), ["resource_server.scopes: repeats a"]);
});

test("a scope policy is about a scope of the resource server, once", () => {
  assert.deepEqual(violations({ scope_policies: [{ scope: "shoes:read", max_expires_after: 60 }] }), []);
  assert.deepEqual(violations({ scope_policies: [{ scope: "socks:read", max_expires_after: 60 }] }), [
    "resource_server.scope_policies: socks:read is not a scope of this resource server",
  ]);
  assert.deepEqual(violations({ scope_policies: [{ scope: "shoes:read", max_expires_after: 0 }] }), [
    "resource_server.scope_policies: element 0, max_expires_after: must be >= 1",
  ]);
});

test("an identifier never changes", () => {
  const created = createResourceServer(shoes, around);
  assert.ok(created.ok);
  assert.deepEqual(updateResourceServer(created.value, { identifier: "urn:socks" }), created);
});
