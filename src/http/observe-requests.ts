import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { METRICS } from "../platform/metric-table.ts";
import type { HistogramCell, Metrics } from "../platform/metrics.ts";
import { describeRequest } from "./describe-request.ts";
import { type TimedOutcome, whenOver } from "./request-outcome.ts";
import type { Refusal } from "./route.ts";

/** What kind of tenant a request was about; `none` where it named none of ours. */
export type TenantClass = "production" | "test" | "none";

declare module "fastify" {
  interface FastifyContextConfig {
    /** the name under which the route's requests are counted */
    routeName?: string;
  }
  interface FastifyReply {
    refusal: Refusal | undefined;
    /** whether its answer lasts as long as its client stays */
    lasts: boolean;
  }
}

/** Names for what no route took. */
const NO_ROUTE = "none";
const MALFORMED = "malformed";

export interface Observation {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tenantClassOf: (tenantId: string) => TenantClass;
}

/** Counts what never becomes a request. */
export interface RequestObserver {
  /** Something that the HTTP parser refused. */
  malformed(): void;
}

/** Counts every request and its time, and writes a log line about it. */
export function observeRequests(server: FastifyInstance, observation: Observation): RequestObserver {
  const { log, metrics, tenantClassOf } = observation;
  const { monotonicMs } = observation.clock;
  // Asked once: the line is not even made where nobody reads it.
  const isLogged = log.isLevelEnabled("info");
  const refusals = metrics.counter(METRICS.refusals);
  const unavailable = metrics.counter(METRICS.unavailable);
  const observeSeconds = createRequestCells(metrics);
  const inFlight = metrics.gauge(METRICS.requestsInFlight).cell();
  server.decorateReply("refusal", undefined);
  server.decorateReply("lasts", false);
  const end = (request: FastifyRequest, reply: FastifyReply, outcome: TimedOutcome): void => {
    inFlight.add(-1);
    const { status, refusal, ms } = outcome;
    const route = request.routeOptions.config.routeName ?? NO_ROUTE;
    // How long a client stays connected says nothing of how fast it was answered.
    if (!reply.lasts) observeSeconds({ route, status, tenant: tenantClassOf(tenantOf(request)) }, ms / 1_000);
    if (refusal !== undefined) refusals.cell(route, refusal.code).add();
    if (refusal?.unavailable !== undefined) unavailable.cell(refusal.unavailable).add();
    if (isLogged) log.info(describeRequest(request, reply, outcome), "request");
  };
  server.addHook("onRequest", (request, reply, done) => {
    inFlight.add(1);
    const sinceMs = monotonicMs();
    whenOver(reply, (outcome) => end(request, reply, { ...outcome, ms: monotonicMs() - sinceMs }));
    done();
  });
  return { malformed: () => refusals.cell(MALFORMED, "bad_request").add() };
}

interface RequestLabels {
  readonly route: string;
  readonly status: number;
  readonly tenant: TenantClass;
}

// Two look-ups by strings that exist already: building a key for each request would cost more than counting it.
function createRequestCells(metrics: Metrics): (labels: RequestLabels, seconds: number) => void {
  const seconds = metrics.histogram(METRICS.requestSeconds);
  const routes = new Map<string, Map<number, HistogramCell>>();
  return (labels, value) => {
    const cells = routes.get(labels.route) ?? new Map<number, HistogramCell>();
    if (cells.size === 0) routes.set(labels.route, cells);
    const statusClass = Math.trunc(labels.status / 100);
    const key = statusClass * TENANT_CLASSES.length + TENANT_CLASSES.indexOf(labels.tenant);
    let cell = cells.get(key);
    if (cell === undefined) {
      cell = seconds.cell(labels.route, `${statusClass}xx`, labels.tenant);
      cells.set(key, cell);
    }
    cell.observe(value);
  };
}

const TENANT_CLASSES: readonly TenantClass[] = ["production", "test", "none"];

function tenantOf({ params }: FastifyRequest): string {
  return typeof params === "object" && params !== null && "tenant" in params ? String(params.tenant) : "";
}
