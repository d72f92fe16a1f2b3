import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dropForgotten, ensurePartitionFor } from "../../src/database/partitions.ts";
import { newTraceId } from "../../src/http/trace-id.ts";
import { batchBindingJobsJob } from "../../src/jobs/batch-binding-jobs.ts";
import { idempotencyKeysJob } from "../../src/jobs/idempotency-keys.ts";
import { removalJob } from "../../src/jobs/removal.ts";
import { hexId } from "../../src/platform/random.ts";
import { deleteApplication } from "../../src/resources/application/queries.ts";
import { addAttempt } from "../../src/resources/attempt-count/queries.ts";
import { giveConsent } from "../../src/resources/consent/queries.ts";
import { eventBucket, insertEvents } from "../../src/resources/event/queries.ts";
import { deleteGroup, listGroups } from "../../src/resources/group/queries.ts";
import { claimSubject, deleteIdentity } from "../../src/resources/identity/queries.ts";
import { insertMail } from "../../src/resources/mail/queries.ts";
import { assignPairwiseSubject } from "../../src/resources/pairwise-subject/queries.ts";
import { deleteRealm } from "../../src/resources/realm/queries.ts";
import { deleteRole } from "../../src/resources/role/queries.ts";
import { insertSession } from "../../src/resources/session/queries.ts";
import { noteSessionApplication } from "../../src/resources/session-application/queries.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { listOrphans, listUnknownReferences } from "../support/references.ts";
import { leaveFeed } from "../support/tenancy-feeds.ts";
import { listTenantTables } from "../support/tenancy-replay.ts";
import { testClient } from "../support/test-client.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { addPasskey } from "../support/test-credential.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";

// Settled 25: a deleted object is a tombstone; a job removes what it owned, and the tombstone last. The database has no foreign keys:
// this test follows every reference that the schema has.

const DAY = 86_400;
const AUTHENTICATED = { authTime: 1, amr: ["otp"], acr: "mayfly:1" };
const clock = movableClock();

const TERMS = { scope: [], claims: [], resourceServerId: undefined, maximumSeconds: 1, renewalSeconds: 0 };

