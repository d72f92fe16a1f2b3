import assert from "node:assert/strict";
import { test } from "node:test";
import { recountJob } from "../../src/jobs/live-counts.ts";
import type { Answer } from "../support/http.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";

// Settled 13: exact up to 10,000, an estimate above; and a page has a bound on what it looks at.

async function list({ tenant, application }: TestClient, query = ""): Promise<Answer> {
  const answer = await tenant.manage("GET", `/applications/${application.key.applicationId}/tokens${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer;
}

function sizeOf(answer: Answer): [unknown, string | null] {
  return [answer.json?.total_size, answer.headers.get("x-total-size")];
}

function countRows(answer: Answer): number {
  return ((answer.json?.tokens ?? []) as unknown[]).length;
}

/** Issues one token and copies its row so often, each a moment later than the one before. */
async function issueMany(
  { tenant, application }: TestClient,
  count: number,
  revokedAt: number | null = null,
): Promise<void> {
  const form = { grant_type: "client_credentials", expiration_time: "3600" };
  const { json } = tokensOf(await tenant.token(application, form));
  const [, payload = ""] = String(json.access_token).split(".");
  const { jti } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { jti: string };
  const { database } = tenant.server.deps;
  await database.maintain(async (session) => {
    await session.query("CREATE TEMPORARY TABLE copied AS SELECT * FROM tokens WHERE tenant_id = $1 AND id = $2", [
      tenant.tenantId,
      Buffer.from(jti, "base64url"),
    ]);
    await session.query("UPDATE copied SET revoked_at = $1", [revokedAt]);
    await session.query("DELETE FROM tokens WHERE tenant_id = $1 AND id = $2", [
      tenant.tenantId,
      Buffer.from(jti, "base64url"),
    ]);
    const columns = await session.query(
      `SELECT string_agg(CASE attname WHEN 'id' THEN
         'substring(id for 6) || decode(lpad(to_hex(n), 20, ''0''), ''hex'') || substring(id from 17)' ELSE attname END, ', ' ORDER BY attnum) AS text
       FROM pg_attribute WHERE attrelid = 'tokens'::regclass AND attnum > 0 AND NOT attisdropped`,
    );
    await session.query(`INSERT INTO tokens SELECT ${String(columns[0]?.text)} FROM copied, generate_series(1, $1) n`, [
      count,
    ]);
    await session.query("DROP TABLE copied");
  });
}

test("up to 10,000 the size of the list is exact", async () => {
  const client = await testClient();
  await issueMany(client, 10_000);
  const answer = await list(client);
  assert.deepEqual(sizeOf(answer), [10_000, null]);
  assert.deepEqual(sizeOf(await list(client, `?page_token=${answer.json?.next_page_token}`)), [10_000, null]);
});

test("above it is an estimate by what was counted, said in a header, and every page tells the same", async () => {
  const client = await testClient();
  const { tenant } = client;
  await issueMany(client, 12_345);
  // They were loaded around the server: nobody counted them. To notice it is to ask for an exact count.
  assert.deepEqual(sizeOf(await list(client)), [10_001, "estimated"]);
  const { clock, ...deps } = tenant.server.deps;
  await recountJob.run({ ...deps, clock: { ...clock, nowMs: () => clock.nowMs() + 1 } });
  const answer = await list(client);
  assert.deepEqual(sizeOf(answer), [12_345, "estimated"]);
  assert.deepEqual(sizeOf(await list(client, `?page_token=${answer.json?.next_page_token}`)), [12_345, "estimated"]);
  for (let n = 0; n < 5; n += 1) tokensOf(await tenant.token(client.application, { grant_type: "client_credentials" }));
  assert.deepEqual(sizeOf(await list(client)), [12_350, "estimated"]);
  assert.deepEqual(sizeOf(await list(client, "?principal_type=application")), [10_001, "estimated"]);
  await tenant.advance(3_700);
  assert.deepEqual(sizeOf(await list(client)), [5, null]);
});

test("a page looks at 10,000 rows at most: behind many that are revoked the next ones go on", async () => {
  const client = await testClient();
  for (let n = 0; n < 3; n += 1)
    tokensOf(await client.tenant.token(client.application, { grant_type: "client_credentials" }));
  await issueMany(client, 20_005, 1);
  let [query, seen] = ["", 0];
  const pages: number[] = [];
  for (let page = 0; page < 5; page += 1) {
    const answer = await list(client, query);
    assert.deepEqual(sizeOf(answer), [3, null]);
    pages.push(countRows(answer));
    seen += countRows(answer);
    if (answer.json?.next_page_token === undefined) break;
    query = `?page_token=${answer.json.next_page_token}`;
  }
  assert.equal(seen, 3);
  assert.ok(pages.length >= 3, `${pages.length} pages`);
});
