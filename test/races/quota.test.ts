import assert from "node:assert/strict";
import { test } from "node:test";
import { recountJob } from "../../src/jobs/live-counts.ts";
import { basic, postForm } from "../support/http.ts";
import { keepJob } from "../support/leased-job.ts";
import { testClient } from "../support/test-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Settled 13: a quota is judged by a count that nodes exchange within a second. So long two of them may issue past it, and no longer.

const QUOTA = 800;
const WORKERS = 1;
const REQUESTS_MAX = 5_000;

/** The most of these instants, in milliseconds, that lie within one second. */
function countWithinSecond(instants: readonly number[]): number {
  let [from, most] = [0, 0];
  for (const [to, instant] of instants.entries()) {
    while (instant - (instants[from] ?? 0) > 1_000) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

test("two nodes that fill one quota at once pass it by one second of issue at most, and both stop", async () => {
  if (databaseSide() === "embedded") return; // it belongs to one node
  const one = await testServer();
  await keepJob(one, recountJob); // an exact count may count twice what a node has not written yet
  const databaseUrl = one.deps.config.databaseUrl;
  assert.ok(databaseUrl);
  const other = await testServer({ environment: { MAYFLY_DATABASE_URL: databaseUrl } });
  try {
    const tenant = await testTenant({ server: one, kind: "production" });
    const { application } = await testClient({ tenant, tokens: { max_live_tokens: QUOTA } });
    const authorization = basic(application.clientId, application.clientSecret);
    const grantedAt: number[] = [];
    const fill = async (origin: string): Promise<void> => {
      const url = application.issuer.replace(one.url, origin);
      for (let sent = 0; sent < REQUESTS_MAX; sent += 1) {
        const answer = await postForm(`${url}/token`, { grant_type: "client_credentials" }, { authorization });
        if (answer.status === 429) return;
        assert.equal(answer.status, 200, answer.text);
        grantedAt.push(performance.now());
      }
      assert.fail("a node never stopped");
    };
    const nodes = Array.from({ length: WORKERS }, () => [one.url, other.url]).flat();
    await Promise.all(nodes.map(fill));
    assert.ok(grantedAt.length >= QUOTA, `${grantedAt.length} tokens`);
    const allowed = QUOTA + countWithinSecond(grantedAt);
    assert.ok(grantedAt.length <= allowed, `${grantedAt.length} tokens, where ${allowed} are allowed`);
  } finally {
    await other.stop();
    await one.stop();
  }
});
