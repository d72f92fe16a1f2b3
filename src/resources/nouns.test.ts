import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../test/support/scratch-database.ts";
import type { Queryable } from "../database/database.ts";
import { isConflict } from "../database/database-error.ts";
import { createRandom, hexId, uuid } from "../platform/random.ts";
import {
  deleteApplication,
  findApplication,
  findApplicationByClientId,
  findApplicationContext,
  findCurrentApplication,
  insertApplication,
  listApplications,
  readClients,
  updateApplicationSecret,
  updateApplicationSettings,
} from "./application/queries.ts";
import { createApplication } from "./application/rules.ts";
import {
  deleteAuthenticatorConfig,
  findAuthenticatorConfig,
  insertAuthenticatorConfig,
} from "./authenticator-config/queries.ts";
import { deleteGroup, findGroup, insertGroup, insertGroupMembers, listGroupMembers } from "./group/queries.ts";
import {
  claimSubject,
  deleteIdentity,
  findIdentitiesByEmail,
  findIdentity,
  insertIdentity,
  readRoleScopes,
  updateIdentitySettings,
  verifyIdentityEmail,
} from "./identity/queries.ts";
import type { IdentitySettings } from "./identity/schema.ts";
import { deleteRealm, findRealm, insertRealm } from "./realm/queries.ts";
import { createRealm } from "./realm/rules.ts";
import { deleteResourceServer, findResourceServer, insertResourceServer } from "./resource-server/queries.ts";
import { deleteRole, findRole, insertRole, insertRoleMembers, listRoleMembers } from "./role/queries.ts";
import { insertTenant } from "./tenant/queries.ts";
import { createTenant } from "./tenant/rules.ts";

const random = createRandom();
const FIRST_PAGE = { after: "", limit: 10 };

interface World {
  readonly db: Queryable;
  readonly realm: { readonly tenantId: string; readonly realmId: string };
  readonly resourceServerId: string;
}

async function world(): Promise<World> {
  const { database } = await sharedDatabase();
  const realm = { tenantId: hexId(random), realmId: hexId(random) };
  const db = database.tenants([realm.tenantId]);
  const tenant = createTenant({ display_name: "Shop" });
  const customers = createRealm({ display_name: "Customers" }, { isAdmin: false });
  assert.ok(tenant.ok && customers.ok);
  const refreshKeySealed = Buffer.from("sealed");
  await insertTenant(db, realm.tenantId, { kind: "test", refreshKeySealed, settings: tenant.value }, 1);
  await insertRealm(db, realm, { isAdmin: false, settings: customers.value }, 1);
  const resourceServerId = uuid(random);
  await insertResourceServer(db, { ...realm, resourceServerId }, { isManaged: false, settings: shoes }, 1);
  return { db, realm, resourceServerId };
}

const shoes = {
  display_name: "Shoes",
  identifier: "urn:shoes",
  scopes: ["shoes:read", "shoes:write"],
  token_policy: { max_expires_after: 900 },
  scope_policies: [{ scope: "shoes:write", max_expires_after: 60 }],
  introspectors: [],
};

function newApplication({ realm, resourceServerId }: World, clientId: string) {
  const body = {
    display_name: "Job",
    resource_server_id: resourceServerId,
    protocol_config: {
      type: "oauth2" as const,
      grant_type: ["client_credentials" as const],
      allowed_scopes: ["shoes:read"],
      token_configuration: { expires_after: 600, default_expires_after: 300 },
    },
  };
  const checked = createApplication(body, {
    realm: { realmId: realm.realmId, isAdmin: false },
    allowPlainPkce: false,
    findResourceServer: () => ({ scopes: shoes.scopes, isManaged: false }),
    hasAuthenticatorConfig: () => false,
    hasRealm: () => false,
    hasApplication: () => true,
  });
  assert.ok(checked.ok);
  const secret = { hash: Buffer.alloc(32, 1), sealed: undefined };
  return { isManaged: false, classification: "", clientId, secret, settings: checked.value };
}

function person(username: string): IdentitySettings {
  return {
    display_name: "Ann",
    status: "active",
    traits: { type: "traits_v0", username, primary_email_address: `${username}@Example.com` },
  };
}

