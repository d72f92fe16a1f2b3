import assert from "node:assert/strict";
import { test } from "node:test";
import { createRole, updateRole } from "./rules.ts";

const shoes = { scopes: ["shoes:read", "shoes:write"] };

test("a role holds scopes of its resource server, each once", () => {
  assert.ok(createRole({ display_name: "Clerks", scopes: ["shoes:read"] }, shoes).ok);
  assert.deepEqual(createRole({ display_name: "Clerks", scopes: ["socks:read", "shoes:read", "shoes:read"] }, shoes), {
    ok: false,
    violations: [
      { field: "role.scopes", description: "repeats shoes:read" },
      { field: "role.scopes", description: "socks:read is not a scope of the resource server" },
    ],
  });
});

test("a description is never absent, and has at most 300 characters", () => {
  const created = createRole({ display_name: "Clerks" }, shoes);
  assert.ok(created.ok);
  assert.equal(created.value.description, "");
  assert.ok(!updateRole(created.value, { description: "x".repeat(301) }, shoes).ok);
});
