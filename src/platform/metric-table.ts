import type { CounterDeclaration, Declaration, GaugeDeclaration, HistogramDeclaration } from "./metrics.ts";

// Every metric of the server, once: the code takes its cells from here, the scrape, the dashboard's test and the guide read it.
// Labels have few values: routes, statements, jobs, codes of errors, classes. Never a tenant, a client, a token or what was sent.

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STATEMENT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const JOB_SECONDS = [0.01, 0.1, 1, 10, 60, 600];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64];
const HOUR = 3_600;
const DAY = 86_400;
const LIFETIME_SECONDS = [
  ...[60, 300, 900, HOUR, 4 * HOUR, 12 * HOUR, DAY, 7 * DAY],
  ...[14 * DAY, 30 * DAY, 90 * DAY, 140 * DAY, 365 * DAY, 3_650 * DAY],
];

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
  unavailable: counter("mayfly_unavailable_total", ["cause"], "Answers 503, by what could not be had."),
  allowanceLeases: counter(
    "mayfly_request_allowance_leases_total",
    ["result"],
    "Parts of callers' allowances that this node asked for: granted, or spent because nothing of the minute was left.",
  ),
  admissionLimit: gauge(
    "mayfly_admission_limit",
    [],
    "sum",
    "Requests that may be under way at once; learned while more come than are answered.",
  ),
  admissionUnderWay: gauge("mayfly_admission_under_way", [], "sum", "Requests that are worked on."),
  admissionWaiting: gauge("mayfly_admission_waiting", [], "sum", "Requests that wait to be begun."),
  tokensIssued: counter("mayfly_tokens_issued_total", ["grant", "format"], "Access tokens that became durable."),
  requestedLifetime: histogram(
    "mayfly_token_requested_lifetime_seconds",
    [],
    LIFETIME_SECONDS,
    "Lifetimes that callers asked for by expiration_time, refused ones too.",
  ),
  grantedLifetime: histogram(
    "mayfly_token_granted_lifetime_seconds",
    ["basis"],
    LIFETIME_SECONDS,
    "Lifetimes of the access tokens issued; the basis says whether the caller named it or the default did.",
  ),
  revocationDelay: histogram(
    "mayfly_revocation_delay_seconds",
    [],
    REQUEST_SECONDS,
    "From the receipt of a request that revokes to the moment at which no node answers active any more.",
  ),
  decisions: counter(
    "mayfly_decisions_total",
    ["result"],
    "Decisions about refusals and logins: recorded, dropped because too many came, or lost because the database failed.",
  ),
  batchSize: histogram("mayfly_batch_size", ["batch"], BATCH_SIZES, "Requests that shared a statement."),
  batchWait: histogram(
    "mayfly_batch_wait_seconds",
    ["batch"],
    STATEMENT_SECONDS,
    "How long a request waited until its batch was sent.",
  ),
  batchQueue: gauge("mayfly_batch_queue_length", ["batch"], "sum", "Requests that wait for their batch."),
  batchesInFlight: gauge("mayfly_batches_in_flight", ["batch"], "sum", "Batches that are with the database."),
  cacheLookups: counter(
    "mayfly_cache_lookups_total",
    ["cache", "result"],
    "Look-ups in a cache of this node: hit or miss.",
  ),
  connections: gauge(
    "mayfly_database_connections",
    ["state"],
    "sum",
    "Open connections to the database: in use or idle.",
  ),
  connectionsMax: gauge("mayfly_database_connections_max", [], "sum", "Connections that may be open at once."),
  connectionsWaiting: gauge("mayfly_database_connections_waiting", [], "sum", "Work that waits for a connection."),
  connectionWait: histogram(
    "mayfly_database_connection_wait_seconds",
    [],
    STATEMENT_SECONDS,
    "How long work waited for a connection.",
  ),
  statementSeconds: histogram(
    "mayfly_database_statement_duration_seconds",
    ["statement"],
    STATEMENT_SECONDS,
    "Statements, each with its transaction where it has one of its own.",
  ),
  partitionsAhead: gauge(
    "mayfly_partitions_ahead",
    ["table"],
    "min",
    "Partitions beyond those that can take rows now, of the class of lifetimes that has the fewest.",
  ),
  partitionsSecondsLeft: gauge(
    "mayfly_partitions_seconds_left",
    ["table"],
    "min",
    "Seconds until a row finds no partition made ahead for it.",
  ),
  purgeLag: gauge(
    "mayfly_purge_lag_seconds",
    [],
    "max",
    "Seconds since the oldest partition that is still there could have been dropped.",
  ),
  storageSeenAge: gauge(
    "mayfly_storage_seen_age_seconds",
    [],
    "max",
    "Seconds since this node last saw what it says of partitions.",
  ),
  oldestSigningKey: gauge(
    "mayfly_signing_key_oldest_age_seconds",
    [],
    "max",
    "For how long the oldest key that still signs for a production tenant has signed.",
  ),
  signingKeysMade: counter(
    "mayfly_signing_keys_made_total",
    ["algorithm"],
    "Signing keys made, first ones and next ones.",
  ),
  signingKeysRetired: counter("mayfly_signing_keys_retired_total", [], "Signing keys deleted after their last token."),
  mails: counter(
    "mayfly_mails_total",
    ["kind", "result"],
    "Attempts to send mails: sent, postponed, failed because the mail server will never take it, or given up.",
  ),
  feedSubscribers: gauge(
    "mayfly_revocation_feed_subscribers",
    [],
    "sum",
    "Validators that are connected to a revocation feed.",
  ),
  feedSilence: gauge(
    "mayfly_revocation_feed_silence_seconds",
    [],
    "max",
    "For how long the validators of the realm that waits longest have not been told that they know every revocation.",
  ),
  mailsWaiting: gauge("mayfly_mails_waiting", [], "max", "Mails of all tenants that wait to be sent."),
  oldestMail: gauge("mayfly_mail_oldest_age_seconds", [], "max", "For how long the oldest mail that waits has waited."),
  jobRuns: counter("mayfly_job_runs_total", ["job", "result"], "Runs of jobs on this node: done or failed."),
  jobSeconds: histogram("mayfly_job_duration_seconds", ["job"], JOB_SECONDS, "How long the runs of jobs took."),
  clockAge: gauge("mayfly_clock_age_seconds", [], "max", "Seconds since the database last told this node the time."),
  eventLoopDelay: gauge(
    "mayfly_event_loop_delay_seconds",
    ["statistic"],
    "max",
    "How much later than due the event loop turned, since the last scrape.",
  ),
  eventLoopActive: counter("mayfly_event_loop_active_seconds_total", [], "Time in which the event loop was at work."),
  cpuSeconds: counter("process_cpu_seconds_total", [], "Processor time of the process, its threads included."),
  residentBytes: gauge("process_resident_memory_bytes", [], "sum", "Resident memory."),
  startTime: gauge("process_start_time_seconds", [], "min", "When the process started, in epoch seconds."),
  heapUsed: gauge("nodejs_heap_size_used_bytes", [], "sum", "JavaScript heap in use."),
  heapTotal: gauge("nodejs_heap_size_total_bytes", [], "sum", "JavaScript heap reserved."),
  externalBytes: gauge(
    "nodejs_external_memory_bytes",
    [],
    "sum",
    "Memory of buffers and other objects beside the heap.",
  ),
  spansExported: counter("mayfly_spans_exported_total", ["result"], "Spans of traces handed to the collector, or not."),
  buildInfo: gauge("mayfly_build_info", ["version", "node", "database"], "max", "1, of the version that runs."),
} as const;

/** Every declared metric. */
export function listMetrics(): readonly Declaration[] {
  return Object.values(METRICS);
}