describe("what is deleted is removed, and no reference leads to nothing", () => {
  let server: TestServer;
  let tables: string[];
  let flow: CodeFlow;
  let job: TestApplication;

  before(async () => {
    server = await testServer({ clock });
    tables = await server.deps.database.maintain(listTenantTables);
    flow = await testCodeFlow({ tenant: await testTenant({ server }) });
    job = await useEverything(flow);
  });
  after(() => server.stop());

  const maintain = <T>(work: Parameters<TestServer["deps"]["database"]["maintain"]>[0]) =>
    server.deps.database.maintain(work) as Promise<T>;
  const run = () => removalJob.run(server.deps);
  const count = async (table: string, where: string, values: readonly unknown[] = []): Promise<number> => {
    const text = `SELECT count(*) AS n FROM ${table} WHERE tenant_id = $1 AND ${where}`;
    const rows = await maintain<{ n: number }[]>((session) => session.query(text, [flow.tenant.tenantId, ...values]));
    return Number(rows[0]?.n);
  };
  async function assertWhole(): Promise<void> {
    const tenant = { tenantId: flow.tenant.tenantId, now: clock.nowSeconds() };
    assert.deepEqual(await maintain((session) => listOrphans(session, tables, tenant)), []);
  }
  /** Lets time pass, and all that is over by then go. */
  async function pass(days: number): Promise<void> {
    clock.pass(days * DAY);
    await dropForgotten(server.deps.database, clock.nowSeconds());
    await idempotencyKeysJob.run(server.deps);
    await run();
  }

  test("every reference that the schema has is followed", async () => {
    assert.deepEqual(await maintain((session) => listUnknownReferences(session, tables)), []);
    for (const table of tables.filter((name) => !["live_recounts"].includes(name))) {
      assert.ok((await count(table, "true")) > 0, `nothing in ${table}: nothing is proved of it`);
    }
    await assertWhole();
  });

  test("an orphan would be found", async () => {
    await maintain((session) =>
      session.query("UPDATE roles SET resource_server_id = 'x' || resource_server_id WHERE tenant_id = $1", [
        flow.tenant.tenantId,
      ]),
    );
    await assert.rejects(assertWhole, /roles.resource_server_id/);
    await maintain((session) =>
      session.query("UPDATE roles SET resource_server_id = substr(resource_server_id, 2) WHERE tenant_id = $1", [
        flow.tenant.tenantId,
      ]),
    );
  });

  test("a group and a role: their members and they themselves, at once", async () => {
    const db = server.deps.database.tenants([flow.tenant.tenantId]);
    const [group] = await listGroups(db, flow.tenant.realm, { after: "", limit: 1 });
    assert.ok(group);
    await deleteGroup(db, group.key, clock.nowMs());
    await run();
    assert.equal(await count("groups", "group_id = $2", [group.key.groupId]), 0);
    assert.equal(await count("role_members", "member_id = $2", [group.key.groupId]), 0);
    await assertWhole();
    await deleteRole(db, { ...flow.tenant.realm, roleId: flow.role.roleId }, clock.nowMs());
    await run();
    assert.equal(await count("roles", "role_id = $2", [flow.role.roleId]), 0);
    await assertWhole();
  });

  test("an identity: what was known of the person at once, its id never", async () => {
    const db = server.deps.database.tenants([flow.tenant.tenantId]);
    const consents = [flow.identityId, await flow.tenant.addIdentity("another@example.com")];
    for (const identityId of consents) await giveConsent(db, { ...job.key, identityId }, { terms: TERMS, at: 1 });
    await deleteIdentity(db, { ...flow.tenant.realm, identityId: flow.identityId }, clock.nowMs());
    await run();
    assert.equal(await count("consents", "application_id = $2", [job.key.applicationId]), 1, "the other's");
    assert.equal(
      await count("identities", "identity_id = $2 AND traits = '{}' AND email_key IS NULL", [flow.identityId]),
      1,
    );
    assert.equal(await count("role_members", "member_id = $2", [flow.identityId]), 0);
    assert.equal(await count("credentials", "identity_id = $2", [flow.identityId]), 0);
    await assertWhole();
  });

  test("an application: its tombstone stays until its last bucket is gone, and decisions that name it", async () => {
    const db = server.deps.database.tenants([flow.tenant.tenantId]);
    await deleteApplication(db, job.key, clock.nowMs());
    const isThere = () => count("applications", "application_id = $2", [job.key.applicationId]);
    await run();
    assert.equal(await count("live_counts", "application_id = $2", [job.key.applicationId]), 0);
    assert.equal(await count("consents", "application_id = $2", [job.key.applicationId]), 0);
    assert.equal(await isThere(), 1);
    await pass(41); // its token lives for 60 days
    assert.equal(await isThere(), 1);
    await assertWhole();
    await pass(30);
    assert.equal(await isThere(), 0);
    assert.equal(await count("resource_servers", "$2 = ANY (introspectors)", [job.key.applicationId]), 0);
    await assertWhole();
  });

  test("a realm, and a tenant: everything, until nothing names the tenant any more", async () => {
    const { tenant } = flow;
    const db = server.deps.database.tenants([tenant.tenantId]);
    await ensurePartitionFor(server.deps.database, "events", eventBucket(clock.nowMs()));
    await recordChange(tenant);
    await deleteRealm(db, tenant.realm, clock.nowMs());
    await run();
    assert.equal(await count("role_members", "realm_id = $2", [tenant.realm.realmId]), 0);
    await assertWhole();
    await pass(41);
    await assertWhole();
    await pass(1);
    assert.equal(await count("applications", "realm_id = $2", [tenant.realm.realmId]), 0);
    assert.equal(await count("realms", "realm_id = $2", [tenant.realm.realmId]), 1, "its events name it");
    await pass(60);
    assert.equal(await count("realms", "realm_id = $2", [tenant.realm.realmId]), 0);
    await assertWhole();
    await maintain((session) =>
      session.query("UPDATE tenants SET deleted_at_ms = $2 WHERE tenant_id = $1", [tenant.tenantId, clock.nowMs()]),
    );
    await run();
    await assertWhole();
    await pass(140);
    await run();
    for (const table of tables) assert.equal(await count(table, "true"), 0, `${table} still has rows of the tenant`);
    assert.ok(
      (await maintain<unknown[]>((session) => session.query("SELECT FROM tenants"))).length > 0,
      "the first tenant",
    );
  });
});

async function recordChange({ realm, server }: TestTenant): Promise<void> {
  const { clock, random, database } = server.deps;
  const event = { type: "V1RealmChange", action: "UPDATE", actor: { type: "Operator", id: "file" } } as const;
  const [traceId, atMs] = [newTraceId(clock, random), clock.nowMs()];
  const where = { realmId: realm.realmId, traceId, atMs };
  await insertEvents(database.tenants([realm.tenantId]), realm.tenantId, [{ ...event, ...where }]);
}

