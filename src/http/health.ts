import { partitionsHealthy } from "../database/partitions.ts";
import type { Deps } from "../deps.ts";
import type { MetricSnapshot } from "../platform/metrics.ts";
import { PROMETHEUS_TYPE, printMetrics } from "../platform/prometheus.ts";
import { jsonReply, type Route } from "./route.ts";

/** What readiness is judged by, besides the database itself. */
export interface Readiness {
  /** whether the database's clock was read lately (rule 14) */
  isClockFresh(): boolean;
  /** whether the node is being stopped: load balancers must look elsewhere before it ends */
  isDraining(): boolean;
  /** whether this process ends, though its node may go on: then every answer asks its connection to end */
  isLeaving(): boolean;
}

/** One thing that readiness is judged by. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
}

/** What the operators see, whose node may be several processes. */
export interface NodeView {
  readonly version: string;
  /** what only this node is judged by */
  checks(): readonly Check[];
  /** what each process of the node has counted */
  snapshots(): Promise<readonly (readonly MetricSnapshot[])[]>;
}

/** Liveness and a bare readiness, for load balancers, on the main listener (rule 27). */
export function healthRoutes(deps: Deps, readiness: Readiness): readonly Route[] {
  return [
    {
      name: "live",
      method: "GET",
      path: "/health/live",
      kind: "public",
      isVital: true,
      handle: async () => jsonReply(200, { status: "live" }),
    },
    {
      name: "ready",
      method: "GET",
      path: "/health/ready",
      kind: "public",
      isVital: true,
      handle: async () => {
        const checks = await checkReadiness(deps, readiness);
        return checks.every((check) => check.ok)
          ? jsonReply(200, { status: "ready" })
          : jsonReply(503, { status: "not ready" });
      },
    },
  ];
}

/** The details of readiness, the version and the metrics, for operators, on the operations listener (rule 27). */
export function operationsRoutes(deps: Deps, readiness: Readiness, view: NodeView): readonly Route[] {
  return [
    {
      name: "readyDetails",
      method: "GET",
      path: "/health/ready",
      kind: "operations",
      handle: async () => {
        const checks = [...(await checkReadiness(deps, readiness)), ...view.checks()];
        const isReady = checks.every((check) => check.ok);
        return jsonReply(isReady ? 200 : 503, { status: isReady ? "ready" : "not ready", checks });
      },
    },
    {
      name: "version",
      method: "GET",
      path: "/version",
      kind: "operations",
      handle: async () =>
        jsonReply(200, {
          name: "mayfly",
          version: view.version,
          node: process.version,
          database: deps.database.kind,
        }),
    },
    {
      name: "metrics",
      method: "GET",
      path: "/metrics",
      kind: "operations",
      handle: async () => ({
        status: 200,
        headers: { "content-type": PROMETHEUS_TYPE, "cache-control": "no-store" },
        body: await printMetrics(await view.snapshots()),
      }),
    },
  ];
}

async function checkReadiness(deps: Deps, readiness: Readiness): Promise<readonly Check[]> {
  const partitions = partitionsHealthy(deps.database, deps.clock.nowSeconds());
  const [database, ahead] = await Promise.all([
    partitions.then(
      () => true,
      () => false,
    ),
    partitions.catch(() => false),
  ]);
  return [
    { name: "database", ok: database },
    { name: "token partitions ahead", ok: ahead },
    { name: "clock", ok: readiness.isClockFresh() },
    { name: "not draining", ok: !readiness.isDraining() },
  ];
}
