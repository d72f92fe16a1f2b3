import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRateLimiter, type RateLimiter } from "../../src/http/rate-limit.ts";
import { listMetrics } from "../../src/platform/metric-table.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { takeAllowance } from "../../src/resources/request-allowance/queries.ts";
import { type Answer, call } from "../support/http.ts";
import { movableClock } from "../support/movable-clock.ts";
import { setQuotas } from "../support/operator-client.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TestTenant, testTenant } from "../support/test-tenant.ts";

const clock = movableClock();
const LIMIT = 40;

describe("requests to the management API are bounded by the minute", () => {
  let server: TestServer;

  before(async () => {
    server = await testServer({ clock });
  });
  after(() => server.stop());

  async function limited(limit = LIMIT): Promise<TestTenant> {
    const tenant = await testTenant({ server });
    await setQuotas(server, tenant.tenantId, { requests_per_minute: limit });
    return tenant;
  }
  async function get(tenant: TestTenant, path = "", token?: string): Promise<Answer> {
    const authorization = `Bearer ${token ?? (await tenant.managementToken())}`;
    return call(`${server.url}/v1/tenants/${tenant.tenantId}${path}`, { headers: { authorization } });
  }
  const numbers = ({ headers }: Answer) =>
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => Number(headers.get(name) ?? "NaN"));

  test("every answer tells the allowance, a refusal too", async () => {
    const tenant = await limited();
    const [limit, remaining, reset = 0] = numbers(await get(tenant));
    assert.deepEqual([limit, remaining], [LIMIT, LIMIT - 1]);
    assert.ok(reset >= 1 && reset <= 60, String(reset));
    const lacking = await get(tenant, "", await tenant.managementToken("realms:read"));
    assert.deepEqual([lacking.status, numbers(lacking)[1]], [403, LIMIT - 2]);
    const missing = await get(tenant, "/realms/0000000000000000");
    assert.deepEqual([missing.status, numbers(missing)[1]], [404, LIMIT - 3]);
  });

  test("at the limit the answer is 429 until the minute is over, for that tenant alone", async () => {
    const tenant = await limited();
    for (let n = 1; n <= LIMIT; n += 1) {
      const answer = await get(tenant);
      assert.deepEqual([answer.status, numbers(answer)[1]], [200, LIMIT - n], answer.text);
    }
    const refused = await get(tenant);
    assert.deepEqual([refused.status, refused.json?.code, numbers(refused)[1]], [429, "too_many_requests", 0]);
    assert.equal(Number(refused.headers.get("retry-after")), numbers(refused)[2]);
    assert.equal((await get(await limited())).status, 200);
    await server.deps.database.maintain((session) =>
      session.query("UPDATE tenants SET clock_offset_seconds = 3600 WHERE tenant_id = $1", [tenant.tenantId]),
    );
    assert.equal((await get(tenant)).status, 429, "a tenant's clock moves no rate limit (rule 26)");
    clock.pass(60);
    assert.equal((await get(tenant)).status, 200);
    const trace = String(refused.headers.get("x-trace-id"));
    const { json } = await get(tenant, `/realms/${tenant.adminRealm.realmId}/decisions/${trace}`);
    assert.match(JSON.stringify(json?.decisions), /"management","outcome":"too_many_requests"/);
  });

  test("nodes share one allowance exactly, and few statements are sent", async () => {
    const tenant = await limited(1_000);
    const caller = {
      ...{ ...tenant.management.key, identityId: undefined, subject: "", scopes: new Set<string>(), targetRealm: "*" },
    };
    let statements = 0;
    const node = (): RateLimiter =>
      createRateLimiter({
        clock,
        metrics: createMetrics(listMetrics()),
        lease: (_caller, part) => {
          statements += 1;
          return takeAllowance(server.deps.database.tenants([tenant.tenantId]), {
            caller: tenant.management.key,
            ...part,
          });
        },
      });
    const nodes = [node(), node(), node()];
    const results = await Promise.allSettled(
      // So many that each node alone could use up all: none is left with a part that nobody wants.
      Array.from({ length: 3_000 }, (_, n) => nodes[n % 3]?.admit(caller) ?? Promise.reject(new Error("no node"))),
    );
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1_000);
    assert.ok(statements < 120, String(statements));
    const isRefused = (node: RateLimiter): Promise<void> =>
      assert.rejects(Promise.resolve(node.admit(caller)), /1000 requests a minute/);
    for (const one of nodes) await isRefused(one); // each has heard by now that nothing is left
    const asked = statements;
    for (const one of nodes) await isRefused(one);
    assert.equal(statements, asked, "who is refused costs no statement");
  });

  test("many nodes that are asked little do not use up the allowance", async () => {
    const tenant = await limited(100);
    const db = server.deps.database.tenants([tenant.tenantId]);
    const part = { caller: tenant.management.key, minute: 1, wanted: undefined };
    for (let node = 0; node < 30; node += 1) assert.equal((await takeAllowance(db, part))?.granted, 1);
    assert.deepEqual(await takeAllowance(db, { ...part, wanted: 500 }), { allowed: 100, taken: 37, granted: 7 });
  });
});
