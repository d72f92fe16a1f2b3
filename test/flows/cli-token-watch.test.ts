import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { issueTo, makeApi, revokeFor } from "../support/feed-audience.ts";
import { feedNameOf } from "../support/feed-listener.ts";
import { decodeJwt } from "../support/jwt.ts";
import { cliUser } from "../support/run-cli.ts";
import { testClient } from "../support/test-client.ts";
import { testTenant } from "../support/test-tenant.ts";

describe("mayfly token watch", () => {
  test("prints a line for each token of the audience that ended, and ends after as many as were asked for", async () => {
    const client = await testClient({ tenant: await testTenant() });
    const { tenant, resourceServer } = client;
    const user = await cliUser(tenant.management);
    const [one, two] = [await issueTo(client), await issueTo(client)];
    await revokeFor(client, one);
    const { identifier } = resourceServer.settings;
    const watch = ["token", "watch", "--realm", tenant.realm.realmId, "--audience", identifier, "--count"];
    const first = await user.run([...watch, "1"]);
    assert.equal(first.code, 0, first.stderr);
    const line = JSON.parse(first.stdout);
    assert.deepEqual(line, { jti_sha256: feedNameOf(one), at: line.at });
    assert.ok(line.at >= Number(decodeJwt(one).iat));
    const both = user.run([...watch, "2"]);
    await revokeFor(client, two);
    const told = (await both).stdout.trim().split("\n");
    assert.deepEqual(
      told.map((text) => JSON.parse(text).jti_sha256),
      [one, two].map(feedNameOf),
    );
  });

  test("says what is wrong: an audience that is none, a number that is none, an application that may not", async () => {
    const client = await testClient({ tenant: await testTenant() });
    const { tenant, resourceServer } = client;
    const user = await cliUser(tenant.management);
    const watch = ["token", "watch", "--realm", tenant.realm.realmId, "--audience"];
    const unknown = await user.run([...watch, "urn:nothing"]);
    assert.deepEqual(
      [unknown.code, /the audience is no resource server/.test(unknown.stderr)],
      [1, true],
      unknown.stderr,
    );
    const none = await user.run([...watch, "urn:nothing", "--count", "x"]);
    assert.match(none.stderr, /Write a number/);
    const api = await cliUser(await makeApi(client));
    const refused = await api.run([...watch, resourceServer.settings.identifier]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /invalid_scope/);
  });
});
