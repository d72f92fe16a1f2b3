import assert from "node:assert/strict";
import { test } from "node:test";
import { MANAGEMENT_SCOPES } from "./management-scopes.ts";

test("the management API has 63 scopes, none twice: 43 of the origin's token page and 20 more", () => {
  assert.equal(MANAGEMENT_SCOPES.length, 63);
  assert.equal(new Set(MANAGEMENT_SCOPES).size, 63);
  assert.equal(MANAGEMENT_SCOPES.indexOf("roles:create"), 43);
  for (const scope of MANAGEMENT_SCOPES) assert.match(scope, /^[a-z0-9-]+(:[a-z]+){1,2}$/);
});
