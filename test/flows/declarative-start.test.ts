import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { reconcileFile, TenantsLeft } from "../../src/declarative/reconcile.ts";
import { holdRealm } from "../../src/resources/realm/queries.ts";
import { findTenant } from "../../src/resources/tenant/queries.ts";
import { areWaiting, holdOn } from "../support/lock-waits.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

// What somebody does in one tenant keeps no node from starting.

const GROUP = "00000000000000aa";
const APPLICATION = "5f1d7a52-7d0c-4c6e-9a53-6b1f0a5be0c4";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "mayfly-declarative-start-"));
});
after(() => rm(directory, { recursive: true, force: true }));

async function start({ server, tenantId }: TestTenant, tenants: readonly object[]): Promise<readonly string[]> {
  const path = join(directory, `${tenantId}.json`);
  await writeFile(path, JSON.stringify({ version: 1, tenants }));
  return reconcileFile(server.deps, path, {});
}

test("a tenant that the file fits no more is left as it is, and the others are what the file says", async () => {
  const [one, other] = [await testTenant(), await testTenant()];
  const group = { id: GROUP, display_name: "Clerks" };
  const first = { id: one.tenantId, realms: [{ id: one.realm.realmId, groups: [group] }] };
  await start(one, [first]);
  await succeed(managementClient(one)("DeleteGroup", { group: GROUP }));
  const second = { id: other.tenantId, display_name: "Renamed" };
  const wrong = { ...first, display_name: "Never" };
  await assert.rejects(start(one, [wrong, second]), (error) => {
    assert.ok(error instanceof TenantsLeft);
    assert.deepEqual([[...error.left.keys()], error.changes.length], [[one.tenantId], 1]);
    assert.match(error.message, /tenants\[0\]\.realms\[0\]\.groups\[0\]: its id or name is taken/);
    return true;
  });
  const nameOf = async ({ server, tenantId }: TestTenant) =>
    (await findTenant(server.deps.database.tenants([tenantId]), tenantId))?.settings.display_name;
  assert.deepEqual([await nameOf(one), await nameOf(other)], ["Test tenant", "Renamed"]);
});

test("a name means the object that the file gives it to, whatever else bears it", async () => {
  const tenant = await testTenant();
  const settings = {
    display_name: "Export",
    protocol_config: {
      ...{ type: "oauth2" as const, grant_type: ["client_credentials" as const] },
      token_configuration: { expires_after: 900 },
    },
  };
  const server = { display_name: "Shop", identifier: "urn:shop", scopes: [], introspectors: ["Export"] };
  const realm = {
    id: tenant.realm.realmId,
    resource_servers: [server],
    applications: [{ ...settings, id: APPLICATION }],
  };
  const file = [{ id: tenant.tenantId, realms: [realm] }];
  await start(tenant, file);
  await tenant.addApplication(settings);
  assert.deepEqual(await start(tenant, file), []);
});

// On the embedded database's one session nobody waits for a lock.
if (databaseSide() === "postgresql") {
  test("a start waits for the locks of a tenant longer than a request does", async () => {
    const tenant = await testTenant();
    const { database } = tenant.server.deps;
    await tenant.managementToken();
    const create = () => managementClient(tenant)("CreateGroup", { body: { group: { display_name: "Late" } } });
    const held = Promise.withResolvers<void>();
    let isRefused = false;
    const holding = database.transaction([tenant.tenantId], async (db) => {
      await holdRealm(db, tenant.realm, true);
      held.resolve();
      await holdOn(
        () => holdRealm(db, tenant.realm, true),
        () => isRefused,
      );
    });
    await held.promise;
    const started = start(tenant, [{ id: tenant.tenantId, display_name: "Renamed" }]);
    const refused = started.catch((error: unknown) => error);
    await areWaiting(tenant.server, 1, refused);
    // Who asked later has waited for its second.
    const late = await create().finally(() => {
      isRefused = true;
    });
    await holding;
    assert.equal(late.status, 503, late.text);
    assert.ok(Array.isArray(await refused), String(await refused));
  });
}
