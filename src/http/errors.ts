import { DatabaseUnavailable, readQuotaReached } from "../database/database-error.ts";
import type { Log } from "../platform/log.ts";
import { OAuthError, publicDescription, statusOf } from "../protocol/oauth-error.ts";
import { ManagementError, type ManagementErrorCode, quotaReached, statusOfCode } from "./management-error.ts";
import { type HttpReply, jsonReply, type Refusal, type RouteKind } from "./route.ts";
import { scimErrorReply } from "./scim-reply.ts";

const RETRY_AFTER_SECONDS = 1;
/** Too many requests wanted the same thing at once. */
const CONTENTION = "contention";
/** More requests came than the server can answer (decision 0012). */
export const OVERLOAD = "overload";

/** More requests are under way than the server answers in time; nothing was done for this one. */
export class ServerBusy extends Error {
  constructor() {
    super("the server is busy");
    this.name = "ServerBusy";
  }
}

/** Where and when a failure happened, for its answer and its log line. */
export interface FailureContext {
  readonly kind: RouteKind;
  /** of the route's operation, where it has one of its own */
  readonly format?: "scim" | undefined;
  readonly traceId: string;
  readonly log: Log;
}

type RefusingReply = HttpReply & { readonly refusal: Refusal };

/**
 * The one place where errors become answers: an OAuth error on auth routes, a management error elsewhere. Anything unknown is a
 * bug: 500 without a word about it, and a log line.
 */
export function replyToError(error: unknown, context: FailureContext): RefusingReply {
  const reply =
    context.kind === "auth"
      ? oauthReply(asOAuthError(error, context), context.traceId)
      : managementReply(asManagementError(error, context), context);
  if (reply.status !== 503) return reply;
  return { ...reply, refusal: { ...reply.refusal, unavailable: reasonOf(error) } };
}

function reasonOf(error: unknown): string {
  if (error instanceof ServerBusy) return OVERLOAD;
  return error instanceof DatabaseUnavailable ? error.reason : CONTENTION;
}

function oauthReply(error: OAuthError, traceId: string): RefusingReply {
  const status = statusOf(error);
  const body = { error: error.code, error_description: publicDescription(error), trace_id: traceId };
  const headers = { pragma: "no-cache", ...challenge(error, status), ...retryAfter(error.retryAfterSeconds) };
  return { ...jsonReply(status, body, headers), refusal: { code: error.code } };
}

// Rule 38: every 401 names the scheme that was used, Basic if there was none; RFC 6750 §3 for bearer failures.
function challenge(error: OAuthError, status: number): Record<string, string> {
  if (error.code === "invalid_token" || error.code === "insufficient_scope") {
    const described = `error="${error.code}", error_description="${publicDescription(error)}"`;
    return { "www-authenticate": error.facts.noCredentials === true ? "Bearer" : `Bearer ${described}` };
  }
  if (status !== 401) return {};
  return {
    "www-authenticate": /^bearer$/i.test(String(error.facts.scheme))
      ? "Bearer"
      : 'Basic realm="mayfly", charset="UTF-8"',
  };
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { "retry-after": String(seconds) };
}

function managementReply(error: ManagementError, { format, traceId }: FailureContext): RefusingReply {
  if (format === "scim") return { ...scimErrorReply(error), refusal: { code: error.code } };
  const details = error.details.length === 0 ? {} : { details: error.details };
  const body = { code: error.code, message: error.message, ...details, trace_id: traceId };
  return { ...jsonReply(error.status, body, error.headers), refusal: { code: error.code } };
}

function asOAuthError(error: unknown, context: FailureContext): OAuthError {
  if (error instanceof OAuthError) return error;
  if (isUnavailable(error, context)) {
    return new OAuthError("temporarily_unavailable", "the server cannot answer now; try again", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  const edge = edgeFailure(error);
  if (edge !== undefined) return new OAuthError("invalid_request", edge.message, { status: statusOfCode(edge.code) });
  context.log.error({ trace_id: context.traceId, err: error }, "a bug");
  return new OAuthError("server_error", "the server failed; the trace id names this request in its log");
}

function asManagementError(error: unknown, context: FailureContext): ManagementError {
  if (error instanceof ManagementError) return error;
  const quota = readQuotaReached(error);
  if (quota !== undefined) return quotaReached(quota, error);
  if (isUnavailable(error, context)) {
    const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
    return new ManagementError("service_unavailable", "the server cannot answer now; try again", { headers });
  }
  const edge = edgeFailure(error);
  if (edge !== undefined) return new ManagementError(edge.code, edge.message);
  context.log.error({ trace_id: context.traceId, err: error }, "a bug");
  return new ManagementError("internal_server_error", "internal server error");
}

// An overload is told once a second, not once a request.
function isUnavailable(error: unknown, context: FailureContext): boolean {
  if (error instanceof ServerBusy) return true;
  if (!(error instanceof DatabaseUnavailable)) return false;
  context.log.warn({ trace_id: context.traceId, err: error }, "the database is unavailable");
  return true;
}

interface EdgeFailure {
  readonly code: ManagementErrorCode;
  readonly message: string;
}

const EDGE_FAILURES: Readonly<Record<number, EdgeFailure>> = {
  408: { code: "request_timeout", message: "the request took too long" },
  413: { code: "payload_too_large", message: "the body is too large" },
  415: { code: "unsupported_media_type", message: "the media type is not supported" },
  417: { code: "expectation_failed", message: "the expectation is not known" },
  431: { code: "request_header_fields_too_large", message: "the headers are too large" },
};
const MALFORMED: EdgeFailure = { code: "bad_request", message: "the request is malformed" };

// What the framework refuses before a handler runs: a body over its limit, a length that does not match, a broken URL.
function edgeFailure(error: unknown): EdgeFailure | undefined {
  if (!(error instanceof Error) || !("statusCode" in error) || typeof error.statusCode !== "number") return undefined;
  if (error.statusCode < 400 || error.statusCode > 499) return undefined;
  return EDGE_FAILURES[error.statusCode] ?? MALFORMED;
}
