import type { FastifyRequest, onRequestHookHandler } from "fastify";
import type { Span, Tracing } from "../platform/tracing.ts";
import { type RequestOutcome, whenOver } from "./request-outcome.ts";
import type { Route } from "./route.ts";

declare module "fastify" {
  interface FastifyRequest {
    span?: Span;
  }
}

/** Gives a route a span for each of its requests. Health and the operators' routes have none: their askers ask all the time. */
export function traceRequests(tracing: Tracing | undefined, route: Route): readonly onRequestHookHandler[] {
  if (tracing === undefined || route.kind === "public" || route.kind === "operations") return [];
  return [
    (request, reply, done) => {
      const { traceparent } = request.headers;
      const span = tracing.startRequest({
        name: `${route.method} ${route.path}`,
        traceId: request.id,
        traceparent: typeof traceparent === "string" ? traceparent : undefined,
        attributes: {
          "http.request.method": request.method,
          "http.route": route.path,
          "mayfly.trace_id": request.id,
        },
      });
      request.span = span;
      whenOver(reply, (outcome) => endSpan(span, outcome));
      done();
    },
  ];
}

function endSpan(span: Span, { status, refusal }: RequestOutcome): void {
  const error = refusal === undefined ? {} : { "mayfly.error": refusal.code };
  span.set({ "http.response.status_code": status, ...error });
  span.end(status >= 500 ? String(status) : undefined);
}

/** Runs what answers a request as a part of its span. */
export function withinSpan<T>(tracing: Tracing | undefined, { span }: FastifyRequest, work: () => T): T {
  return tracing === undefined || span === undefined ? work() : tracing.within([span], work);
}
