import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { basic, call, postForm } from "../support/http.ts";
import { checkAcknowledged, startLoad, type TokenLoad } from "../support/kill-under-load.ts";
import { makeNextVersion } from "../support/next-version.ts";
import {
  type Credentials,
  credentialsAt,
  type ServerPlace,
  type ServerProcess,
  serverPlace,
} from "../support/server-process.ts";
import { createTestDatabase, databaseSide } from "../support/test-database.ts";
import { waitUntil } from "../support/wait-until.ts";

// A rolling upgrade: two versions of the code on one database at once, while requests come. docs/guides/upgrades.md has the rules that
// this migration keeps.

const MIGRATION = `
  ALTER TABLE applications ADD COLUMN next_colour text NOT NULL DEFAULT 'none';
  ALTER TABLE tenants ADD COLUMN next_colour text;
  ALTER TABLE tokens ADD COLUMN next_note text;
  ALTER TABLE grants ADD COLUMN next_note text;
  CREATE INDEX tokens_next ON ONLY tokens (tenant_id, realm_id, next_note);
  CREATE TABLE next_things (tenant_id text COLLATE "C" NOT NULL, thing_id text COLLATE "C" NOT NULL, PRIMARY KEY (tenant_id, thing_id));
  SELECT mayfly_protect('next_things');`;
const WORKERS = 4;
/** So often every client is answered while a state lasts. */
const ROUNDS_MIN = 3;
const PATIENCE = { everyMs: 5, msMax: 30_000 };

interface Upgrade {
  readonly database: Client;
  readonly older: ServerPlace;
  readonly newer: ServerPlace;
  readonly credentials: Credentials;
}

/** What the clients of one load have to do with each other. */
interface Reading {
  readonly isOver: () => boolean;
  readonly failures: string[];
  /** A client has been answered all that it asks in a round. */
  readonly endRound: () => void;
}

/** Requests that read, one round after the other until the load is stopped: whatever is not 200 is a failure. */
async function readUntil(node: Credentials, { isOver, failures, endRound }: Reading): Promise<void> {
  const authorization = basic(node.client_id, node.client_secret);
  const tokens = node.issuer.replace(/^(https?:..[^/]+).*$/, `$1/v1/tenants/${node.tenant_id}/realms/${node.realm_id}`);
  const note = async (sent: ReturnType<typeof call>): Promise<Record<string, unknown>> => {
    const { status, text, json, headers } = await sent;
    if (status !== 200) failures.push(`${status} ${text}`);
    return { ...json, trace: headers.get("x-trace-id") };
  };
  while (!isOver()) {
    await note(call(`${node.issuer}/.well-known/openid-configuration`));
    await note(call(`${node.issuer}/.well-known/jwks.json`));
    const form = { grant_type: "client_credentials", expiration_time: "7776000" };
    const { access_token, trace } = await note(postForm(node.token_endpoint, form, { authorization }));
    const headers = { authorization: `Bearer ${String(access_token)}` };
    await note(call(`${tokens}/applications/${node.application_id}/tokens?page_size=1`, { headers }));
    await note(call(`${tokens}/decisions/${String(trace)}`, { headers }));
    await note(postForm(node.introspection_endpoint, { token: String(access_token) }, { authorization }));
    endRound();
  }
}

