import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { robotOf } from "../support/admin-world.ts";
import { basic } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { assertRefused, cliUser, jsonOf } from "../support/run-cli.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

// Rule 1: who ends a token has to hold what its holder may do.

/** An application of the admin realm with some power, and a way to have its tokens. */
async function administratorOf(tenant: TestTenant, scopes: readonly string[]) {
  const api = managementClient(tenant);
  const { realmId } = tenant.adminRealm;
  const own = await succeed(
    api("GetApplication", { realm: realmId, application: tenant.management.key.applicationId }),
  );
  const application = robotOf(own.resource_server_id ?? "", scopes, "*");
  const made = await succeed(api("CreateApplication", { realm: realmId, body: { application } }));
  const { client_id: clientId = "", client_secret: clientSecret = "" } = made.protocol_config;
  const robot: TestApplication = {
    key: { ...tenant.adminRealm, applicationId: made.id },
    clientId,
    clientSecret,
    issuer: tenant.management.issuer.replace(tenant.management.key.applicationId, made.id),
    authorization: basic(clientId, clientSecret),
  };
  return {
    robot,
    place: ["--application", made.id],
    issue: async () => String((await tenant.token(robot, { grant_type: "client_credentials" })).json?.access_token),
    isActive: async (token: string) => (await tenant.introspect(robot, token)).active,
  };
}

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
