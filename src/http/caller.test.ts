import assert from "node:assert/strict";
import { test } from "node:test";
import { type Caller, demandScopes } from "./caller.ts";

const callerWith = (...scopes: readonly string[]): Caller => ({
  ...{ tenantId: "t", realmId: "r", applicationId: "a", identityId: undefined, subject: "s", targetRealm: "*" },
  scopes: new Set(scopes),
});

test("scim:all stands for every scope of SCIM, and for no other (reference 2.3)", () => {
  demandScopes(callerWith("scim:all"), ["scim:users:read", "scim:groups:update"]);
  assert.throws(() => demandScopes(callerWith("scim:all"), ["scim:users:read", "groups:read"]), /forbidden/);
  assert.throws(() => demandScopes(callerWith("scim:users:read"), ["scim:users:update"]), /forbidden/);
});
