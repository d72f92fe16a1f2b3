import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type PostgresServer, startPostgres } from "../../bin/postgres.mjs";
import { createClock } from "../../src/platform/clock.ts";
import { postForm } from "../support/http.ts";
import { runAsSuperuser } from "../support/postgres-pair.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

// Settled 12: lists may read a replica, decisions never do. The replica is told to stop where it is, and so shows who reads it.

const LAG_SECONDS_MAX = 10;
const CHECK_SECONDS = 1;
/** A replica that lacked even what a look at it needs is left alone for so long. */
const AVOID_SECONDS = 5;
const PATIENCE = { everyMs: 20, msMax: 20_000 };
const MASTER_KEY = "replica-master-key-0123456789-abcdefghijklmnopqrst";

interface Setting {
  readonly client: TestClient;
  readonly primary: PostgresServer;
  readonly replica: PostgresServer;
  readonly pass: (seconds: number) => void;
}

async function startWithReplica(t: TestContext): Promise<Setting> {
  const primary = await startPostgres({ durable: false });
  const replica = await startPostgres({ durable: false, standbyOf: primary });
  let passedMs = 0;
  const server = await testServer({
    // Lag is measured in a time that only the test moves: a busy machine takes long, too.
    clock: { ...createClock(), monotonicMs: () => passedMs },
    environment: {
      MAYFLY_DATABASE_URL: primary.url,
      MAYFLY_DATABASE_REPLICA_URL: replica.url,
      MAYFLY_MASTER_KEY: MASTER_KEY,
    },
  });
  t.after(async () => {
    await server.stop();
    await replica.stop();
    await primary.stop();
  });
  const pass = (seconds: number): void => {
    passedMs += seconds * 1_000;
  };
  return { client: await testClient({ tenant: await testTenant({ server }) }), primary, replica, pass };
}

function until(server: PostgresServer, condition: string): Promise<void> {
  const isSo = async () => (await runAsSuperuser(server, `SELECT ${condition} AS holds`))[0]?.holds === true;
  return waitUntil(isSo, `never was: ${condition}`, PATIENCE);
}

async function catchUp({ primary, replica }: Setting): Promise<void> {
  const [row] = await runAsSuperuser(primary, "SELECT pg_current_wal_lsn()::text AS position");
  await until(replica, `pg_last_wal_replay_lsn() >= '${String(row?.position)}'::pg_lsn`);
}

async function issue({ tenant, application }: TestClient): Promise<{ token: string; traceId: string }> {
  const answer = await tenant.token(application, { grant_type: "client_credentials" });
  assert.equal(answer.status, 200, answer.text);
  return { token: String(answer.json?.access_token), traceId: answer.headers.get("x-trace-id") ?? "" };
}

async function countListed({ tenant, application }: TestClient): Promise<unknown> {
  const answer = await tenant.manage("GET", `/applications/${application.key.applicationId}/tokens`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json?.total_size;
}

async function testReplica(t: TestContext): Promise<void> {
  const setting = await startWithReplica(t);
  const { client, replica, pass } = setting;
  const { tenant, application } = client;
  const first = await issue(client);
  assert.equal(await countListed(client), 1, "whatever the replica has by now");
  await catchUp(setting);
  pass(AVOID_SECONDS);
  assert.equal(await countListed(client), 1);
  await runAsSuperuser(replica, "SELECT pg_wal_replay_pause()");
  await until(replica, "pg_get_wal_replay_pause_state() = 'paused'");

  const second = await issue(client);
  const { issuer, authorization } = application;
  const revoked = await postForm(`${issuer}/revoke`, { token: first.token }, { authorization });
  assert.equal(revoked.status, 200);
  assert.equal((await tenant.introspect(application, first.token)).active, false, "introspection read the replica");
  assert.equal((await tenant.introspect(application, second.token)).active, true, "introspection read the replica");
  assert.equal((await tenant.manage("GET", `/decisions/${second.traceId}`)).status, 200, "a decision read the replica");
  const third = await issue(client);
  assert.equal(await countListed(client), 1, "the list did not read the replica");

  pass(LAG_SECONDS_MAX + CHECK_SECONDS);
  assert.equal(await countListed(client), 2, "the list reads a replica that is too far behind");
  assert.equal((await tenant.introspect(application, third.token)).active, true);

  await runAsSuperuser(replica, "SELECT pg_wal_replay_resume()");
  await catchUp(setting);
  pass(CHECK_SECONDS);
  assert.equal(await countListed(client), 2);
  await replica.kill();
  assert.equal(await countListed(client), 2, "the list does not do without the replica");
}

if (databaseSide() === "postgresql") {
  test("lists read a replica while it keeps up, and what decides about a token never does", testReplica);
}