/** Uses all that leaves rows. Returns an application of its own whose token lives for 60 days, and which a resource server names. */
async function useEverything(flow: CodeFlow): Promise<TestApplication> {
  const { tenant, resourceServer } = flow;
  const { deps } = tenant.server;
  const db = deps.database.tenants([tenant.tenantId]);
  await flow.role.addGroupOf([flow.identityId]);
  const { application: job } = await testClient({
    tenant,
    server: resourceServer,
    tokens: { expires_after: 60 * DAY },
  });
  tokensOf(await tenant.token(job, { grant_type: "client_credentials" }));
  const headers = { "idempotency-key": "buyers" };
  await succeed(managementClient(tenant)("CreateGroup", { body: { group: { display_name: "Buyers" } }, headers }));
  await succeed(managementClient(tenant)("UpdateConsoleConfig", { body: { console_config: { title: "Shoes" } } }));
  await flow.logIn();
  await claimSubject(db, tenant.realm, "somebody", flow.identityId);
  await tenant.token(job, { grant_type: "client_credentials", scope: "nothing:like-it" });
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: flow.application.clientId,
    redirect_uri: "https://client.example/callback",
    code_challenge: "x".repeat(43),
    code_challenge_method: "S256",
    scope: "openid",
  });
  await fetch(`${flow.application.issuer}/authorize?${parameters}`, { redirect: "manual" });
  const hour = Math.floor(deps.clock.nowMs() / 3_600_000);
  await addAttempt(db, tenant.realm, { countedKey: Buffer.alloc(32), kind: "wrong_try", hour }, []);
  await useDevices(flow);
  const { resourceServerId } = resourceServer;
  await leaveFeed(db, { ...tenant.realm, resourceServerId }, deps.clock.nowMs() + 1_000 * DAY * 1_000);
  await insertSession(
    db,
    { ...tenant.realm, sessionId: "s" },
    { ...AUTHENTICATED, identityId: flow.identityId, secretHash: Buffer.alloc(32), keptUntilMs: deps.clock.nowMs() },
    undefined,
  );
  const mail = { mailId: hexId(deps.random), recipient: "r", subject: "s", body: "b", createdAtMs: deps.clock.nowMs() };
  const used = { ...flow.application.key, sessionId: "s", clientSessionId: "s", subject: "s" };
  await noteSessionApplication(db, used);
  const person = { ...tenant.realm, identityId: flow.identityId };
  await assignPairwiseSubject(db, person, { sector: "client.example", subject: "s" });
  await giveConsent(db, { ...job.key, ...person }, { terms: TERMS, at: 1 });
  await insertMail(db, tenant.realm, mail);
  await recordChange(tenant);
  await deps.database.maintain((session) =>
    session.query(
      "UPDATE resource_servers SET introspectors = ARRAY[$3] WHERE tenant_id = $1 AND resource_server_id = $2",
      [tenant.tenantId, resourceServer.resourceServerId, job.key.applicationId],
    ),
  );
  await tenant.server.app.settled();
  return job;
}

/** What people log in with, of somebody who is deleted and of somebody who stays, and how the pages look. */
async function useDevices({ tenant, identityId }: CodeFlow): Promise<void> {
  const authenticatorConfigId = await tenant.addAuthenticatorConfig();
  const stays = await tenant.addIdentity("stays@example.com");
  const api = managementClient(tenant);
  for (const identity of [identityId, stays]) {
    await addPasskey(tenant, identity, { authenticatorConfigId });
    const job = { delivery_method: "RETURN" as const, authenticator_config_id: authenticatorConfigId };
    await succeed(api("CreateCredentialBindingJob", { identity, body: { job } }));
  }
  const job_template = { authenticator_config_id: authenticatorConfigId };
  const batch = { identity_ids: [identityId, stays], job_template };
  await succeed(api("CreateBatchCredentialBindingJob", { body: { batch_credential_binding_job: batch } }));
  await batchBindingJobsJob.run(tenant.server.deps);
  const headers = { "idempotency-key": "theme" };
  await succeed(api("CreateTheme", { body: { theme: {} }, headers }));
  const token_revocation = { filter: { issued_before: 1 } };
  await succeed(api("CreateTokenRevocation", { body: { token_revocation } }));
}
