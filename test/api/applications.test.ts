import assert from "node:assert/strict";
import { test } from "node:test";
import { applicationPath } from "../../src/protocol/client-metadata.ts";
import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import { changesOf } from "../support/change-events.ts";
import { basic, postForm } from "../support/http.ts";
import { managementClient, succeed, violationsOf } from "../support/management-client.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

type Config = NonNullable<ApplicationBody["protocol_config"]>;

const JOB: Config = {
  type: "oauth2",
  grant_type: ["client_credentials"],
  token_configuration: { expires_after: 3600, token_signing_algorithm: "ES256" },
};
const SITE: Config = {
  type: "oidc",
  grant_type: ["authorization_code"],
  redirect_uris: ["https://site.example/in"],
  token_configuration: { expires_after: 3600, token_signing_algorithm: "ES256" },
};
const job = (members: ApplicationBody = {}): { body: { application: ApplicationBody } } => ({
  body: { application: { display_name: "Job", protocol_config: JOB, ...members } },
});

interface Shown {
  readonly id: string;
  readonly protocol_config: { readonly client_id: string; readonly client_secret?: string };
}

/** The status of a token request as this application with this secret. */
async function authenticate(tenant: TestTenant, { id, protocol_config }: Shown, secret?: string): Promise<number> {
  const path = applicationPath({ ...tenant.realm, applicationId: id });
  const headers = { authorization: basic(protocol_config.client_id, secret ?? protocol_config.client_secret ?? "") };
  const form = { grant_type: "client_credentials" };
  return (await postForm(`${tenant.server.url}${path}/token`, form, headers)).status;
}

test("an application is made with its defaults and a secret that works at once", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const ignored = { client_id: "mine", client_secret: "mine", token_endpoint_auth_method: "client_secret_post" };
  const answer = await api("CreateApplication", job({ protocol_config: { ...JOB, ...ignored } }));
  assert.equal(answer.status, 200, answer.text);
  const { value: made } = answer;
  assert.deepEqual([made.is_managed, made.classification, made.target_realm], [false, "", tenant.realm.realmId]);
  const { client_id, client_secret = "", token_endpoint_auth_method } = made.protocol_config;
  assert.match(client_id, /^[A-Za-z0-9_-]{24}$/);
  assert.match(client_secret, /^[A-Za-z0-9_-]{48}$/);
  assert.equal(token_endpoint_auth_method, "client_secret_basic");
  assert.equal(await authenticate(tenant, made), 200);
  assert.deepEqual(await succeed(api("GetApplication", { application: made.id })), made);
  assert.deepEqual(await succeed(api("ListApplications", {})), { applications: [made], total_size: 1 });
  const done = ["CREATE", "READ", "READ"].map((action) => `ApplicationOperation ${action}`);
  assert.deepEqual(await changesOf(tenant, made.id), done, "whoever was shown the secret is on record");
});

test("a public application has no secret, and none can be rotated", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const authenticator_config_id = await tenant.addAuthenticatorConfig();
  const config = { ...SITE, confidentiality: "public" as const };
  const made = await succeed(api("CreateApplication", job({ authenticator_config_id, protocol_config: config })));
  const { client_secret, token_endpoint_auth_method, pkce } = made.protocol_config;
  assert.deepEqual([client_secret, token_endpoint_auth_method, pkce], [undefined, "none", "s256"]);
  const rotated = await api("RotateApplicationSecret", { application: made.id, body: {} });
  assert.deepEqual([rotated.status, rotated.json?.message], [409, "a public application has no secret"]);
});

