import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { reconcileFile } from "../../src/declarative/reconcile.ts";
import { holdApplication, updateApplicationSettings } from "../../src/resources/application/queries.ts";
import { holdRealm } from "../../src/resources/realm/queries.ts";
import { areWaiting, holdOn } from "../support/lock-waits.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// A declarative file and the management API at once: a plan merges into what is stored and writes whole rows, so that it must not be
// made of what somebody is changing at that moment.

const directory = await mkdtemp(join(tmpdir(), "mayfly-declared-race-"));
after(() => rm(directory, { recursive: true, force: true }));

const WAYS: Readonly<Record<string, (tenant: TestTenant, realms: readonly object[]) => Promise<unknown>>> = {
  "a request": async (tenant, realms) => {
    const text = JSON.stringify({ id: tenant.tenantId, realms });
    const answer = await managementClient(tenant)("ApplyTenant", { text });
    assert.equal(answer.status, 200, answer.text);
  },
  "a start": async (tenant, realms) => {
    const path = join(directory, `${tenant.tenantId}.yaml`);
    await writeFile(path, JSON.stringify({ version: 1, tenants: [{ id: tenant.tenantId, realms }] }));
    await reconcileFile(tenant.server.deps, path, {});
  },
};

// The embedded database has one session: there, one is over before the other begins.
if (databaseSide() === "postgresql") {
  for (const [way, apply] of Object.entries(WAYS)) {
    test(`a file that is applied by ${way} loses no change that is being made`, async () => {
      const tenant = await testTenant();
      const api = managementClient(tenant);
      const { key } = await tenant.addApplication({
        protocol_config: {
          ...{ type: "oauth2", grant_type: ["client_credentials"] },
          token_configuration: { expires_after: 600 },
        },
      });
      await tenant.managementToken();
      const file = [
        { id: tenant.realm.realmId, applications: [{ id: key.applicationId, display_name: "By the file" }] },
      ];
      const { deps } = tenant.server;
      const isHeld = Promise.withResolvers<void>();
      let mayGoOn = false;
      const changing = deps.database.transaction([tenant.tenantId], async (db) => {
        await holdRealm(db, tenant.realm, false);
        const held = await holdApplication(db, key);
        assert.ok(held !== undefined);
        isHeld.resolve();
        await holdOn(
          () => holdRealm(db, tenant.realm, false),
          () => mayGoOn,
        );
        const { protocol_config: config } = held.settings;
        const token_configuration = { ...config.token_configuration, expires_after: 77 };
        const settings = { ...held.settings, protocol_config: { ...config, token_configuration } };
        await updateApplicationSettings(db, key, settings, deps.clock.nowMs());
      });
      await isHeld.promise;
      const applied = apply(tenant, file);
      const hasWaited = await areWaiting(tenant.server, 1, applied);
      mayGoOn = true;
      await Promise.all([changing, applied]);
      assert.ok(hasWaited);
      const shown = await succeed(api("GetApplication", { application: key.applicationId }));
      const { expires_after } = shown.protocol_config.token_configuration;
      assert.deepEqual([shown.display_name, expires_after], ["By the file", 77]);
    });
  }
}
