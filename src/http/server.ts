import { METHODS as NODE_METHODS } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import type { Timers } from "../platform/timers.ts";
import type { Tracing } from "../platform/tracing.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { admitCallers, type Gate } from "./admit-caller.ts";
import { admitRequests } from "./admit-requests.ts";
import { sentCorrelationId } from "./correlation.ts";
import { answerPreflight, type OriginTrust, shareAcrossOrigins } from "./cross-origin.ts";
import { type FailureContext, replyToError } from "./errors.ts";
import { ManagementError } from "./management-error.ts";
import { observeRequests, type TenantClass } from "./observe-requests.ts";
import { refuseAtEdge } from "./refuse-at-edge.ts";
import { type HttpReply, type HttpRequest, methodsOf, type Route, type RouteKind } from "./route.ts";
import { newTraceId } from "./trace-id.ts";
import { traceRequests, withinSpan } from "./trace-requests.ts";

/** Largest bodies, settled 16: auth routes and pages, management routes. */
const AUTH_BODY_BYTES_MAX = 65_536;
const MANAGEMENT_BODY_BYTES_MAX = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
/** So long after its time a request may still be sent. Node looks every 30 seconds by itself. */
const CONNECTIONS_CHECKED_EVERY_MS = 2_000;
/** How long a connection may idle between two requests, in milliseconds: longer than load balancers keep one. */
export const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** As long as Node lets a URL be: an id that is too long names nothing, and the route says so as of any other. */
const PARAMETER_LENGTH_MAX = 16_384;
const AUTHORIZATION = "authorization";
/** Each costs 20 kB once it was used, and a small body: 250 MB at most, all together. */
const CONNECTIONS_MAX = 8_192;

// Every method that the parser knows: each that a path has no route for is answered 405 (specification section 1).
const METHODS = NODE_METHODS.filter((method) => method !== "CONNECT");

export interface ServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing?: Tracing | undefined;
  /** What kind of tenant an id names, as far as this node knows. */
  readonly tenantClassOf: (tenantId: string) => TenantClass;
  readonly gate: Gate;
  /** Which origins' pages may call. */
  readonly isTrustedOrigin: OriginTrust;
  /** Told of each answer of a route, before it is sent; for tests, which check it. What it throws is a bug. */
  readonly onAnswer?: ((route: Route, answer: HttpReply) => void) | undefined;
  readonly trustedProxies: readonly string[];
  /** whether the process is being stopped: then every answer asks its connection to end */
  readonly isLeaving: () => boolean;
  /** where requests are refused that cannot be answered in time; not where operators look for the reason */
  readonly admission?: { readonly timers: Timers };
}

/**
 * An HTTP server over a registry of routes. Everything no single route should have to think of is here: trace ids, limits, one
 * shape of errors, 405 with `Allow`, `%3A` in paths, and a log line a request without secrets.
 */
export function createServer(routes: readonly Route[], options: ServerOptions): FastifyInstance {
  const newId = () => newTraceId(options.clock, options.random).toString("hex");
  const server = fastify({
    logger: false,
    bodyLimit: MANAGEMENT_BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // A request without a host is refused by a hook of ours: Node would answer it without a word.
    http: { connectionsCheckingInterval: CONNECTIONS_CHECKED_EVERY_MS, requireHostHeader: false },
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX, ignoreTrailingSlash: false },
    genReqId: newId,
    requestIdHeader: false,
    exposeHeadRoutes: true,
    return503OnClosing: false,
    rewriteUrl: (request) => decodeColons(request.url ?? "/"),
    clientErrorHandler: (error, socket) => {
      observed.malformed();
      refuseUnparsed(error, socket);
    },
    frameworkErrors: (error, request, reply) => {
      void reply.header("x-trace-id", request.id);
      void send(reply, replyToError(error, failureOf(request, NO_ROUTE, options.log)));
    },
  });
  for (const method of METHODS)
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  // Every body arrives as bytes: auth routes read forms strictly, management routes read JSON (reference 2.1).
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  server.addHook("onRequest", (request, reply, done) => {
    void reply.header("x-trace-id", request.id);
    if (options.isLeaving()) void reply.header("connection", "close");
    done();
  });
  const observed = observeRequests(server, options);
  if (options.admission !== undefined) bound(server, routes, { ...options, ...options.admission, newTraceId: newId });
  const refuseUnparsed = refuseAtEdge(server, { routes, log: options.log, newTraceId: newId });
  server.setNotFoundHandler((request, reply) => {
    const error = new ManagementError("not_found", "no such path");
    return send(reply, replyToError(error, failureOf(request, NO_ROUTE, options.log)));
  });
  // What fails outside of every route, as a QUERY without a media type does, has the same shape.
  server.setErrorHandler((error, request, reply) =>
    send(reply, replyToError(error, failureOf(request, NO_ROUTE, options.log))),
  );
  for (const route of routes) register(server, route, options);
  refuseOtherMethods(server, routes, options);
  return server;
}