test("what an application refers to exists in its realm, and its combination exists", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const refused = async (members: ApplicationBody) => violationsOf(await api("CreateApplication", job(members)));
  const unknown = "00000000-0000-4000-8000-000000000000";
  const authenticator_config_id = await tenant.addAuthenticatorConfig();
  const server = await tenant.addResourceServer();
  const at = (field: string, text: string) => [`application.${field}: ${text}`];
  const config = (members: Partial<Config>) => ({ protocol_config: { ...JOB, ...members } });
  assert.deepEqual(
    await refused({ resource_server_id: unknown }),
    at("resource_server_id", "names no resource server of this realm"),
  );
  assert.deepEqual(
    await refused({ authenticator_config_id: unknown, protocol_config: SITE }),
    at("authenticator_config_id", "names no authenticator config of this realm"),
  );
  assert.deepEqual(await refused({ protocol_config: SITE }), at("authenticator_config_id", "missing"));
  const scopes = config({ allowed_scopes: ["socks:read"] });
  assert.deepEqual(
    await refused(scopes),
    at("protocol_config.allowed_scopes", "must be empty without a resource server"),
  );
  assert.deepEqual(
    await refused({ resource_server_id: server.resourceServerId, ...scopes }),
    at("protocol_config.allowed_scopes", "socks:read is not a scope of the resource server"),
  );
  assert.deepEqual(await refused(config({ confidentiality: "public" })), [
    ...at("protocol_config.grant_type", "client_credentials needs a confidential client"),
    ...at("protocol_config.pkce", "needs authorization_code"),
  ]);
  assert.deepEqual(
    await refused(config({ type: "oidc" })),
    at("protocol_config.grant_type", "oidc takes authorization_code only"),
  );
  const site = (members: Partial<Config>) => ({ authenticator_config_id, protocol_config: { ...SITE, ...members } });
  assert.deepEqual(
    await refused(site({ redirect_uris: [] })),
    at("protocol_config.redirect_uris", "authorization_code needs at least one"),
  );
  assert.deepEqual(
    await refused(site({ redirect_uris: ["https://site.example/in#x"] })),
    at("protocol_config.redirect_uris", "element 0 must not have a fragment"),
  );
  assert.deepEqual(
    await refused(site({ pkce: "plain" })),
    at("protocol_config.pkce", "plain needs the tenant's settings.allow_plain_pkce"),
  );
  assert.equal((await refused(config({ token_configuration: { expires_after: 0 } }))).length, 1);
  const target_realm = tenant.adminRealm.realmId;
  assert.deepEqual(
    await refused({ target_realm }),
    at("target_realm", "is for applications of the admin realm on the built-in resource server"),
  );
});

test("a change merges, leaves what never changes, and is answered as a read is", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", job()));
  const path = { application: made.id };
  const body = {
    application: {
      ...made,
      display_name: "Night job",
      protocol_config: {
        ...{ type: "oidc" as const, confidentiality: "public" as const, grant_type: ["authorization_code" as const] },
        ...{ client_id: "other", client_secret: "other" },
        token_configuration: { expires_after: 60, default_expires_after: 30 },
      },
    },
  };
  const changed = await api("UpdateApplication", { ...path, body });
  assert.equal(changed.status, 200, changed.text);
  const shown = made.protocol_config;
  const tokens = { ...shown.token_configuration, expires_after: 60, default_expires_after: 30 };
  const expected = { ...made, display_name: "Night job", protocol_config: { ...shown, token_configuration: tokens } };
  assert.deepEqual(changed.value, expected);
  assert.equal(await authenticate(tenant, made), 200);
  const stale = { ...path, body, headers: { "if-match": '"1"' } };
  assert.equal((await api("UpdateApplication", stale)).status, 412);
});

test("a rotated secret works until its overlap ends, and not a second longer", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", job()));
  const path = { application: made.id };
  const rotate = (body: { overlap_seconds?: number }) => succeed(api("RotateApplicationSecret", { ...path, body }));
  const second = await rotate({ overlap_seconds: 600 });
  const secretOf = ({ protocol_config }: Shown) => protocol_config.client_secret ?? "";
  assert.notEqual(secretOf(second), secretOf(made));
  assert.deepEqual(await succeed(api("GetApplication", path)), second);
  const statuses = async (...secrets: readonly string[]) => {
    const all: number[] = [];
    for (const secret of secrets) all.push(await authenticate(tenant, made, secret));
    return all;
  };
  assert.deepEqual(await statuses(secretOf(made), secretOf(second)), [200, 200]);
  await tenant.advance(590);
  assert.deepEqual(await statuses(secretOf(made), secretOf(second)), [200, 200]);
  await tenant.advance(10);
  assert.deepEqual(await statuses(secretOf(made), secretOf(second)), [401, 200]);
  const third = await rotate({});
  assert.deepEqual(await statuses(secretOf(second), secretOf(third)), [401, 200]);
  const fourth = await rotate({ overlap_seconds: 600 });
  const fifth = await rotate({ overlap_seconds: 600 });
  const left = await statuses(secretOf(third), secretOf(fourth), secretOf(fifth));
  assert.deepEqual(left, [401, 200, 200], "only the secret before stays");
  const headers = { "idempotency-key": "sixth" };
  const again = { ...path, body: { overlap_seconds: 600 }, headers };
  const sixth = await succeed(api("RotateApplicationSecret", again));
  assert.deepEqual(
    await succeed(api("RotateApplicationSecret", again)),
    sixth,
    "an answer that was lost is told again",
  );
  assert.deepEqual(await statuses(secretOf(fifth), secretOf(sixth)), [200, 200]);
  const long = await api("RotateApplicationSecret", { ...path, body: { overlap_seconds: 604_801 } });
  assert.equal(violationsOf(long)[0]?.startsWith("overlap_seconds: "), true, long.text);
});

