import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import { type HttpReply, methodsOf, type Route } from "./route.ts";

/** Whether pages of an origin may call a route at this path. */
export type OriginTrust = (
  route: Pick<Route, "kind">,
  parameters: Readonly<Record<string, string>>,
  origin: string,
) => Promise<boolean>;

/** Where no pages of others are expected. */
export const trustNoOrigin: OriginTrust = () => Promise.resolve(false);

/** What scripts may read of an answer besides its body (Fetch §3.2.4). */
const EXPOSED = [
  "etag",
  "location",
  "ratelimit-limit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "www-authenticate",
  "x-correlation-id",
  "x-next-page-token",
  "x-total-size",
  "x-trace-id",
].join(", ");
/** What scripts may send. */
const SENT = [
  "accept",
  "authorization",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "traceparent",
  "x-correlation-id",
  "x-correlation_id",
].join(", ");
const PREFLIGHT_SECONDS = 600;

/** Whether scripts of pages call a route at all: pages of ours are opened, not called, and operators have no browser. */
function isCalled(route: Route): boolean {
  return (route.kind === "auth" && route.isShown !== true) || route.kind === "management";
}

/**
 * Lets pages of trusted origins read what a route answers (reference 2.1). Never with cookies: nothing here reads one but pages of ours.
 * Public documents may be read by everybody.
 */
export function shareAcrossOrigins(route: Route, isTrusted: OriginTrust): readonly onRequestHookHandler[] {
  if (!isCalled(route)) return [];
  if (route.isOpen === true) {
    return [
      (_request, reply, done) => {
        void reply.headers({ "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED });
        done();
      },
    ];
  }
  return [
    (request, reply, done) => {
      void reply.header("vary", "origin");
      const { origin } = request.headers;
      if (origin === undefined) return done();
      isTrusted(route, parametersOf(request), origin).then(
        (trusted) => {
          if (trusted) allow(reply, origin);
          done();
        },
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
  ];
}

function allow(reply: FastifyReply, origin: string): void {
  void reply.headers({ "access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED });
}

/**
 * The answer to a preflight (Fetch §3.2.2) that asks whether a page may call one of these routes, which share a path.
 *
 * @returns undefined for what is no preflight, or of a page that may not: OPTIONS is then a method like others
 */
export async function answerPreflight(
  request: FastifyRequest,
  routes: readonly Route[],
  isTrusted: OriginTrust,
): Promise<HttpReply | undefined> {
  const { origin, "access-control-request-method": method } = request.headers;
  if (request.method !== "OPTIONS" || origin === undefined || method === undefined) return undefined;
  const called = routes.filter(isCalled);
  const [first] = called;
  if (first === undefined) return undefined;
  const isOpen = called.every((route) => route.isOpen === true);
  if (!isOpen && !(await isTrusted(first, parametersOf(request), origin))) return undefined;
  return {
    status: 204,
    headers: {
      "access-control-allow-origin": isOpen ? "*" : origin,
      "access-control-allow-methods": [...methodsOf(called)].join(", "),
      "access-control-allow-headers": SENT,
      "access-control-max-age": String(PREFLIGHT_SECONDS),
      vary: "origin, access-control-request-method, access-control-request-headers",
    },
  };
}

function parametersOf({ params }: FastifyRequest): Readonly<Record<string, string>> {
  const entries = typeof params === "object" && params !== null ? Object.entries(params) : [];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
