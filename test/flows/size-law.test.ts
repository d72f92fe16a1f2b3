import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenPartitionsJob } from "../../src/jobs/token-partitions.ts";
import { movableClock } from "../support/movable-clock.ts";
import { type TestClient, testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Settled 8: storage shrinks as lifetimes do. The partition job goes by real time only (rule 26), so the server's clock is moved.

const LIFETIME = 60;
const STEP = 10;
const PER_STEP = 4;
const MINUTES = 10;
const BUCKET_WIDTH = 300;
const PURGE_INTERVAL = tokenPartitionsJob.everySeconds;

async function countRows({ tenant }: TestClient): Promise<{ rows: number; live: number }> {
  const { database, clock } = tenant.server.deps;
  const [counted] = await database.maintain((session) =>
    session.query(
      "SELECT count(*) AS rows, count(*) FILTER (WHERE expires_at > $1) AS live FROM tokens WHERE tenant_id = $2",
      [clock.nowSeconds(), tenant.tenantId],
    ),
  );
  return { rows: Number(counted?.rows), live: Number(counted?.live) };
}

async function issue({ tenant, application }: TestClient): Promise<void> {
  const form = { grant_type: "client_credentials", expiration_time: String(LIFETIME) };
  const answers = await Promise.all(Array.from({ length: PER_STEP }, () => tenant.token(application, form)));
  for (const answer of answers) tokensOf(answer);
}

test("of 60-second tokens there are never more rows than live ones, one bucket width and one purge interval of issue", async () => {
  const clock = movableClock();
  const server = await testServer({ clock });
  try {
    const client = await testClient({ tenant: await testTenant({ server, kind: "production" }) });
    const perSecond = PER_STEP / STEP;
    const allowed = (BUCKET_WIDTH + PURGE_INTERVAL) * perSecond;
    let most = 0;
    for (let second = 0; second < MINUTES * 60; second += STEP) {
      if (second % PURGE_INTERVAL === 0) await tokenPartitionsJob.run(server.deps);
      await issue(client);
      const { rows, live } = await countRows(client);
      assert.ok(live >= Math.min(second + STEP, LIFETIME) * perSecond, `${live} live ones after ${second} s`);
      assert.ok(rows <= live + allowed, `${rows} rows for ${live} live ones after ${second} s`);
      most = Math.max(most, rows);
      clock.pass(STEP);
    }
    assert.ok(most > LIFETIME * perSecond && most < MINUTES * 60 * perSecond, `${most} rows at most`);
    clock.pass(BUCKET_WIDTH + LIFETIME);
    await tokenPartitionsJob.run(server.deps);
    assert.deepEqual(await countRows(client), { rows: 0, live: 0 });
  } finally {
    await server.stop();
  }
});
