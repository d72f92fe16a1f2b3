import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { administratorOf } from "../support/administrator.ts";
import { decodeJwt } from "../support/jwt.ts";
import { assertRefused, cliUser, jsonOf } from "../support/run-cli.ts";
import { testTenant } from "../support/test-tenant.ts";

// Rule 1: who ends a token has to hold what its holder may do.

describe("a profile that may do as much as a token's holder", () => {
  test("revokes the token, by itself and by its id", async () => {
    const tenant = await testTenant();
    const { place, issue, isActive } = await administratorOf(tenant, ["realms:read", "events:read"]);
    const admin = await cliUser(tenant.management);
    const [held, named] = [await issue(), await issue()];
    const revoked = await admin.run(["token", "revoke"], { input: held });
    assert.deepEqual([revoked.code, revoked.stderr], [0, "Revoked: the token is not active any more.\n"]);
    const byId = await admin.run(["token", "revoke", String(decodeJwt(named).jti), ...place]);
    assert.deepEqual([byId.code, byId.stderr], [0, "Revoked.\n"]);
    assert.deepEqual([await isActive(held), await isActive(named)], [false, false]);
  });

  test("shortens the token, by itself and by its id", async () => {
    const tenant = await testTenant();
    const { place, issue } = await administratorOf(tenant, ["realms:read", "events:read"]);
    const admin = await cliUser(tenant.management);
    const input = await issue();
    const first = jsonOf(await admin.run(["token", "shorten", "-e", "10m"], { input }));
    const byId = ["token", "shorten", String(decodeJwt(input).jti), "-e", "5m", ...place];
    const second = jsonOf(await admin.run(byId));
    assert.ok(Number(second.exp) <= Number(first.exp) - 200, `${second.exp}, and ${first.exp} before`);
  });
});

test("a profile that may do less ends no such token, and is told what it lacks", async () => {
  const tenant = await testTenant();
  const { robot } = await administratorOf(tenant, ["tokens:read", "tokens:delete", "tokens:introspect"]);
  const { place, issue, isActive } = await administratorOf(tenant, ["realms:read", "realms:update"]);
  const user = await cliUser(robot);
  const input = await issue();
  for (const command of [["revoke"], ["shorten", "-e", "5m"]]) {
    const held = await user.run(["token", ...command], { input });
    assertRefused(held, /may do more than the bearer/, /\nUse a profile that may do as much/);
    const byId = await user.run(["token", ...command, String(decodeJwt(input).jti), ...place]);
    assertRefused(
      byId,
      /\nThis concerns somebody who holds a scope that the token lacks: realms:read realms:update\. Use a profile/,
    );
  }
  assert.equal(await isActive(input), true);
});
