import assert from "node:assert/strict";
import { test } from "node:test";
import { type Caller, demandScopes } from "./caller.ts";

const callerWith = (...scopes: readonly string[]): Caller => ({
  ...{ tenantId: "t", realmId: "r", applicationId: "a", identityId: undefined, subject: "s", targetRealm: "*" },
  scopes: new Set(scopes),
});

test("all scopes that are named are needed, and none stands for another", () => {
  demandScopes(callerWith("scim:users:read", "groups:read"), ["scim:users:read", "groups:read"]);
  assert.throws(() => demandScopes(callerWith("scim:users:read"), ["scim:users:read", "groups:read"]), /forbidden/);
  assert.throws(() => demandScopes(callerWith("scim:all"), ["scim:users:read"]), /forbidden/);
});