test("an application's context holds all that a request depends on, and its stamp is the live one", async () => {
  const at = await world();
  const key = { ...at.realm, applicationId: uuid(random) };
  await insertApplication(at.db, key, newApplication(at, "job-1"), 1);
  const current = await findCurrentApplication(at.db, key);
  assert.ok(current);
  const { context } = current;
  assert.equal(context.client.defaultExpiresAfterSeconds, 300);
  assert.equal(context.client.targetRealm, at.realm.realmId);
  assert.equal(context.resourceServer?.maxExpiresAfterSeconds, 900);
  assert.deepEqual(context.resourceServer.scopePolicies, [{ scope: "shoes:write", maxExpiresAfter: 60 }]);
  assert.equal(context.tenant.kind, "test");
  const missing = { ...key, applicationId: uuid(random) };
  const [none, live] = await readClients(at.db, [missing, key]);
  assert.equal(none, undefined);
  assert.deepEqual(live, current.live);
  assert.deepEqual(live.secretHash, Buffer.alloc(32, 1));
  assert.equal(live.clockOffsetSeconds, 0);
});

test("a change of settings or secret is seen by the next strict look-up", async () => {
  const at = await world();
  const key = { ...at.realm, applicationId: uuid(random) };
  const application = newApplication(at, "job-1");
  await insertApplication(at.db, key, application, 1);
  const [before] = await readClients(at.db, [key]);
  await updateApplicationSettings(at.db, key, { ...application.settings, display_name: "Other" }, 2);
  const [changed] = await readClients(at.db, [key]);
  assert.notEqual(changed?.stamp, before?.stamp);
  await updateApplicationSecret(at.db, key, { hash: Buffer.alloc(32, 2), sealed: Buffer.from("s") }, 3);
  const [rotated] = await readClients(at.db, [key]);
  assert.deepEqual(rotated?.secretHash, Buffer.alloc(32, 2));
  assert.equal((await findApplication(at.db, key))?.version, 3);
});

test("a deleted application, realm or resource server is gone at once, and its client_id is free", async () => {
  const at = await world();
  const key = { ...at.realm, applicationId: uuid(random) };
  await insertApplication(at.db, key, newApplication(at, "job-1"), 1);
  const twin = { ...at.realm, applicationId: uuid(random) };
  await assert.rejects(insertApplication(at.db, twin, newApplication(at, "job-1"), 1), (error) =>
    isConflict(error, "applications_client_id"),
  );
  await deleteApplication(at.db, key, 2);
  assert.deepEqual(await readClients(at.db, [key]), [undefined]);
  assert.equal(await findApplicationContext(at.db, key), undefined);
  await insertApplication(at.db, twin, newApplication(at, "job-1"), 3);
  assert.deepEqual((await findApplicationByClientId(at.db, at.realm, "job-1"))?.key, twin);
  assert.equal((await listApplications(at.db, at.realm, FIRST_PAGE)).length, 1);
  await deleteResourceServer(at.db, { ...at.realm, resourceServerId: at.resourceServerId }, 4);
  assert.equal(await findResourceServer(at.db, { ...at.realm, resourceServerId: at.resourceServerId }), undefined);
  assert.equal(await findApplicationContext(at.db, twin), undefined);
  await deleteRealm(at.db, at.realm, 5);
  assert.equal(await findRealm(at.db, at.realm), undefined);
  assert.deepEqual(await readClients(at.db, [twin]), [undefined]);
});

