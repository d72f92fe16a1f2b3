import assert from "node:assert/strict";
import { test } from "node:test";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { type AdminWorld, adminWorld, robotOf } from "../support/admin-world.ts";
import { basic, call, postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { testTenant } from "../support/test-tenant.ts";

// Rules 1 and 7, where power is not what stands in the row that is changed: what an application gets by exchange, an address that
// leads to somebody, a token that was issued before.

/** A token of a client of the admin realm, with all that it is allowed. */
async function tokenOf(
  { tenant }: AdminWorld,
  { id, protocol_config }: { id: string; protocol_config: { client_id: string; client_secret?: string } },
): Promise<string> {
  const path = applicationPath({ ...tenant.adminRealm, applicationId: id });
  const authorization = basic(protocol_config.client_id, protocol_config.client_secret ?? "");
  const form = { grant_type: "client_credentials" };
  return String((await postForm(`${tenant.server.url}${path}/token`, form, { authorization })).json?.access_token);
}

test("a client's token loses at once what its application is not allowed any more (rule 7)", async () => {
  const world = await adminWorld();
  const { tenant, api, realm, managedServer } = world;
  const scopes = ["groups:read", "groups:create"];
  const robot = await succeed(
    api("CreateApplication", { realm, body: { application: robotOf(managedServer, scopes) } }),
  );
  const token = await tokenOf(world, robot);
  const create = () => api("CreateGroup", { realm, token, body: { group: { display_name: crypto.randomUUID() } } });
  const list = () => api("ListGroups", { realm, token });
  const introspected = () => tenant.introspect(tenant.management, token);
  assert.deepEqual([(await create()).status, (await list()).status], [200, 200]);
  const narrower = { protocol_config: { allowed_scopes: ["groups:read"] } };
  await succeed(api("UpdateApplication", { realm, application: robot.id, body: { application: narrower } }));
  assert.deepEqual([(await create()).status, (await list()).status], [403, 200]);
  assert.notEqual((await introspected()).scope, "groups:read groups:create");
  const away = { resource_server_id: null, protocol_config: { allowed_scopes: [] } };
  await succeed(api("UpdateApplication", { realm, application: robot.id, body: { application: away } }));
  assert.equal((await list()).status, 403);
});

test("nobody takes the mail address of somebody with more power, who could not log in any more", async () => {
  const { tenant, api, realm, administrator } = await adminWorld();
  const traits = (username: string, primary_email_address?: string) => ({
    ...{ type: "traits_v0" as const, username },
    ...(primary_email_address === undefined ? {} : { primary_email_address }),
  });
  const address = "Root@Example.com";
  const admin = { identity: { traits: traits("admin", address) } };
  await succeed(api("UpdateIdentity", { realm, identity: administrator, body: admin }));
  const scopes = "identities:create identities:update scim:users:create scim:users:update";
  const token = await tenant.managementToken(scopes);
  const taken = { display_name: "Thief", traits: traits("thief", address.toLowerCase()) };
  assert.equal((await api("CreateIdentity", { realm, token, body: { identity: taken } })).status, 403);
  const user = { userName: "thief", emails: [{ value: address }] };
  assert.equal((await api("SCIMCreateUser", { realm, token, body: user })).status, 403);
  const own = { display_name: "Thief", traits: traits("thief", "thief@example.com") };
  const { id } = await succeed(api("CreateIdentity", { realm, token, body: { identity: own } }));
  const change = { realm, identity: id, token };
  const moved = { identity: { traits: traits("thief", address) } };
  assert.equal((await api("UpdateIdentity", { ...change, body: moved })).status, 403);
  assert.equal((await api("SCIMReplaceUser", { ...change, body: user })).status, 403);
  const another = { identity: { traits: traits("thief", "another@example.com") } };
  await succeed(api("UpdateIdentity", { ...change, body: another }));
  // Whoever could do all that the administrator may can do this, too.
  await succeed(api("UpdateIdentity", { realm, identity: id, body: moved }));
});

test("an application that may exchange another's tokens counts as that one does (rule 1)", async () => {
  const world = await adminWorld();
  const { tenant, api, realm, robot } = world;
  const job = {
    display_name: "Exchanger",
    protocol_config: {
      ...{ type: "oauth2" as const, grant_type: ["client_credentials" as const] },
      token_configuration: { expires_after: 3600, token_signing_algorithm: "ES256" as const },
    },
  };
  const made = await succeed(api("CreateApplication", { realm, body: { application: job } }));
  const path = { realm, application: made.id };
  const token = await tenant.managementToken(MANAGEMENT_SCOPES.filter((scope) => scope !== "events:read").join(" "));
  const lesser = { ...path, token };
  const shows = async () => (await succeed(api("GetApplication", lesser))).protocol_config.client_secret !== undefined;
  assert.equal(await shows(), true);
  const lent = { application: { may_be_exchanged_by: [made.id] } };
  await succeed(api("UpdateApplication", { realm, application: robot, body: lent }));
  assert.equal(await shows(), false);
  const { applications } = await succeed(api("ListApplications", { realm, token }));
  assert.equal(applications.find(({ id }) => id === made.id)?.protocol_config.client_secret, undefined);
  const renamed = { ...lesser, body: { application: { display_name: "Mine" } } };
  assert.equal((await api("UpdateApplication", renamed)).status, 403);
  assert.equal((await api("RotateApplicationSecret", { ...lesser, body: {} })).status, 403);
  assert.equal((await api("DeleteApplication", lesser)).status, 403);
  assert.notEqual((await succeed(api("GetApplication", path))).protocol_config.client_secret, undefined);
});

test("tokens are exchanged by applications that there are; one that is gone since may stay named", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const job = (may_be_exchanged_by: string[]) => ({
    application: {
      display_name: "Job",
      may_be_exchanged_by,
      protocol_config: {
        ...{ type: "oauth2" as const, grant_type: ["client_credentials" as const] },
        token_configuration: { expires_after: 3600 },
      },
    },
  });
  const nobody = "00000000-0000-4000-8000-000000000009";
  const refused = await api("CreateApplication", { body: job([nobody]) });
  assert.equal(refused.status, 400, refused.text);
  assert.match(violationsOf(refused).join(), /^application\.may_be_exchanged_by: .*no application of this realm/);
  const other = await succeed(api("CreateApplication", { body: job([]) }));
  const { id } = await succeed(api("CreateApplication", { body: job([other.id]) }));
  await succeed(api("DeleteApplication", { application: other.id }));
  await succeed(api("UpdateApplication", { application: id, body: { application: { display_name: "Same" } } }));
  const worse = { application: { may_be_exchanged_by: [other.id, nobody] } };
  assert.equal((await api("UpdateApplication", { application: id, body: worse })).status, 400);
});

test("nobody ends a token of somebody who holds more (rule 1)", async () => {
  const world = await adminWorld();
  const { tenant, api, realm, managedServer } = world;
  const body = { application: robotOf(managedServer, ["events:read"]) };
  const robot = await succeed(api("CreateApplication", { realm, body }));
  const issued = await tokenOf(world, robot);
  const path = { realm, application: robot.id, token_id: String(decodeJwt(issued).jti) };
  const token = await tenant.managementToken("tokens:delete");
  const refused = await api("RevokeToken", { ...path, token });
  assert.equal(refused.status, 403, refused.text);
  const use = () =>
    call(`${tenant.server.url}/v1/tenants/${tenant.tenantId}/realms/${realm}/events`, {
      headers: { authorization: `Bearer ${issued}` },
    });
  assert.equal((await use()).status, 200);
  assert.equal(
    (await api("RevokeToken", { ...path, token: await tenant.managementToken("tokens:delete events:read") })).status,
    200,
  );
  assert.equal((await use()).status, 401);
});
