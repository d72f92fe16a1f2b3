import assert from "node:assert/strict";
import { test } from "node:test";
import { adminWorld, ROBOT_SCOPES } from "../support/admin-world.ts";
import { managementClient, succeed } from "../support/management-client.ts";

// Rule 1, where power follows a name or a link: who renames a group, or says where invitations lead, is given what they give.

test("nobody renames a group that gives more than they hold, by the API or by SCIM", async () => {
  const { tenant, api, realm, group } = await adminWorld();
  const token = await tenant.managementToken("groups:update scim:groups:update groups:create");
  const at = { realm, group, token };
  const body = { group: { display_name: "Old" } };
  assert.equal((await api("UpdateGroup", { ...at, body })).status, 403);
  const operation = { op: "replace", path: "displayName", value: "Old" };
  assert.equal((await api("SCIMUpdateGroup", { ...at, body: { Operations: [operation] } })).status, 403);
  assert.equal((await api("SCIMReplaceGroup", { ...at, body: { displayName: "Old" } })).status, 403);
  assert.equal((await succeed(api("GetGroup", { realm, group }))).display_name, "Admins");
  await succeed(api("UpdateGroup", { ...at, body: { group: { description: "Whoever may do all" } } }));
  const own = await succeed(api("CreateGroup", { realm, token, body: { group: { display_name: "Mine" } } }));
  await succeed(api("UpdateGroup", { ...at, group: own.id, body }));
  await succeed(api("UpdateGroup", { realm, group, body: { group: { display_name: "Root" } } }));
});

test("nobody says where the open or queued invitations lead of somebody who may do more", async () => {
  const { tenant, realm, administrator, nobody } = await adminWorld();
  const api = managementClient(tenant);
  const create = async () => {
    const config = { type: "embedded" as const, invoke_url: "https://app.example/bind", trusted_origins: [] };
    const invocation = { ...config, invocation_type: "automatic" as const };
    const body = { authenticator_config: { config: invocation } };
    return (await succeed(api("CreateAuthenticatorConfig", { realm, body }))).id;
  };
  const scopes = ["authenticator-configs:update", "authenticator-configs:delete", ...ROBOT_SCOPES];
  const token = await tenant.managementToken(scopes.join(" "));
  const change = (authenticator_config: string) =>
    api("UpdateAuthenticatorConfig", {
      ...{ realm, token, authenticator_config },
      body: { authenticator_config: { config: { type: "embedded", invoke_url: "https://thief.example/bind" } } },
    });
  const remove = (authenticator_config: string) =>
    api("DeleteAuthenticatorConfig", { realm, token, authenticator_config });
  const invite = async (identity: string, authenticator_config_id: string) => {
    const body = { job: { delivery_method: "RETURN" as const, authenticator_config_id } };
    return succeed(api("CreateCredentialBindingJob", { realm, identity, body }));
  };

  const one = await create();
  await invite(nobody, one);
  const harmless = await change(one);
  assert.equal(harmless.status, 200, harmless.text);
  const { credential_binding_job: job } = await invite(administrator, one);
  assert.deepEqual([(await change(one)).status, (await remove(one)).status], [403, 403]);
  await succeed(api("SetCredentialBindingJobRevoked", { realm, identity: administrator, job: job.id }));
  assert.equal((await change(one)).status, 200);

  const many = await create();
  const template = { authenticator_config_id: many };
  const batch = { identity_ids: [administrator], job_template: template };
  await succeed(api("CreateBatchCredentialBindingJob", { realm, body: { batch_credential_binding_job: batch } }));
  assert.deepEqual([(await change(many)).status, (await remove(many)).status], [403, 403]);
  assert.equal((await remove(one)).status, 200);
});
