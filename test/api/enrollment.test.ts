import assert from "node:assert/strict";
import { test } from "node:test";
import { managementClient, succeed } from "../support/management-client.ts";
import { addPasskey } from "../support/test-credential.ts";
import { testTenant } from "../support/test-tenant.ts";

const DAY = 86_400;

test("an identity says how far it is: invited, enrolled, and neither when both are over", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const identity = await tenant.addIdentity("ada@example.com");
  const job = { delivery_method: "RETURN" as const, authenticator_config_id: await tenant.addAuthenticatorConfig() };
  const make = async () => {
    const made = await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
    return made.credential_binding_job;
  };
  const look = async () => {
    const [listed] = (await succeed(api("ListIdentities", { query: { filter: `id eq "${identity}"` } }))).identities;
    const shown = await succeed(api("GetIdentity", { identity }));
    assert.equal(listed?.enrollment_status, shown.enrollment_status);
    return shown.enrollment_status;
  };
  assert.equal(await look(), "UNENROLLED");
  const made = await make();
  assert.equal(await look(), "PENDING");
  await succeed(api("SetCredentialBindingJobRevoked", { identity, job: made.id }));
  assert.equal(await look(), "UNENROLLED");
  await make();
  await tenant.advance(7 * DAY);
  assert.equal(await look(), "UNENROLLED");
  const credential = await addPasskey(tenant, identity);
  assert.equal(await look(), "ENROLLED");
  await make();
  assert.equal(await look(), "ENROLLED");
  await succeed(api("RevokeCredential", { identity, credential }));
  assert.equal(await look(), "PENDING");
});

test("somebody who is made is not enrolled, and a change says so", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const traits = { type: "traits_v0" as const, username: "bob" };
  const made = await succeed(api("CreateIdentity", { body: { identity: { display_name: "Bob", traits } } }));
  assert.equal(made.enrollment_status, "UNENROLLED");
  await addPasskey(tenant, made.id);
  const body = { identity: { display_name: "Bobby", enrollment_status: "UNENROLLED" } };
  const changed = await succeed(api("UpdateIdentity", { identity: made.id, body }));
  assert.equal(changed.enrollment_status, "ENROLLED");
});
