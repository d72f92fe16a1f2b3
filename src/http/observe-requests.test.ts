import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { call } from "../../test/support/http.ts";
import { eventually } from "../../test/support/login-flow.ts";
import { DatabaseUnavailable } from "../database/database-error.ts";
import { createClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import { listMetrics, METRICS } from "../platform/metric-table.ts";
import { createMetrics, type Metrics, type SnapshotValue } from "../platform/metrics.ts";
import { createRandom } from "../platform/random.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { NO_CALLERS } from "./admit-caller.ts";
import { trustNoOrigin } from "./cross-origin.ts";
import type { HttpReply, Route } from "./route.ts";
import { createServer } from "./server.ts";

function failing(path: string, error: Error): Route {
  const kind = path.startsWith("/page") ? "public" : "auth";
  return { name: path.slice(1), method: "GET", path, kind, handle: () => Promise.reject(error) };
}

function serve(routes: readonly Route[], metrics: Metrics, lines: string[] = []) {
  return createServer(routes, {
    clock: createClock(),
    random: createRandom(),
    log: createLog("info", { write: (line) => lines.push(line) }),
    metrics,
    tenantClassOf: () => "none",
    gate: NO_CALLERS,
    isTrustedOrigin: trustNoOrigin,
    trustedProxies: [],
    isLeaving: () => false,
  });
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
  const server = serve(routes, metrics);
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const answers = await Promise.all(routes.map(({ path }) => call(`${url}${path}`)));
  await server.close();
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503, 503, 503, 400],
  );
  const causes = (await valuesOf(metrics, METRICS.unavailable.name)).map(({ labels, value }) => [labels.cause, value]);
  assert.deepEqual(Object.fromEntries(causes), { database: 1, queue_full: 2, contention: 1 });
  assert.deepEqual(
    (await valuesOf(metrics, METRICS.requestsInFlight.name)).map(({ value }) => value),
    [0],
  );
});

test("a client that goes away before its answer is counted, logged and no longer under way", async () => {
  const metrics = createMetrics(listMetrics());
  const lines: string[] = [];
  const answered = Promise.withResolvers<HttpReply>();
  const begun = Promise.withResolvers<void>();
  const slow: Route = {
    name: "slow",
    method: "POST",
    path: "/slow",
    kind: "auth",
    handle: () => {
      begun.resolve();
      return answered.promise;
    },
  };
  const server = serve([slow], metrics, lines);
  const { port } = new URL(await server.listen({ host: "127.0.0.1", port: 0 }));
  const request = (length: number) => `POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;
  const [waiting, sending] = [0, 9].map((length) => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(request(length));
    return socket;
  });
  await begun.promise;
  const inFlight = async () => (await valuesOf(metrics, METRICS.requestsInFlight.name))[0]?.value;
  await eventually(async () => ((await inFlight()) === 2 ? true : undefined));
  waiting?.destroy();
  sending?.destroy();
  await eventually(async () => ((await inFlight()) === 0 ? true : undefined));
  answered.resolve({ status: 200 });
  await server.close();
  const seen = lines.map((line) => JSON.parse(line)).map(({ route, status, error }) => [route, status, error]);
  assert.deepEqual(seen, [
    ["/slow", 499, "aborted"],
    ["/slow", 499, "aborted"],
  ]);
  const [counted] = (await valuesOf(metrics, METRICS.requestSeconds.name)).filter(({ metricName }) =>
    metricName?.endsWith("_count"),
  );
  assert.deepEqual([counted?.labels.status, counted?.value], ["4xx", 2]);
});

async function valuesOf(metrics: Metrics, wanted: string): Promise<readonly SnapshotValue[]> {
  return (await metrics.snapshot()).find(({ name }) => name === wanted)?.values ?? [];
}
