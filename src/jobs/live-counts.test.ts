import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestClient, testClient } from "../../test/support/test-client.ts";
import { testCodeFlow, tokensOf } from "../../test/support/test-code-flow.ts";
import { hexId } from "../platform/random.ts";
import { addLiveCounts, readLiveCounts, wantRecount } from "../resources/live-count/queries.ts";
import type { JobDeps } from "./job.ts";
import { oldCountsJob, recountJob } from "./live-counts.ts";

/** The server's, so many milliseconds later: the tests' clock stands still. */
function depsOf({ tenant }: TestClient, laterMs = 1): JobDeps {
  const { clock, ...deps } = tenant.server.deps;
  const nowMs = () => clock.nowMs() + laterMs;
  return { ...deps, clock: { ...clock, nowMs, nowSeconds: () => Math.floor(nowMs() / 1_000) } };
}

async function issue({ tenant, application }: TestClient, count: number, lifetime = "3600"): Promise<void> {
  const form = { grant_type: "client_credentials", expiration_time: lifetime };
  for (let n = 0; n < count; n += 1) tokensOf(await tenant.token(application, form));
}

async function liveOf({ tenant, application }: TestClient): Promise<number> {
  const { database, clock } = tenant.server.deps;
  const [read] = await readLiveCounts(
    database.tenants([tenant.tenantId]),
    "token",
    [tenant.tenantId],
    clock.nowSeconds(),
  );
  const own = read?.counts.find(({ applicationId }) => applicationId === application.key.applicationId);
  return own?.live ?? 0;
}

async function recount(client: TestClient, deps = depsOf(client)): Promise<void> {
  const { tenantId } = client.tenant;
  await wantRecount(deps.database.tenants([tenantId]), [tenantId], deps.clock.nowMs());
  await recountJob.run(deps);
}

test("what a killed node had not written is found by an exact count", async () => {
  const client = await testClient();
  const other = await testClient({ tenant: client.tenant });
  await issue(client, 12, "60");
  await issue(client, 5);
  await issue(other, 3);
  await client.tenant.server.app.settled();
  const { database } = client.tenant.server.deps;
  await database.maintain((session) =>
    session.query("DELETE FROM live_counts WHERE tenant_id = $1 AND ends_at % 7 <> 0", [client.tenant.tenantId]),
  );
  await recount(client);
  assert.deepEqual([await liveOf(client), await liveOf(other)], [17, 3]);
  await client.tenant.advance(64);
  assert.equal(await liveOf(client), 5);
});

test("an exact count takes off what died with its family, its person or its application's tokens of before", async () => {
  const flow = await testCodeFlow();
  const person = await flow.tenant.addIdentity("gone@example.com");
  const [ended, going] = [await flow.logIn(), await flow.logIn()];
  await flow.logIn({ identityId: person });
  const { issuer, authorization } = flow.application;
  const form = new URLSearchParams({ token: ended.refresh });
  await fetch(`${issuer}/revoke`, { method: "POST", body: form, headers: { authorization } });
  await flow.tenant.server.app.settled();
  assert.equal(await liveOf(flow), 5, "three access tokens and two families");
  await flow.tenant.server.deps.database.maintain((session) =>
    session.query("UPDATE identities SET status = 'suspended' WHERE tenant_id = $1 AND identity_id = $2", [
      flow.tenant.tenantId,
      person,
    ]),
  );
  await recount(flow);
  assert.equal(await liveOf(flow), 2);
  tokensOf(await flow.refresh(going.refresh));
  await flow.tenant.server.app.settled();
  assert.equal(await liveOf(flow), 3);
});

test("of two exact counts at once one corrects, and none of a tenant that was counted a moment ago", async () => {
  const client = await testClient();
  await issue(client, 4);
  await client.tenant.server.app.settled();
  const { database } = client.tenant.server.deps;
  const db = database.tenants([client.tenant.tenantId]);
  const remove = () =>
    database.maintain((session) =>
      session.query("DELETE FROM live_counts WHERE tenant_id = $1", [client.tenant.tenantId]),
    );
  await remove();
  await wantRecount(db, [client.tenant.tenantId], depsOf(client).clock.nowMs());
  await Promise.all([recountJob.run(depsOf(client)), recountJob.run(depsOf(client))]);
  assert.equal(await liveOf(client), 4);
  await remove();
  await recount(client, depsOf(client, 599_000));
  assert.equal(await liveOf(client), 0);
  await recount(client, depsOf(client, 601_000));
  assert.equal(await liveOf(client), 4);
});

test("slots that are over by their tenant's clock are deleted, others stay", async () => {
  const client = await testClient();
  const { database, clock, random } = client.tenant.server.deps;
  const now = clock.nowSeconds();
  const key = { ...client.application.key, kind: "token" as const };
  await client.tenant.advance(1_000);
  const db = database.tenants([key.tenantId]);
  const slots = [now, now + 999, now + 1_000, now + 1_001, now + 5_000];
  await addLiveCounts(
    db,
    slots.map((endsAt) => ({ ...key, endsAt, change: 1 })),
  );
  const unknown = { ...key, tenantId: hexId(random), endsAt: now, change: 1 };
  await addLiveCounts(database.tenants([unknown.tenantId]), [unknown]);
  await oldCountsJob.run(depsOf(client));
  const rows = await database.maintain((session) =>
    session.query("SELECT ends_at FROM live_counts WHERE application_id = $1 ORDER BY ends_at", [key.applicationId]),
  );
  assert.deepEqual(
    rows.map((row) => row.ends_at),
    [now + 1_001, now + 5_000],
  );
});