test("role scopes are the union of roles held directly and through groups; what is deleted gives none", async () => {
  const at = await world();
  const { db, realm, resourceServerId } = at;
  const ann = { ...realm, identityId: hexId(random) };
  const staff = { ...realm, groupId: hexId(random) };
  await insertIdentity(db, ann, { settings: person("ann"), emailVerified: false }, 1);
  await insertGroup(db, staff, { display_name: "Staff", description: "" }, 1);
  await insertGroupMembers(db, staff, [ann.identityId, ann.identityId], 1);
  const roles = ["shoes:read", "shoes:write"].map((scope) => ({ key: { ...realm, roleId: hexId(random) }, scope }));
  for (const { key, scope } of roles) {
    const settings = { display_name: `May ${scope.slice(6)}`, description: "", scopes: [scope] };
    await insertRole(db, key, { resourceServerId, settings }, 1);
  }
  const [reader, writer] = roles.map((role) => role.key);
  assert.ok(reader && writer);
  await insertRoleMembers(db, reader, { kind: "identity", ids: [ann.identityId] }, 1);
  await insertRoleMembers(db, writer, { kind: "group", ids: [staff.groupId] }, 1);
  const read = async () => [...(await readRoleScopes(db, realm, ann.identityId, resourceServerId))].sort();
  assert.deepEqual(await read(), ["shoes:read", "shoes:write"]);
  assert.deepEqual([...(await readRoleScopes(db, realm, ann.identityId, uuid(random)))], []);
  await deleteGroup(db, staff, 2);
  assert.equal(await findGroup(db, staff), undefined);
  assert.deepEqual(await read(), ["shoes:read"]);
  await deleteRole(db, reader, 2);
  assert.equal(await findRole(db, reader), undefined);
  assert.deepEqual(await read(), []);
  await deleteIdentity(db, ann, 3);
  assert.deepEqual(await listGroupMembers(db, staff, FIRST_PAGE), []);
  assert.deepEqual(await listRoleMembers(db, reader, "identity", FIRST_PAGE), []);
});

test("a subject belongs to one identity for ever, even by two claims at once (rule 2)", async () => {
  const { db, realm } = await world();
  const [first, second] = [hexId(random), hexId(random)];
  const claims = await Promise.all([
    claimSubject(db, realm, "ann@example.com", first),
    claimSubject(db, realm, "ann@example.com", second),
  ]);
  assert.deepEqual([...claims].sort(), [false, true]);
  const [owner, other] = claims[0] ? [first, second] : [second, first];
  await deleteIdentity(db, { ...realm, identityId: owner }, 2);
  assert.equal(await claimSubject(db, realm, "ann@example.com", owner), true);
  assert.equal(await claimSubject(db, realm, "ann@example.com", other), false);
});

test("an address is verified until it is another one, and found by its key", async () => {
  const { db, realm } = await world();
  const ann = { ...realm, identityId: hexId(random) };
  await insertIdentity(db, ann, { settings: person("Ann"), emailVerified: false }, 1);
  await verifyIdentityEmail(db, ann, "other@example.com", 2);
  assert.equal((await findIdentity(db, ann))?.emailVerified, false);
  await verifyIdentityEmail(db, ann, "ann@example.com", 2);
  assert.equal((await findIdentitiesByEmail(db, realm, "ann@example.com"))[0]?.emailVerified, true);
  await updateIdentitySettings(db, ann, { ...person("Ann"), display_name: "Ann Other" }, 3);
  assert.equal((await findIdentity(db, ann))?.emailVerified, true);
  await updateIdentitySettings(db, ann, person("Anna"), 4);
  const changed = await findIdentity(db, ann);
  assert.equal(changed?.emailVerified, false);
  assert.equal(changed?.emailKey, "anna@example.com");
  const twin = insertIdentity(
    db,
    { ...realm, identityId: hexId(random) },
    { settings: person("ANNA"), emailVerified: false },
    5,
  );
  await assert.rejects(twin, (error) => isConflict(error, "identities_username"));
});

test("an authenticator config is found until it is deleted", async () => {
  const { db, realm } = await world();
  const key = { ...realm, authenticatorConfigId: uuid(random) };
  await insertAuthenticatorConfig(db, key, { config: { type: "hosted_web", trusted_origins: [] } }, 1);
  assert.deepEqual((await findAuthenticatorConfig(db, key))?.settings, {
    config: { type: "hosted_web", trusted_origins: [] },
  });
  await deleteAuthenticatorConfig(db, key, 2);
  assert.equal(await findAuthenticatorConfig(db, key), undefined);
});

test("another tenant sees nothing, whatever it asks for", async () => {
  const at = await world();
  const key = { ...at.realm, applicationId: uuid(random) };
  await insertApplication(at.db, key, newApplication(at, "job-1"), 1);
  const { database } = await sharedDatabase();
  const stranger = database.tenants([hexId(random)]);
  assert.deepEqual(await readClients(stranger, [key]), [undefined]);
  assert.equal(await findRealm(stranger, at.realm), undefined);
  await deleteApplication(stranger, key, 9);
  assert.ok(await findApplication(at.db, key));
});
