import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockDirectory } from "../../src/database/directory-lock.ts";
import { statement } from "../../src/database/statement.ts";
import { serverPlace } from "../support/server-process.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { databaseSide } from "../support/test-database.ts";

// Nothing is answered before it is durable (specification section 4). PGlite as it comes never syncs (performance.md, "Power
// cuts"): the counted syncs keep an upgrade from losing that silently.

const REQUESTS = 64;
const readSettings = statement(
  "test.read_durability",
  "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit",
);

// Each database keeps the promise by its own means, and is asked about its own.
function testOn(side: ReturnType<typeof databaseSide>, name: string, body: () => Promise<void>): void {
  if (databaseSide() === side) test(name, body);
}

async function requestToken({ tenant, application }: TestClient): Promise<void> {
  const answer = await tenant.token(application, { grant_type: "client_credentials" });
  assert.equal(answer.status, 200, answer.text);
}

/** How many syncs a piece of work costs. */
async function countSyncs({ tenant }: TestClient, work: () => Promise<unknown>): Promise<number> {
  const { database } = tenant.server.deps;
  const before = (await database.countSyncs()) ?? Number.NaN;
  await work();
  return ((await database.countSyncs()) ?? Number.NaN) - before;
}

/** A socket file that nobody listens at, as a killed process leaves it. */
async function leaveDeadLock(directory: string): Promise<void> {
  const path = join(directory, "lock.sock");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", script]), "exit");
  assert.ok(existsSync(path));
}

for (const token_format of ["self_contained", "referential"] as const) {
  testOn("embedded", `an answered token has been synced to the disk (${token_format})`, async () => {
    const client = await testClient({ config: { token_format } });
    await requestToken(client); // keys and caches are made
    for (let count = 0; count < 10; count += 1) {
      assert.ok((await countSyncs(client, () => requestToken(client))) >= 1, "a token was answered without a sync");
    }
  });
}

testOn("embedded", "token requests that arrive together share their syncs", async () => {
  const client = await testClient();
  await requestToken(client);
  const syncs = await countSyncs(client, () =>
    Promise.all(Array.from({ length: REQUESTS }, () => requestToken(client))),
  );
  assert.ok(syncs >= 1 && syncs < REQUESTS / 2, `${REQUESTS} requests cost ${syncs} syncs`);
});

testOn("embedded", "an introspection writes nothing and so costs no sync", async () => {
  const client = await testClient();
  const { tenant, application } = client;
  const answer = await tenant.token(application, { grant_type: "client_credentials" });
  const token = String(answer.json?.access_token);
  await tenant.introspect(application, token);
  const syncs: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    syncs.push(await countSyncs(client, () => tenant.introspect(application, token)));
  }
  // A job may write beside it; not beside each.
  assert.equal(Math.min(...syncs), 0);
});

test("the server's session commits synchronously, on a database that syncs", async () => {
  const { tenant } = await testClient();
  const rows = await tenant.server.deps.database.tenants([]).run(readSettings, []);
  assert.deepEqual(rows, [{ fsync: "on", synchronous_commit: "on" }]);
});

testOn("embedded", "a second start on the same data directory names the process that holds it", async () => {
  const place = await serverPlace();
  const server = await place.start();
  const second = await place.startToEnd({ MAYFLY_PORT: "0", MAYFLY_OPS_PORT: "0" });
  assert.equal(second.code, 1);
  assert.ok(second.stderr.includes(`in use by process ${server.pid};`), second.stderr);
  await server.end("SIGTERM");
  await place.remove();
});

testOn("embedded", "the lock of a process that was killed is taken over", async () => {
  const place = await serverPlace();
  const first = await place.start();
  await first.end("SIGKILL");
  const second = await place.start();
  assert.notEqual(second.pid, first.pid);
  await second.end("SIGTERM");
  await place.remove();
});

test("of several that find the lock of a dead process one takes it over", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mayfly-lock-"));
  await leaveDeadLock(directory);
  const claims = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const held = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value] : []));
  assert.equal(held.length, 1);
  for (const claim of claims) {
    if (claim.status === "rejected") assert.match(String(claim.reason), new RegExp(`in use by process ${process.pid}`));
  }
  await held[0]?.release();
  await (await lockDirectory(directory)).release();
  await rm(directory, { recursive: true });
});

test("a data directory may lie as deep as file systems allow", async () => {
  const root = await mkdtemp(join(tmpdir(), "mayfly-lock-"));
  const directory = join(root, "a".repeat(100), "b".repeat(100));
  await mkdir(directory, { recursive: true });
  const lock = await lockDirectory(directory);
  await assert.rejects(lockDirectory(directory), /in use by process/);
  await lock.release();
  await rm(root, { recursive: true });
});
