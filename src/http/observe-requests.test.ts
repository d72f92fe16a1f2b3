import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../test/support/http.ts";
import { DatabaseUnavailable } from "../database/database-error.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRandom } from "../platform/random.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import type { Route } from "./route.ts";
import { createServer } from "./server.ts";

function failing(path: string, error: Error): Route {
  const kind = path.startsWith("/page") ? "public" : "auth";
  return { name: path.slice(1), method: "GET", path, kind, handle: () => Promise.reject(error) };
}

test("a 503 is counted by what could not be had, and every request leaves the count of those under way", async () => {
  const metrics = createMetrics(listMetrics());
  const routes = [
    failing("/lost", new DatabaseUnavailable("lost")),
    failing("/full", new DatabaseUnavailable("full", { reason: "queue_full" })),
    failing("/page-full", new DatabaseUnavailable("full", { reason: "queue_full" })),
    failing("/busy", new OAuthError("temporarily_unavailable", "too many at once")),
    failing("/wrong", new OAuthError("invalid_request", "wrong")),
  ];
  const server = createServer(routes, {
    clock: createClock(),
    random: createRandom(),
    log: createLog("silent"),
    metrics,
    tenantClassOf: () => "none",
    authenticate: () => Promise.reject(new Error("not here")),
    trustedProxies: [],
    isLeaving: () => false,
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const answers = await Promise.all(routes.map(({ path }) => call(`${url}${path}`)));
  await server.close();
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503, 503, 503, 400],
  );
  const snapshots = await metrics.snapshot();
  const valuesOf = (name: string) => snapshots.find((metric) => metric.name === name)?.values ?? [];
  const causes = valuesOf(METRICS.unavailable.name).map(({ labels, value }) => [labels.cause, value]);
  assert.deepEqual(Object.fromEntries(causes), { database: 1, queue_full: 2, contention: 1 });
  assert.deepEqual(
    valuesOf(METRICS.requestsInFlight.name).map(({ value }) => value),
    [0],
  );
});
