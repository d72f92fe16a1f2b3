import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DatabaseUnavailable } from "../../src/database/database-error.ts";
import { goOn, tokenRevocationsJob } from "../../src/jobs/token-revocations.ts";
import { readLiveCounts } from "../../src/resources/live-count/queries.ts";
import { listAllEvents } from "../support/events.ts";
import { postForm } from "../support/http.ts";
import { decodeJwt } from "../support/jwt.ts";
import { keepJob } from "../support/leased-job.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { assertInvalidGrant, violatedFields } from "../support/refusals.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";
import { exchange } from "../support/token-exchange.ts";

const CREDENTIALS = { grant_type: "client_credentials" };
/** By then every request that was under way has recorded its tokens. */
const LATE_SECONDS = 15;

describe("many tokens ended at once", () => {
  const clock = movableClock();
  let server: TestServer;

  before(async () => {
    server = await testServer({ clock });
    await keepJob(server, tokenRevocationsJob);
  });
  after(() => server.stop());

  async function world() {
    const tenant = await testTenant({ server });
    const client = await testClient({ tenant });
    const other = await testClient({ tenant, server: client.resourceServer, config: { token_format: "referential" } });
    const flow = await testCodeFlow({ tenant, server: client.resourceServer });
    const api = managementClient(tenant);
    const make = (filter: object, more: object = {}) =>
      api("CreateTokenRevocation", { body: { token_revocation: { filter, ...more } } });
    const show = (token_revocation: string) => succeed(api("GetTokenRevocation", { token_revocation }));
    const run = async () => {
      await tokenRevocationsJob.run(server.deps);
      clock.pass(LATE_SECONDS);
      await tokenRevocationsJob.run(server.deps);
    };
    const end = async (filter: object, more: object = {}) => {
      const made = await make(filter, more);
      assert.equal(made.status, 200, made.text);
      await run();
      const done = await show(made.value.id);
      assert.equal(done.state, "DONE");
      return done;
    };
    const issue = async (application: TestApplication, form = {}) =>
      tokensOf(await tenant.token(application, { ...CREDENTIALS, ...form })).access;
    return { tenant, client, other, flow, api, make, show, run, end, issue };
  }

  async function isActive(tenant: TestTenant, application: TestApplication, token: string): Promise<boolean> {
    return (await tenant.introspect(application, token)).active === true;
  }

  test("by application: dead on every node when the call returns, and nobody else's", async () => {
    const { tenant, client, other, make, show, run, issue } = await world();
    const [one, two] = [await issue(client.application), await issue(client.application, { expiration_time: "60" })];
    const another = await issue(other.application);
    const made = await make({ application_id: client.application.key.applicationId });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual([made.value.state, made.value.is_in_force], ["RUNNING", true]);
    for (const token of [one, two]) assert.equal(await isActive(tenant, client.application, token), false);
    assert.equal(await isActive(tenant, other.application, another), true);
    await run();
    const { state, receipt } = await show(made.value.id);
    const counts = { matched: 2, already_dead: 0, changed: 2, access_tokens: 2, refresh_families: 0 };
    assert.deepEqual([state, receipt], ["DONE", { ...counts, accepted_offline_until: decodeJwt(one).exp }]);
    assert.equal(await isActive(tenant, client.application, await issue(client.application)), true);
    const events = await listAllEvents(tenant, { filter: 'type eq "TokenOperation"' });
    const own = events.filter(({ resource }) => JSON.stringify(resource).includes(made.value.id));
    assert.deepEqual(
      own.map(({ action }) => action),
      ["CREATE", "DELETE"],
    );
    assert.equal(own[1]?.payload.matched, 2);
  });

  test("what was dead is counted as such, and offline nothing but self-contained tokens that lived", async () => {
    const { tenant, client, other, end, issue } = await world();
    const longer = await issue(client.application, { expiration_time: "5000" });
    const shorter = await issue(client.application, { expiration_time: "700" });
    await issue(client.application, { expiration_time: "10" });
    const { issuer, authorization } = client.application;
    assert.equal((await postForm(`${issuer}/revoke`, { token: longer }, { authorization })).status, 200);
    const opaque = await issue(other.application);
    clock.pass(20);
    const { receipt } = await end({ issued_before: Number(decodeJwt(shorter).iat) + 1 });
    const counts = { matched: 4, already_dead: 2, changed: 2, access_tokens: 4, refresh_families: 0 };
    assert.deepEqual(receipt, { ...counts, accepted_offline_until: decodeJwt(shorter).exp });
    assert.equal(await isActive(tenant, other.application, opaque), false);
    const again = await end({ application_id: other.application.key.applicationId });
    assert.deepEqual(again.receipt, {
      ...{ matched: 1, already_dead: 1, changed: 0, access_tokens: 1, refresh_families: 0 },
      accepted_offline_until: null,
    });
  });

  test("a token that gave its last use to another is dead, and what descends from it ends with it", async () => {
    const { tenant, other, end, issue } = await world();
    const parent = await issue(other.application, { max_uses: "1" });
    const child = tokensOf(await exchange(tenant, other.application, parent, { scope: "shoes:read" })).access;
    assert.equal(await isActive(tenant, other.application, child), true);
    const { receipt } = await end({ scope: "shoes:write" });
    assert.deepEqual([receipt?.matched, receipt?.already_dead, receipt?.changed], [1, 1, 0]);
    assert.equal(await isActive(tenant, other.application, child), false);
  });

  test("by person: families, their tokens and codes that were not redeemed", async () => {
    const { tenant, flow, client, make, show, run, issue } = await world();
    const { access, refresh } = await flow.logIn();
    const code = await flow.grant();
    const somebody = await tenant.addIdentity("somebody@example.com");
    await flow.role.addMember(somebody);
    const others = await flow.logIn({ identityId: somebody });
    const robot = await issue(client.application);
    clock.pass(2);
    const made = await make({ identity_id: flow.identityId });
    assert.equal(made.status, 200, made.text);
    assert.equal(await isActive(tenant, flow.application, access), false);
    assertInvalidGrant(await flow.refresh(refresh));
    assertInvalidGrant(await flow.exchange(code));
    await run();
    const { receipt } = await show(made.value.id);
    assert.deepEqual([receipt.matched, receipt.access_tokens, receipt.refresh_families], [2, 1, 1]);
    assert.deepEqual([receipt.changed, receipt.already_dead], [2, 0]);
    assert.equal(await isActive(tenant, flow.application, others.access), true);
    assert.equal(await isActive(tenant, client.application, robot), true);
    tokensOf(await flow.refresh(others.refresh));
    clock.pass(2);
    assert.equal(await isActive(tenant, flow.application, (await flow.logIn()).access), true);
  });

  test("by group, by scope, by key, and by several together", async () => {
    const { tenant, flow, client, other, api, end, issue } = await world();
    const member = await flow.logIn();
    const outsider = await tenant.addIdentity("outsider@example.com");
    await flow.role.addMember(outsider);
    const outside = await flow.logIn({ identityId: outsider });
    const group = (await succeed(api("CreateGroup", { body: { group: { display_name: "Crew" } } }))).id;
    await succeed(api("AddGroupMembers", { group, body: { identity_ids: [flow.identityId] } }));
    const [first = "", second = ""] = client.resourceServer.settings.scopes;
    const [reading, writing] = [
      await issue(client.application, { scope: first }),
      await issue(client.application, { scope: second }),
    ];
    const opaque = await issue(other.application, { scope: first });
    assert.equal((await end({ group_id: group, scope: "nothing-has-it" })).receipt.matched, 0);
    assert.equal((await end({ group_id: group })).receipt.changed, 2);
    for (const token of [member.access, member.refresh])
      assert.equal(await isActive(tenant, flow.application, token), false);
    assert.equal(await isActive(tenant, flow.application, outside.access), true);
    const application_id = client.application.key.applicationId;
    assert.equal((await end({ application_id, scope: first })).receipt.changed, 1);
    assert.equal(await isActive(tenant, client.application, reading), false);
    assert.equal(await isActive(tenant, client.application, writing), true);
    assert.equal(await isActive(tenant, other.application, opaque), true);
    const kid = JSON.parse(Buffer.from(writing.split(".")[0] ?? "", "base64url").toString()).kid;
    const { receipt } = await end({ key_id: kid });
    assert.equal(receipt.refresh_families, 0);
    for (const [application, token, isLeft] of [
      [client.application, writing, false],
      [flow.application, outside.access, false],
      [flow.application, outside.refresh, true],
      [other.application, opaque, true],
    ] as const)
      assert.equal(await isActive(tenant, application, token), isLeft);
  });

  test("a family that fits takes its tokens along, those too that do not fit themselves, and they are in the receipt", async () => {
    const { tenant, flow, end } = await world();
    const [first = "", second = ""] = flow.resourceServer.settings.scopes;
    const { access, refresh } = await flow.logIn({ scope: `openid ${first} ${second}` }, { scope: `openid ${second}` });
    assert.equal((await end({ scope: "nothing-has-it" })).receipt.accepted_offline_until, null);
    clock.pass(5);
    const later = tokensOf(await flow.refresh(refresh, { scope: `openid ${second}` }));
    const { receipt } = await end({ scope: first, issued_before: clock.nowSeconds() - 4 });
    const counts = { matched: 3, already_dead: 0, changed: 3, access_tokens: 2, refresh_families: 1 };
    assert.deepEqual(receipt, { ...counts, accepted_offline_until: decodeJwt(access).exp });
    for (const token of [access, later.access, later.refresh])
      assert.equal(await isActive(tenant, flow.application, token), false);
  });

  test("what was ended counts for no quota any more", async () => {
    const { tenant, client, flow, end, issue } = await world();
    await issue(client.application);
    await issue(client.application);
    await flow.logIn();
    const live = async () => {
      await server.app.settled();
      const db = server.deps.database.tenants([tenant.tenantId]);
      const [stored] = await readLiveCounts(db, "token", [tenant.tenantId], clock.nowSeconds());
      const own = [client, flow].map(({ application }) => application.key.applicationId);
      const counts = stored?.counts.filter(({ applicationId }) => own.includes(applicationId)) ?? [];
      return counts.reduce((sum, count) => sum + count.live, 0);
    };
    assert.equal(await live(), 4);
    await end({ application_id: client.application.key.applicationId });
    assert.equal(await live(), 2);
    await end({ identity_id: flow.identityId });
    assert.equal(await live(), 0);
  });

  test("shortened: nothing lives beyond the new end, and nothing lives longer by it", async () => {
    const { tenant, client, flow, end, issue } = await world();
    const long = await issue(client.application, { expiration_time: "5000" });
    const short = await issue(client.application, { expiration_time: "50" });
    const { access, refresh } = await flow.logIn();
    const now = clock.nowSeconds();
    const done = await end({ issued_before: now + 1 }, { action: "shorten", expiration_time: 300 });
    assert.equal(done.expires, now + 300);
    assert.deepEqual([done.receipt.matched, done.receipt.changed, done.receipt.already_dead], [4, 3, 0]);
    const ends = async (application: TestApplication, token: string) =>
      (await tenant.introspect(application, token)).exp;
    assert.equal(await ends(client.application, long), now + 300);
    assert.equal(await ends(client.application, short), now + 50);
    assert.equal(await ends(flow.application, access), now + 300);
    assert.equal(await ends(flow.application, refresh), now + 300);
    const next = tokensOf(await flow.refresh(refresh));
    assert.ok(Number(await ends(flow.application, next.access)) <= now + 300);
  });

  test("a job that stops in the middle goes on where it was, and counts nothing twice", async () => {
    const { tenant, client, make, show, issue } = await world();
    const many = await Promise.all(Array.from({ length: 12 }, () => issue(client.application)));
    const made = await make({ issued_before: clock.nowSeconds() + 1 });
    assert.equal(made.status, 200, made.text);
    assert.equal(made.value.is_in_force, false);
    const key = { ...tenant.realm, revocationId: made.value.id };
    const { database } = server.deps;
    const failing = { ...server.deps, database: { ...database, transaction: failAtCommit(database) } };
    await goOn(server.deps, key); // families
    await assert.rejects(goOn(failing, key)); // tokens, which were ended, counted, and rolled back
    assert.deepEqual((await show(made.value.id)).receipt.matched, 0);
    await tokenRevocationsJob.run(server.deps);
    const waiting = await show(made.value.id);
    assert.deepEqual([waiting.state, waiting.progress.step, waiting.receipt.changed], ["RUNNING", "late_families", 12]);
    const late = await issue(client.application); // issued in the second of the job, as if its request had been under way
    clock.pass(LATE_SECONDS);
    await Promise.all([tokenRevocationsJob.run(server.deps), tokenRevocationsJob.run(server.deps)]);
    const done = await show(made.value.id);
    assert.deepEqual([done.state, done.receipt.matched, done.receipt.changed], ["DONE", 13, 13]);
    for (const token of [...many, late]) assert.equal(await isActive(tenant, client.application, token), false);
  });

  test("is refused without a filter, with one that names nothing, in the future, and with half a shortening", async () => {
    const { client, make } = await world();
    const application_id = client.application.key.applicationId;
    const violated = async (...asked: Parameters<typeof make>) => violatedFields(await make(...asked));
    assert.equal((await make({})).status, 400);
    assert.deepEqual(await violated({ application_id: "00000000-0000-4000-8000-000000000000" }), [
      "token_revocation.filter.application_id",
    ]);
    assert.deepEqual(
      await violated({ identity_id: "00000000000000ff", group_id: "00000000000000ff", key_id: "none" }),
      ["token_revocation.filter.group_id", "token_revocation.filter.identity_id", "token_revocation.filter.key_id"],
    );
    assert.deepEqual(await violated({ issued_before: clock.nowSeconds() + 100 }), [
      "token_revocation.filter.issued_before",
    ]);
    assert.deepEqual(await violated({ application_id }, { action: "shorten" }), ["token_revocation.expiration_time"]);
    assert.deepEqual(await violated({ application_id }, { expiration_time: 5 }), ["token_revocation.expiration_time"]);
  });
});

/** Transactions that do all their work and are rolled back: as a node that is killed before it commits. */
function failAtCommit(database: TestServer["deps"]["database"]): TestServer["deps"]["database"]["transaction"] {
  return (tenantIds, work, options) =>
    database.transaction(
      tenantIds,
      async (db) => {
        await work(db);
        throw new DatabaseUnavailable("the node was killed");
      },
      options,
    );
}