test("introspection and revocation take the secret before as long as the token endpoint does", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", job()));
  const { client_id, client_secret = "" } = made.protocol_config;
  const base = `${tenant.server.url}${applicationPath({ ...tenant.realm, applicationId: made.id })}`;
  const headers = { authorization: basic(client_id, client_secret) };
  const granted = await postForm(`${base}/token`, { grant_type: "client_credentials" }, headers);
  const token = String(granted.json?.access_token);
  await succeed(api("RotateApplicationSecret", { application: made.id, body: { overlap_seconds: 60 } }));
  const introspect = () => postForm(`${base}/introspect`, { token }, headers);
  assert.equal((await introspect()).json?.active, true);
  await tenant.advance(60);
  assert.equal((await introspect()).status, 401);
  assert.equal((await postForm(`${base}/revoke`, { token }, headers)).status, 401);
});

test("a tenant that shows secrets once shows them when they are made, and keeps hashes only", async () => {
  const tenant = await testTenant();
  const { database, clock } = tenant.server.deps;
  await database.maintain((session) =>
    session.query(
      "UPDATE tenants SET settings = settings || $2, version = version + 1, updated_at_ms = $3 WHERE tenant_id = $1",
      [tenant.tenantId, JSON.stringify({ show_secrets_once: true }), clock.nowMs()],
    ),
  );
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", job()));
  assert.equal(await authenticate(tenant, made), 200);
  const path = { application: made.id };
  assert.equal((await succeed(api("GetApplication", path))).protocol_config.client_secret, undefined);
  const { applications } = await succeed(api("ListApplications", {}));
  assert.deepEqual(
    applications.map(({ protocol_config }) => protocol_config.client_secret),
    [undefined],
  );
  const rotated = await succeed(api("RotateApplicationSecret", { ...path, body: {} }));
  assert.equal(await authenticate(tenant, rotated), 200);
  const rows = await database.maintain((session) =>
    session.query("SELECT client_secret_sealed FROM applications WHERE application_id = $1", [made.id]),
  );
  assert.deepEqual(rows, [{ client_secret_sealed: null }]);
});

test("a deleted application and its tokens are dead at once", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const made = await succeed(api("CreateApplication", job()));
  const other = await tenant.addApplication({ protocol_config: JOB });
  const path = applicationPath({ ...tenant.realm, applicationId: made.id });
  const headers = { authorization: basic(made.protocol_config.client_id, made.protocol_config.client_secret ?? "") };
  const granted = await postForm(`${tenant.server.url}${path}/token`, { grant_type: "client_credentials" }, headers);
  const token = String(granted.json?.access_token);
  assert.equal((await api("DeleteApplication", { application: made.id })).text, "");
  assert.equal(await authenticate(tenant, made), 404);
  assert.deepEqual(await tenant.introspect(other, token), { active: false });
  const bearer = { authorization: `Bearer ${await tenant.managementToken()}` };
  const judged = await postForm(
    `${tenant.server.url}${path.replace(/\/applications.*/, "")}/introspect`,
    { token },
    bearer,
  );
  assert.deepEqual(judged.json, { active: false });
  const gone = await api("GetApplication", { application: made.id });
  assert.deepEqual([gone.status, gone.json?.message], [404, "application not found"]);
  const done = ["CREATE", "DELETE"].map((action) => `ApplicationOperation ${action}`);
  assert.deepEqual(await changesOf(tenant, made.id), done);
});

test("the Management API application is classified, never changed or deleted, and gets another secret", async () => {
  const tenant = await testTenant();
  const api = managementClient(tenant);
  const { realmId: realm } = tenant.adminRealm;
  const { applications } = await succeed(api("ListApplications", { realm }));
  const [own] = applications;
  assert.ok(own !== undefined);
  assert.deepEqual([own.classification, own.is_managed, own.target_realm], ["management_api", true, "*"]);
  assert.equal(own.protocol_config.client_secret, tenant.management.clientSecret);
  const path = { realm, application: own.id };
  assert.equal(
    (await api("UpdateApplication", { ...path, body: { application: { display_name: "Mine" } } })).status,
    403,
  );
  assert.equal((await api("DeleteApplication", path)).status, 403);
  const rotated = await succeed(api("RotateApplicationSecret", { ...path, body: {} }));
  assert.notEqual(rotated.protocol_config.client_secret, tenant.management.clientSecret);
});
