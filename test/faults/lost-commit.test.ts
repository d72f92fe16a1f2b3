import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listStatements } from "../../src/database/statement.ts";
import { type CutMoment, type DatabaseProxy, startDatabaseProxy } from "../support/database-proxy.ts";
import { type Answer, postForm } from "../support/http.ts";
import { exchange, newAddress } from "../support/login-flow.ts";
import { testLogin } from "../support/test-browser.ts";
import { type CodeFlow, testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { createTestDatabase, databaseSide } from "../support/test-database.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// A connection that is lost in the middle of a commit: the database has done it, and nobody was told; or it has not. A client is told
// what is true all the same, because a code or a refresh token that comes again would be reuse and end its family (settled 4).

const AT_ONCE = 48;
const OUTAGE_MS = 1_500;

interface World extends CodeFlow {
  readonly proxy: DatabaseProxy;
}

async function withWorld(work: (world: World) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const proxy = await startDatabaseProxy(database.environment.MAYFLY_DATABASE_URL ?? "");
  const server = await testServer({ environment: { ...database.environment, MAYFLY_DATABASE_URL: proxy.url } });
  try {
    const flow = await testCodeFlow({ tenant: await testTenant({ server }) });
    await flow.logIn(); // keys are made, partitions there, statements prepared
    await work({ ...flow, proxy });
  } finally {
    await server.stop();
    await proxy.stop();
    await database.drop();
  }
}

/** The statements that spend, record or end. */
function listWrites(): readonly string[] {
  return listStatements()
    .filter(({ name, isWrite }) => isWrite && /^(token|revocation)\./.test(name))
    .map(({ name }) => name);
}

async function isActive({ tenant, application }: World, token: string, client = application): Promise<boolean> {
  return (await tenant.introspect(client, token)).active === true;
}

async function assertSpent(world: World, again: Answer, access: string): Promise<void> {
  assert.equal(again.json?.error, "invalid_grant");
  assert.equal(await isActive(world, access), false, "reuse did not end the family");
}

const CUTS: readonly (readonly [CutMoment, number])[] = [
  ["before", 1],
  ["after", 1],
  ["after", 3],
];

async function testOneByOne(world: World): Promise<void> {
  const { tenant, application, proxy } = world;
  tokensOf(await tenant.token(tenant.management, { grant_type: "client_credentials" }));
  for (const [moment, times] of CUTS) {
    const cutNext = (): (() => number) => proxy.cutAt(moment, listWrites(), times);
    const grant = await world.grant();
    let count = cutNext();
    const first = tokensOf(await world.exchange(grant));
    assert.equal(count(), times, "the exchange was not cut");
    assert.ok(await isActive(world, first.access));

    count = cutNext();
    const second = tokensOf(await world.refresh(first.refresh));
    assert.equal(count(), times, "the refresh was not cut");
    assert.ok(await isActive(world, second.access));

    count = cutNext();
    const own = tokensOf(await tenant.token(tenant.management, { grant_type: "client_credentials" }));
    assert.equal(count(), times, "the client's own token was not cut");
    assert.ok(await isActive(world, own.access, tenant.management));

    count = cutNext();
    const { issuer, authorization } = application;
    const revoked = await postForm(`${issuer}/revoke`, { token: second.access }, { authorization });
    assert.deepEqual([revoked.status, count()], [200, times]);
    assert.equal(await isActive(world, second.access), false);
    // What is spent is spent, however often it was sent.
    await assertSpent(world, await world.exchange(grant), first.access);
  }
}

async function testUnderLoad(world: World): Promise<void> {
  const { proxy } = world;
  const grants = await Promise.all(Array.from({ length: AT_ONCE }, () => world.grant()));
  const cuts = CUTS.map(([moment, times]) => proxy.cutAt(moment, listWrites(), times));
  const first = (await Promise.all(grants.map((grant) => world.exchange(grant)))).map(tokensOf);
  const more = CUTS.map(([moment, times]) => proxy.cutAt(moment, listWrites(), times));
  const second = (await Promise.all(first.map(({ refresh }) => world.refresh(refresh)))).map(tokensOf);
  assert.ok([...cuts, ...more].some((count) => count() > 0));
  for (const { access } of [...first, ...second]) assert.ok(await isActive(world, access));
  // Each family goes on from where its client is.
  for (const { refresh } of second.slice(0, 8)) tokensOf(await world.refresh(refresh));
  const [grant] = grants;
  assert.ok(grant);
  assert.equal((await world.exchange(grant)).json?.error, "invalid_grant");
}

// The server starts anew: what was sent last is done or not, and for a while there is nobody to ask.
async function testOutage(world: World): Promise<void> {
  const { proxy } = world;
  const grant = await world.grant();
  const count = proxy.cutAt("after", listWrites());
  const exchanged = world.exchange(grant);
  while (count() === 0) await sleep(1);
  await proxy.refuse(true);
  await sleep(OUTAGE_MS);
  await proxy.refuse(false);
  const tokens = tokensOf(await exchanged);
  assert.ok(await isActive(world, tokens.access));
  tokensOf(await world.refresh(tokens.refresh));
}

async function testCutLogin(world: World): Promise<void> {
  for (const moment of ["before", "after"] as const) {
    const email = newAddress(world.tenant);
    await world.tenant.addIdentity(email);
    const login = await testLogin(world.tenant, world.application);
    const verified = await login.logIn(email);
    const count = world.proxy.cutAt(moment, ["grant.insert"]);
    const location = await login.finish(verified);
    assert.equal(count(), 1, "the login was not cut");
    assert.ok(location.searchParams.has("code"), location.href);
    assert.equal((await exchange(world, login, location)).status, 200);
  }
}

if (databaseSide() === "postgresql") {
  describe("a connection that is lost while it commits", () => {
    test("costs no code, no refresh token and no revocation", () => withWorld(testOneByOne));
    test("costs none when many share the batch", () => withWorld(testUnderLoad));
    test("costs none when the server is away for a moment", () => withWorld(testOutage));
    test("costs no login", () => withWorld(testCutLogin));
  });
}
