import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATIONS } from "../../src/app.ts";
import type { Route } from "../../src/http/route.ts";
import { MANAGEMENT_SCOPES } from "../../src/protocol/management-scopes.ts";
import { type AdminWorld, adminWorld, readPower, robotOf } from "../support/admin-world.ts";
import { fillPath } from "../support/fill-path.ts";
import { basic, call, postForm } from "../support/http.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { setQuotas } from "../support/operator-client.ts";
import { ATTEMPTS } from "../support/privilege-attempts.ts";
import { testGrant } from "../support/test-grant.ts";

/** Every scope alone, and all that a route needs where that are several; but for all there are, which may do everything. */
function listHoldings(routes: readonly Route[]): readonly (readonly string[])[] {
  const several = routes.map(({ scopes = [] }) => scopes).filter(({ length }) => length > 1);
  const sets = new Set(
    several.filter(({ length }) => length < MANAGEMENT_SCOPES.length).map((scopes) => scopes.toSorted().join(" ")),
  );
  return [...MANAGEMENT_SCOPES.map((scope) => [scope]), ...[...sets].map((set) => set.split(" "))];
}

/** Calls a route in every way that somebody might who wants more; returns what was answered. */
async function attempt(world: AdminWorld, route: Route, held: readonly string[], token: string): Promise<void> {
  const { tenant } = world;
  const ids: Readonly<Record<string, string>> = {
    ...{
      tenant: tenant.tenantId,
      realm: world.realm,
      group: world.group,
      role: world.role,
      identity: world.administrator,
    },
    ...{ resource_server: world.managedServer, application: world.robot, authenticator_config: world.config },
    ...{ credential: world.credential, job: world.job },
  };
  const tries = route.method === "GET" ? [{}] : (ATTEMPTS[route.name]?.(world, held) ?? [{ body: {} }]);
  for (const one of tries) {
    const path = fillPath(route.path, (name) => ({ ...ids, ...one.ids })[name] ?? "00000000000000ff");
    const answer = await call(`${tenant.server.url}${path}`, {
      method: route.method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...("body" in one && one.body !== undefined ? { body: JSON.stringify(one.body) } : {}),
    });
    const told = `${held.join(" ")}: ${route.name} answered ${answer.status} ${answer.text}`;
    assert.ok(answer.status < 500, told);
    if ((route.scopes ?? []).some((scope) => !held.includes(scope))) assert.equal(answer.status, 403, told);
    for (const secret of world.secrets) assert.ok(!answer.text.includes(secret), told);
  }
}

test("every operation that changes something is tried", () => {
  const changing = OPERATIONS.map(({ operation }) => operation).filter(({ method }) => method !== "GET");
  const missing = changing.map(({ name }): string => name).filter((name) => !(name in ATTEMPTS));
  assert.deepEqual(missing, [], "say in privilege-attempts.ts what somebody would send who wants more");
});

test("no scope of its own, and none of the sets that operations need, reaches a wider token, secret or membership (rule 1)", async () => {
  const world = await adminWorld();
  const { tenant } = world;
  await setQuotas(tenant.server, tenant.tenantId, { requests_per_minute: 1_000_000 });
  const routes = tenant.server.app.routes.filter(({ kind }) => kind === "management");
  const before = await readPower(world);
  const known = new Set(before.map(({ text }) => text));
  for (const held of listHoldings(routes)) {
    const token = await tenant.managementToken(held.join(" "));
    for (const route of routes) await attempt(world, route, held, token);
    const now = await readPower(world);
    const there = new Set(now.map(({ text }) => text));
    const lost = before.filter(({ text }) => !there.has(text));
    const gained = now.filter(({ text, held: scopes, reach }) => {
      if (known.has(text)) return false;
      const isWithin = scopes.every((scope) => held.includes(scope)) && (reach === "*" || reach === world.realm);
      return !isWithin;
    });
    assert.deepEqual({ lost, gained }, { lost: [], gained: [] }, held.join(" "));
    for (const { text } of now) known.add(text);
  }
});

