import type { FastifyRequest, RouteShorthandOptions } from "fastify";
import type { Span, Tracing } from "../platform/tracing.ts";
import type { Route } from "./route.ts";

declare module "fastify" {
  interface FastifyRequest {
    span?: Span;
  }
}

type Hooks = Pick<RouteShorthandOptions, "onRequest" | "onResponse">;

/** Gives a route a span for each of its requests. Health and the operators' routes have none: their askers ask all the time. */
export function traceRequests(tracing: Tracing | undefined, route: Route): Hooks {
  if (tracing === undefined || route.kind === "public" || route.kind === "operations") return {};
  return {
    onRequest: (request, _reply, done) => {
      const { traceparent } = request.headers;
      request.span = tracing.startRequest({
        name: `${route.method} ${route.path}`,
        traceId: request.id,
        traceparent: typeof traceparent === "string" ? traceparent : undefined,
        attributes: {
          "http.request.method": request.method,
          "http.route": route.path,
          "mayfly.trace_id": request.id,
        },
      });
      done();
    },
    onResponse: (request, reply, done) => {
      const { statusCode, refusal } = reply;
      request.span?.set({
        "http.response.status_code": statusCode,
        ...(refusal === undefined ? {} : { "mayfly.error": refusal.code }),
      });
      request.span?.end(statusCode >= 500 ? String(statusCode) : undefined);
      done();
    },
  };
}

/** Runs what answers a request as a part of its span. */
export function withinSpan<T>(tracing: Tracing | undefined, { span }: FastifyRequest, work: () => T): T {
  return tracing === undefined || span === undefined ? work() : tracing.within([span], work);
}
