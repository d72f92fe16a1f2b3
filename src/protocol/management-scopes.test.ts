import assert from "node:assert/strict";
import { test } from "node:test";
import { expandManagementScopes, MANAGEMENT_SCOPES } from "./management-scopes.ts";

test("the management API has 63 scopes, none twice: 43 of the origin's token page and 20 more", () => {
  assert.equal(MANAGEMENT_SCOPES.length, 63);
  assert.equal(new Set(MANAGEMENT_SCOPES).size, 63);
  assert.equal(MANAGEMENT_SCOPES.indexOf("roles:create"), 43);
  for (const scope of MANAGEMENT_SCOPES) assert.match(scope, /^[a-z0-9-]+(:[a-z]+){1,2}$/);
});

test("scim:all is a name for the eight scopes of SCIM, and none itself (reference 6 #44)", () => {
  const scim = MANAGEMENT_SCOPES.filter((scope) => scope.startsWith("scim:"));
  assert.equal(scim.length, 8);
  assert.equal(MANAGEMENT_SCOPES.includes("scim:all"), false);
  assert.deepEqual(expandManagementScopes(["scim:all"]), scim);
  assert.deepEqual(expandManagementScopes(["groups:read", "scim:groups:read", "scim:all"]).toSorted(), [
    "groups:read",
    ...scim.toSorted(),
  ]);
  assert.deepEqual(expandManagementScopes(["groups:read"]), ["groups:read"]);
});