test("whoever lacks one scope of what is affected is refused, and reads no secret", async () => {
  const world = await adminWorld();
  const { tenant, realm, managedServer, role, emptyRole, group, nobody, administrator, config, robot } = world;
  const person = { identity: administrator, credential: world.credential };
  const template = { authenticator_config_id: config };
  const invite = (delivery_method: "RETURN" | "EMAIL") => ({ job: { delivery_method, ...template } });
  const many = { batch_credential_binding_job: { identity_ids: [nobody, administrator], job_template: template } };
  const api = managementClient(tenant);
  const token = await tenant.managementToken(MANAGEMENT_SCOPES.filter((scope) => scope !== "events:read").join(" "));
  const at = { realm, token };
  const server = { ...at, resource_server: managedServer };
  const answers = {
    join: await api("AddRoleMembers", { ...server, role, body: { identity_ids: [nobody] } }),
    joinGroup: await api("AddGroupMembers", { ...at, group, body: { identity_ids: [nobody] } }),
    demote: await api("DeleteRoleMembers", { ...server, role, body: { group_ids: [group] } }),
    lend: await api("AddRoleMembers", { ...server, role: emptyRole, body: { identity_ids: [administrator] } }),
    widen: await api("AddRoleScopes", { ...server, role: emptyRole, body: { scopes: ["events:read"] } }),
    narrow: await api("DeleteRoleScopes", { ...server, role, body: { scopes: ["events:read"] } }),
    rename: await api("UpdateRole", { ...server, role, body: { role: { display_name: "x" } } }),
    create: await api("CreateApplication", { ...at, body: { application: robotOf(managedServer) } }),
    change: await api("UpdateApplication", { ...at, application: robot, body: { application: { display_name: "x" } } }),
    rotate: await api("RotateApplicationSecret", { ...at, application: robot, body: {} }),
    remove: await api("DeleteApplication", { ...at, application: robot }),
    lockOut: await api("RevokeCredential", { ...at, ...person }),
    enrolMine: await api("CreateCredentialBindingJob", { ...at, ...person, body: invite("RETURN") }),
    mailMine: await api("CreateCredentialBindingJob", { ...at, ...person, body: invite("EMAIL") }),
    mailMany: await api("CreateBatchCredentialBindingJob", { ...at, body: many }),
    withdraw: await api("SetCredentialBindingJobRevoked", { ...at, ...person, job: world.job }),
    page: await api("UpdateAuthenticatorConfig", {
      ...{ ...at, authenticator_config: config },
      body: { authenticator_config: { display_name: "x" } },
    }),
  };
  const statuses = Object.entries(answers).map(([name, { status }]) => `${name} ${status}`);
  assert.deepEqual(
    statuses,
    Object.keys(answers).map((name) => `${name} 403`),
  );
  assert.match(answers.join.text, /events:read/, "the refusal names what is lacking");
  const shown = await succeed(api("GetApplication", { ...at, application: robot }));
  assert.equal(shown.protocol_config.client_secret, undefined);
  const { applications } = await succeed(api("ListApplications", at));
  assert.equal(applications.length, 3);
  assert.ok(applications.every(({ protocol_config }) => protocol_config.client_secret === undefined));
  // With less power, the same may be had.
  const less = robotOf(managedServer, ["realms:read"]);
  const made = await succeed(api("CreateApplication", { ...at, body: { application: less } }));
  assert.notEqual(made.protocol_config.client_secret, undefined);
  await succeed(api("AddRoleScopes", { ...server, role: emptyRole, body: { scopes: ["realms:read"] } }));
  await succeed(api("AddRoleMembers", { ...server, role: emptyRole, body: { identity_ids: [nobody] } }));
});

test("whoever reaches one realm gives nobody a wider reach (rule 8)", async () => {
  const world = await adminWorld();
  const { tenant, api, realm, managedServer, robot, role, nobody, management } = world;
  const confined = { realm, body: { application: robotOf(managedServer, MANAGEMENT_SCOPES) } };
  const made = await succeed(api("CreateApplication", confined));
  assert.equal(made.target_realm, realm);
  const issuer = tenant.management.issuer.replace(/[^/]+$/, made.id);
  const { client_id, client_secret = "" } = made.protocol_config;
  const headers = { authorization: basic(client_id, client_secret) };
  const granted = await postForm(`${issuer}/token`, { grant_type: "client_credentials" }, headers);
  const token = String(granted.json?.access_token);
  const at = { realm, token };
  for (const scopes of [["realms:read"], []]) {
    const application = robotOf(managedServer, scopes, "*");
    assert.equal((await api("CreateApplication", { ...at, body: { application } })).status, 403, scopes.join());
  }
  const widened = await api("UpdateApplication", {
    ...at,
    application: robot,
    body: { application: { target_realm: "*" } },
  });
  assert.equal(widened.status, 403);
  assert.equal((await api("RotateApplicationSecret", { ...at, application: management, body: {} })).status, 403);
  const hidden = await succeed(api("GetApplication", { ...at, application: management }));
  assert.equal(hidden.protocol_config.client_secret, undefined);
  const join = { ...at, resource_server: managedServer, role, body: { identity_ids: [nobody] } };
  assert.equal((await api("AddRoleMembers", join)).status, 403, "the console reaches every realm");
  const own = await succeed(api("GetApplication", { ...at, application: robot }));
  assert.notEqual(own.protocol_config.client_secret, undefined);
  assert.equal((await api("ListGroups", { token })).status, 403, "another realm");
});

test("a demoted administrator's token loses its power at the next request (rule 7)", async () => {
  const world = await adminWorld();
  const { tenant, api, realm, managedServer, role, group, administrator, console } = world;
  const scope = "groups:read roles:read";
  const { code, verifier } = await testGrant(tenant, console, { identityId: administrator, scope });
  const form = { grant_type: "authorization_code", code, code_verifier: verifier };
  const answer = await tenant.token(console, form);
  assert.equal(answer.status, 200, answer.text);
  const token = String(answer.json?.access_token);
  const path = { realm, resource_server: managedServer, role };
  const list = async () => (await api("ListGroups", { realm, token })).status;
  assert.equal(await list(), 200);
  await succeed(api("DeleteRoleMembers", { ...path, body: { group_ids: [group] } }));
  assert.equal(await list(), 403);
  await succeed(api("AddRoleMembers", { ...path, body: { group_ids: [group] } }));
  assert.equal(await list(), 200);
  await succeed(api("DeleteRoleScopes", { ...path, body: { scopes: ["groups:read"] } }));
  assert.equal(await list(), 403);
  await succeed(api("AddRoleScopes", { ...path, body: { scopes: ["groups:read"] } }));
  await succeed(api("DeleteGroupMembers", { realm, group, body: { identity_ids: [administrator] } }));
  assert.equal(await list(), 403);
  await succeed(api("AddGroupMembers", { realm, group, body: { identity_ids: [administrator] } }));
  assert.equal(await list(), 200);
  await succeed(api("DeleteApplication", { realm, application: console.key.applicationId }));
  assert.equal(await list(), 401);
});
