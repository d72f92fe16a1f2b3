import type { CounterDeclaration, Declaration, GaugeDeclaration, HistogramDeclaration } from "./metrics.ts";

// Every metric of the server, once: the code takes its cells from here, the scrape, the dashboard's test and the guide read it.
// Labels have few values: routes, statements, jobs, codes of errors, classes. Never a tenant, a client, a token or what was sent.

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function counter<const Labels extends readonly string[]>(
  name: string,
  labels: Labels,
  help: string,
): CounterDeclaration<Labels> {
  return { type: "counter", name, labels, help };
}

function gauge<const Labels extends readonly string[]>(
  name: string,
  labels: Labels,
  aggregator: GaugeDeclaration<Labels>["aggregator"],
  help: string,
): GaugeDeclaration<Labels> {
  return { type: "gauge", name, labels, aggregator, help };
}

function histogram<const Labels extends readonly string[]>(
  name: string,
  labels: Labels,
  buckets: readonly number[],
  help: string,
): HistogramDeclaration<Labels> {
  return { type: "histogram", name, labels, buckets, help };
}

/** The registry of metrics. */
export const METRICS = {
  requestSeconds: histogram(
    "mayfly_http_request_duration_seconds",
    ["route", "status", "tenant"],
    REQUEST_SECONDS,
    "Requests: from their headers to the last byte of their answer, by route, class of status and kind of tenant.",
  ),
  requestsInFlight: gauge("mayfly_http_requests_in_flight", [], "sum", "Requests that are being answered."),
  refusals: counter(
    "mayfly_refusals_total",
    ["route", "error"],
    "Requests that were refused, by route and error code.",
  ),
  buildInfo: gauge("mayfly_build_info", ["version", "node", "database"], "max", "1, of the version that runs."),
} as const;

/** Every declared metric. */
export function listMetrics(): readonly Declaration[] {
  return Object.values(METRICS);
}
