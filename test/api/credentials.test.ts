import assert from "node:assert/strict";
import { test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import { findCredentialByWebauthnId } from "../../src/resources/credential/queries.ts";
import { deleteIdentity } from "../../src/resources/identity/queries.ts";
import { changesOf } from "../support/change-events.ts";
import { mailsOf } from "../support/login-flow.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { addPasskey } from "../support/test-credential.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const UNKNOWN = "00000000000000ff";

async function world() {
  const tenant = await testTenant();
  const [ada, bob] = [await tenant.addIdentity("ada@example.com"), await tenant.addIdentity("bob@example.com")];
  return { tenant, api: managementClient(tenant), ada, bob };
}

function dbOf({ server, tenantId }: TestTenant) {
  return server.deps.database.tenants([tenantId]);
}

test("a credential is shown with its key as a JSON text and the key's thumbprint", async () => {
  const { tenant, api, ada } = await world();
  const credential = await addPasskey(tenant, ada);
  const shown = await api("GetCredential", { identity: ada, credential });
  assert.deepEqual([shown.status, shown.headers.get("etag")], [200, '"1"'], shown.text);
  const { jwk_json, jwk_thumbprint, create_time, update_time, ...others } = shown.value;
  assert.deepEqual(others, {
    id: credential,
    identity_id: ada,
    tenant_id: tenant.tenantId,
    realm_id: tenant.realm.realmId,
    state: "ACTIVE",
    csr_type: "FIDO2",
  });
  assert.equal(create_time, update_time);
  assert.equal(jwk_thumbprint, await calculateJwkThumbprint(JSON.parse(jwk_json)));
});

test("credentials are listed of one identity, or with a dash of the realm, and filtered", async () => {
  const { tenant, api, ada, bob } = await world();
  const made = [await addPasskey(tenant, ada), await addPasskey(tenant, ada), await addPasskey(tenant, bob)];
  await succeed(api("RevokeCredential", { identity: ada, credential: made[0] ?? "" }));
  const list = async (identity: string, query: Record<string, string> = {}) => {
    const { credentials, total_size } = await succeed(api("ListCredentials", { identity, query }));
    assert.equal(total_size, credentials.length);
    return credentials.map(({ id }) => id).toSorted();
  };
  assert.deepEqual(await list(ada), made.slice(0, 2).toSorted());
  assert.deepEqual(await list(bob), made.slice(2));
  assert.deepEqual(await list("-"), made.toSorted());
  assert.deepEqual(await list("-", { filter: 'state eq "REVOKED"' }), made.slice(0, 1));
  assert.deepEqual(await list(ada, { filter: 'state eq "ACTIVE"' }), made.slice(1, 2));
  const { jwk_thumbprint } = await succeed(api("GetCredential", { identity: bob, credential: made[2] ?? "" }));
  for (const whose of [bob, "-"]) {
    assert.deepEqual(await list(whose, { filter: `jwk_thumbprint eq "${jwk_thumbprint}"` }), made.slice(2));
  }
  assert.deepEqual(await list(ada, { filter: `jwk_thumbprint eq "${jwk_thumbprint}"` }), []);
  const first = await succeed(api("ListCredentials", { identity: "-", query: { page_size: "2" } }));
  assert.deepEqual([first.credentials.length, first.total_size], [2, 3]);
  const { next_page_token: page_token = "" } = first;
  const rest = await succeed(api("ListCredentials", { identity: "-", query: { page_token } }));
  assert.deepEqual([rest.credentials.length, rest.next_page_token], [1, undefined]);
  assert.equal((await api("ListCredentials", { identity: ada, query: { page_token } })).status, 400, "another list");
  const skipped = await succeed(api("ListCredentials", { identity: "-", query: { skip: "2", page_size: "500" } }));
  assert.deepEqual([skipped.credentials.length, skipped.total_size], [1, 3]);
  const bad = await api("ListCredentials", { identity: "-", query: { filter: 'webauthn_id eq "x"' } });
  assert.match(violationsOf(bad)[0] ?? "", /^filter: /);
});

test("an identity without credentials has an empty list, and one that does not exist has none", async () => {
  const { api, ada, bob, tenant } = await world();
  assert.deepEqual(await succeed(api("ListCredentials", { identity: ada })), { credentials: [], total_size: 0 });
  assert.deepEqual(await succeed(api("ListCredentials", { identity: "-" })), { credentials: [], total_size: 0 });
  const missing = await api("ListCredentials", { identity: UNKNOWN });
  assert.deepEqual([missing.status, missing.json?.message], [404, "identity not found"]);
  assert.equal((await api("ListCredentials", { identity: "nobody" })).status, 404);
  const credential = await addPasskey(tenant, ada);
  const others = await api("GetCredential", { identity: bob, credential });
  assert.deepEqual([others.status, others.json?.message], [404, "credential not found"]);
  assert.equal((await api("RevokeCredential", { identity: bob, credential })).status, 404);
  assert.equal((await api("GetCredential", { identity: ada, credential: UNKNOWN })).status, 404);
});

test("revocation is final, told once as an event and to the owner, and may be asked for again", async () => {
  const { tenant, api, ada } = await world();
  const path = { identity: ada, credential: await addPasskey(tenant, ada) };
  assert.equal((await api("RevokeCredential", { ...path, headers: { "if-match": '"2"' } })).status, 412);
  const revoked = await api("RevokeCredential", path);
  assert.deepEqual([revoked.value.state, revoked.headers.get("etag")], ["REVOKED", '"2"'], revoked.text);
  assert.deepEqual((await succeed(api("RevokeCredential", path))).update_time, revoked.value.update_time);
  assert.equal((await succeed(api("GetCredential", path))).state, "REVOKED");
  const [notice, ...others] = await mailsOf(tenant);
  assert.deepEqual([notice?.to, others], ["ada@example.com", []]);
  assert.equal(notice?.subject, "A passkey was removed from your account at Customers");
  assert.deepEqual(await changesOf(tenant, path.credential), ["CredentialChange UPDATE", "EmailStatusChange UPDATE"]);
});

test("the owner of a revoked credential who has no address is told nothing", async () => {
  const { tenant, api } = await world();
  const body = { identity: { display_name: "No Mail", traits: { type: "traits_v0" as const, username: "nomail" } } };
  const { id: identity } = await succeed(api("CreateIdentity", { body }));
  await succeed(api("RevokeCredential", { identity, credential: await addPasskey(tenant, identity) }));
  assert.deepEqual(await mailsOf(tenant), []);
});

test("an authenticator's id is found in its realm alone, where it is unique (rule 20)", async () => {
  const { tenant, ada, bob } = await world();
  const db = dbOf(tenant);
  const webauthnId = tenant.server.deps.random.bytes(64);
  const record = { webauthnId, rpId: "localhost", aaguid: "", signCount: 7, isBackupEligible: true, isBackedUp: true };
  const webauthn = { ...record, transports: ["usb"] };
  const credentialId = await addPasskey(tenant, ada, { webauthn });
  const found = await findCredentialByWebauthnId(db, tenant.realm, webauthnId);
  assert.equal(found?.key.credentialId, credentialId);
  assert.deepEqual(found?.webauthn, webauthn);
  assert.equal(await findCredentialByWebauthnId(db, tenant.adminRealm, webauthnId), undefined);
  await assert.rejects(addPasskey(tenant, bob, { webauthn }), /credentials_webauthn_id/);
  const other = await testTenant();
  await addPasskey(other, await other.addIdentity("eve@example.com"), { webauthn });
  assert.equal((await findCredentialByWebauthnId(db, tenant.realm, webauthnId))?.identityId, ada);
});

test("a deleted identity's credentials are dead with it", async () => {
  const { tenant, api, ada, bob } = await world();
  const webauthnId = tenant.server.deps.random.bytes(16);
  const record = {
    webauthnId,
    rpId: "localhost",
    aaguid: "",
    signCount: 0,
    isBackupEligible: false,
    isBackedUp: false,
  };
  const credential = await addPasskey(tenant, ada, { webauthn: { ...record, transports: [] } });
  const kept = await addPasskey(tenant, bob);
  await deleteIdentity(dbOf(tenant), { ...tenant.realm, identityId: ada }, tenant.server.deps.clock.nowMs());
  assert.equal((await api("GetCredential", { identity: ada, credential })).status, 404);
  assert.equal((await api("ListCredentials", { identity: ada })).status, 404);
  const { credentials, total_size } = await succeed(api("ListCredentials", { identity: "-" }));
  assert.deepEqual([credentials.map(({ id }) => id), total_size], [[kept], 1]);
  assert.equal(await findCredentialByWebauthnId(dbOf(tenant), tenant.realm, webauthnId), undefined);
});