function bound(
  server: FastifyInstance,
  routes: readonly Route[],
  options: ServerOptions & { readonly timers: Timers; readonly newTraceId: () => string },
): void {
  server.server.maxConnections = CONNECTIONS_MAX;
  admitRequests(server, {
    ...options,
    routes,
    bodyBytesMax: MANAGEMENT_BODY_BYTES_MAX,
  });
}

// In the path only: a colon in a query means what its sender says it means.
function decodeColons(url: string): string {
  const end = url.indexOf("?");
  const path = end === -1 ? url : url.slice(0, end);
  if (!path.includes("%3")) return url;
  return path.replace(/%3a/gi, ":") + (end === -1 ? "" : url.slice(end));
}

function register(server: FastifyInstance, route: Route, options: ServerOptions): void {
  const isManagement = route.kind === "management" || route.kind === "operator";
  const answer = admitCallers(options.gate, route);
  const hooks = [
    ...traceRequests(options.tracing, route),
    ...(isManagement ? [showCorrelation] : []),
    ...shareAcrossOrigins(route, options.isTrustedOrigin),
  ];
  server.route<RouteParameters>({
    method: route.method,
    url: route.path,
    config: { routeName: route.name },
    bodyLimit: isManagement ? MANAGEMENT_BODY_BYTES_MAX : AUTH_BODY_BYTES_MAX,
    errorHandler: (error, request, reply) => {
      const refused = replyToError(error, failureOf(request, route, options.log));
      options.onAnswer?.(route, refused);
      return send(reply, refused);
    },
    ...(hooks.length === 0 ? {} : { onRequest: hooks }),
    handler: async (request, reply) => {
      const answered = await withinSpan(options.tracing, request, () => answer(readRequest(request), reply));
      options.onAnswer?.(route, answered);
      return send(reply, answered);
    },
  });
}

/** What the router found in the path is text, always. */
type RouteParameters = { Params: Readonly<Record<string, string>> };
type RouteRequest = FastifyRequest<RouteParameters>;

// Before anything may fail: whoever reports a refusal can name it.
function showCorrelation(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  void reply.header("x-correlation-id", sentCorrelationId(request.headers) ?? request.id);
  done();
}

function readRequest(request: RouteRequest): HttpRequest {
  // Node keeps the first of several, so that a second credential would be ignored silently (rule 15).
  if (countAuthorizations(request.raw.rawHeaders) > 1) {
    throw Object.assign(new Error("several Authorization headers"), { statusCode: 400 });
  }
  const url = request.raw.url ?? "/";
  const question = url.indexOf("?");
  return {
    method: request.method,
    traceId: Buffer.from(request.id, "hex"),
    correlationId: sentCorrelationId(request.headers) ?? request.id,
    parameters: request.params,
    queryString: question === -1 ? "" : url.slice(question + 1),
    query: request.query,
    headers: request.headers,
    bytes: request.body instanceof Uint8Array ? request.body : new Uint8Array(),
    remoteAddress: request.ip,
    caller: undefined,
  };
}

// Names and values in turn, as they were sent.
function countAuthorizations(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) count += 1;
  }
  return count;
}

function send(reply: FastifyReply, answer: HttpReply): FastifyReply {
  reply.refusal = answer.refusal;
  reply.lasts = answer.stream !== undefined;
  return reply
    .code(answer.status)
    .headers({ "x-content-type-options": "nosniff", ...answer.headers })
    .send(answer.stream ?? answer.body ?? "");
}

/** How the failures of a route look. */
type FailingRoute = Pick<Route, "kind" | "operation">;
const NO_ROUTE: FailingRoute = { kind: "public" };

function failureOf(request: FastifyRequest, { kind, operation }: FailingRoute, log: Log): FailureContext {
  return { kind, format: operation?.format, traceId: request.id, log };
}

function refuseOtherMethods(
  server: FastifyInstance,
  routes: readonly Route[],
  { log, isTrustedOrigin }: ServerOptions,
): void {
  const byPath = new Map<string, Route[]>();
  for (const route of routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  for (const [path, siblings] of byPath) {
    const allowed = methodsOf(siblings);
    const allow = [...allowed].join(", ");
    const [route = NO_ROUTE] = siblings;
    server.route({
      method: METHODS.filter((method) => !allowed.has(method)),
      url: path,
      config: { routeName: siblings[0]?.name ?? "" },
      errorHandler: (error, request, reply) => send(reply, replyToError(error, failureOf(request, route, log))),
      handler: async (request, reply) => {
        const preflight = await answerPreflight(request, siblings, isTrustedOrigin);
        if (preflight !== undefined) return send(reply, preflight);
        const answer = replyToError(methodNotAllowed(route.kind), failureOf(request, route, log));
        return send(reply, { ...answer, headers: { ...answer.headers, allow } });
      },
    });
  }
}

function methodNotAllowed(kind: RouteKind): Error {
  if (kind === "auth") return new OAuthError("invalid_request", "this method is not allowed here", { status: 405 });
  return new ManagementError("method_not_allowed", "this method is not allowed here");
}