/** Loads these nodes while `work` is done, and checks that nothing failed and nothing was lost. */
async function underLoad<T>(
  nodes: readonly Credentials[],
  work: (everybodyIsAnswered: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const failures: string[] = [];
  let isOver = false;
  const loads: TokenLoad[] = nodes.map((node) => startLoad(node, { workers: WORKERS }));
  const rounds = nodes.map(() => 0);
  const readers = nodes.map((node, reader) => {
    const endRound = (): void => {
      rounds[reader] = (rounds[reader] ?? 0) + 1;
    };
    return readUntil(node, { isOver: () => isOver, failures, endRound });
  });
  const listFailures = () => [...failures, ...loads.flatMap(({ others }) => others.map((answer) => answer?.text))];
  const listRounds = () => [...loads.flatMap(({ answered }) => answered), ...rounds];
  const result = await work(async () => {
    const before = listRounds();
    const isSo = () => listRounds().every((now, client) => now >= (before[client] ?? 0) + ROUNDS_MIN);
    await waitUntil(() => isSo() || listFailures().length > 0, "a client waits for its answer", PATIENCE);
  });
  isOver = true;
  await Promise.all([...readers, ...loads.map((load) => load.stop())]);
  assert.deepEqual(listFailures(), [], "requests failed");
  for (const [index, { acknowledged }] of loads.entries()) {
    assert.ok(acknowledged.issued.length > 0, "a node answered nothing");
    const other = nodes[(index + 1) % nodes.length];
    if (other !== undefined) await checkAcknowledged(other, acknowledged);
  }
  return result;
}

// Somebody reads the table for long, as a dump does, when the newer version comes to change it: it may not make others wait for that.
async function startBehindDump(
  { database, newer }: Upgrade,
  everybodyIsAnswered: () => Promise<void>,
): Promise<ServerProcess> {
  await database.query("BEGIN; SELECT count(*) FROM tokens");
  const started = newer.start();
  const attempts = new Set<unknown>();
  const look = async (): Promise<number> => {
    const text =
      "SELECT virtualtransaction FROM pg_locks WHERE NOT granted AND relation = 'tokens'::regclass AND mode = 'AccessExclusiveLock'";
    for (const { virtualtransaction } of (await database.query(text)).rows) attempts.add(virtualtransaction);
    return attempts.size;
  };
  await waitUntil(async () => (await look()) > 0, "the migration did not wait, so this test shows nothing", PATIENCE);
  await everybodyIsAnswered();
  await waitUntil(async () => (await look()) > 1, "the migration waits on and on", PATIENCE);
  await database.query("COMMIT");
  return started;
}

// The next token of each lifetime makes its partition anew, in the schema as it is now.
async function dropPartitions({ database }: Upgrade): Promise<void> {
  await database.query(`DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'tokens'::regclass LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
  END $$`);
}

async function testUpgrade(): Promise<void> {
  const { environment, drop } = await createTestDatabase();
  const next = await makeNextVersion(MIGRATION);
  const older = await serverPlace({ database: environment });
  const publicUrl = `http://localhost:${older.environment.MAYFLY_PORT}`;
  const newer = await serverPlace({
    database: { ...environment, MAYFLY_PUBLIC_URL: publicUrl },
    launcher: next.launcher,
  });
  const database = new Client({ connectionString: environment.MAYFLY_DATABASE_URL ?? "" });
  await database.connect();
  const first = await older.start();
  const upgrade: Upgrade = { database, older, newer, credentials: older.readCredentials() };
  const old = credentialsAt(first.url, upgrade.credentials);

  const second = await underLoad([old], (everybodyIsAnswered) => startBehindDump(upgrade, everybodyIsAnswered));
  assert.equal(second.output.stdout, `Mayfly is ready at ${publicUrl}\n`, "another node has the credentials");
  const both = [old, credentialsAt(second.url, upgrade.credentials)];
  await underLoad(both, (everybodyIsAnswered) => everybodyIsAnswered());
  await dropPartitions(upgrade);
  await underLoad(both, (everybodyIsAnswered) => everybodyIsAnswered());

  // And back: the older version starts on the newer schema.
  assert.equal((await first.end("SIGTERM")).code, 0);
  const again = await older.start({ MAYFLY_MIGRATE: "check" });
  await dropPartitions(upgrade);
  await underLoad([credentialsAt(again.url, upgrade.credentials)], (everybodyIsAnswered) => everybodyIsAnswered());
  for (const server of [again, second]) {
    const ended = await server.end("SIGTERM");
    assert.deepEqual([ended.code, ended.stderr], [0, ""]);
  }
  await database.end();
  await Promise.all([older.remove(), newer.remove(), next.remove()]);
  await drop();
}

if (databaseSide() === "postgresql") {
  test("a version and the next one work on one database at once, also while it is migrated", testUpgrade);
}
