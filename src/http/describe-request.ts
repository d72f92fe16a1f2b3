import type { FastifyReply, FastifyRequest } from "fastify";
import { HEX_ID, UUID } from "../protocol/id-grammar.ts";
import { isCorrelationId } from "./correlation.ts";
import type { TimedOutcome } from "./request-outcome.ts";

/** A request as its log line tells it. Ids are ours; of the rest only the path's pattern, and never a query. */
export interface RequestLine {
  readonly trace_id: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly bytes?: number;
  readonly error?: string;
  readonly tenant_id?: string;
  readonly realm_id?: string;
  readonly application_id?: string;
  readonly correlation_id?: string;
}

/** W3C Trace Context: the trace that the caller is in. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-/;

export function describeRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, refusal, ms }: TimedOutcome,
): RequestLine {
  return {
    trace_id: request.id,
    method: request.method,
    route: request.routeOptions.url ?? "unknown",
    status,
    ms: Math.round(ms * 10) / 10,
    ...bytesOf(reply),
    ...(refusal === undefined ? {} : { error: refusal.code }),
    ...idsOf(request.params),
    ...correlationOf(request),
  };
}

function bytesOf(reply: FastifyReply): Pick<RequestLine, "bytes"> {
  const length = reply.getHeader("content-length");
  return length === undefined ? {} : { bytes: Number(length) };
}

// What stands in a path may be anything, a token too; what has the form of an id may be shown.
function idsOf(params: unknown): Pick<RequestLine, "tenant_id" | "realm_id" | "application_id"> {
  if (typeof params !== "object" || params === null) return {};
  const { tenant, realm, application }: Record<string, unknown> = { ...params };
  return {
    ...(typeof tenant === "string" && HEX_ID.test(tenant) ? { tenant_id: tenant } : {}),
    ...(typeof realm === "string" && HEX_ID.test(realm) ? { realm_id: realm } : {}),
    ...(typeof application === "string" && UUID.test(application) ? { application_id: application } : {}),
  };
}

function correlationOf({ headers }: FastifyRequest): Pick<RequestLine, "correlation_id"> {
  const { traceparent } = headers;
  const own = headers["x-request-id"] ?? headers["x-correlation-id"] ?? headers["x-correlation_id"];
  const sent = own ?? (typeof traceparent === "string" ? TRACEPARENT.exec(traceparent)?.[1] : undefined);
  return isCorrelationId(sent) ? { correlation_id: sent } : {};
}
