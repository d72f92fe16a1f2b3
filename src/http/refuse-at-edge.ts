import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Log } from "../platform/log.ts";
import { replyToError } from "./errors.ts";
import { matchPaths } from "./match-paths.ts";
import type { Route } from "./route.ts";

/** What Node refuses by itself, and why; the bytes are those of the last packet. */
interface ParserError {
  readonly code?: string;
  readonly rawPacket?: unknown;
}

export interface Edge {
  readonly routes: readonly Route[];
  readonly log: Log;
  readonly newTraceId: () => string;
}

/** Answers what Node's parser refuses. */
export type RefuseUnparsed = (error: ParserError, socket: Socket) => void;

const STATUS_OF = new Map([
  ["HPE_HEADER_OVERFLOW", 431],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);
const ENDED_EARLY = "HPE_INVALID_EOF_STATE";
/** The request's line itself is wrong: the last good one in the packet is that of a request before. */
const NO_LINE = new Set(["HPE_INVALID_METHOD", "HPE_INVALID_CONSTANT", "HPE_INVALID_URL", "HPE_INVALID_VERSION"]);
const REQUEST_LINE = /(?:^|\n)[A-Z-]+ (\/[^ \r\n]*) HTTP\/1\.[01]\r?\n/g;

/**
 * Gives everything that Node would answer by itself, without a word or a trace id, the shape of our errors: what is no HTTP, what takes too
 * long, CONNECT, an expectation that nobody knows, a request without a host.
 */
export function refuseAtEdge(server: FastifyInstance, edge: Edge): RefuseUnparsed {
  // With a listener Node leaves it to the hook below; without one it answers 417 by itself (RFC 9110 §10.1.1).
  server.server.on("checkExpectation", (request, response) => server.server.emit("request", request, response));
  server.addHook("onRequest", ({ raw }, reply, done) => {
    const status = statusOfHead(raw);
    if (status === undefined) return done();
    void reply.header("connection", "close");
    done(edgeError(status));
  });
  // Answers leave in the order of their requests: behind the last one, all are gone.
  const last = new WeakMap<Socket, ServerResponse>();
  server.server.prependListener("request", (request, response) => last.set(request.socket, response));
  const write = createWriter(edge);
  // No proxy is here: without a listener Node would cut the connection and say nothing.
  server.server.on("connect", (_request, socket: Socket) => write(socket, { status: 400, isAuth: false }));

  const isAuthPath = matchPaths(edge.routes.filter(({ kind }) => kind === "auth"));
  return (error, socket) => {
    if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
    const status = STATUS_OF.get(error.code ?? "") ?? 400;
    const response = last.get(socket);
    if (response !== undefined && !response.req.complete) {
      // Who ends in the middle of a body has gone away: the request counts as aborted.
      return error.code === ENDED_EARLY ? void socket.destroy() : refuseBody(response, status);
    }
    const refuse = (): void => {
      if (socket.writable) write(socket, { status, isAuth: isAuthPath.test(pathOf(error)) });
    };
    if (response === undefined || response.writableFinished) refuse();
    else response.once("finish", refuse);
  };
}

function statusOfHead({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): number | undefined {
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") return 417;
  // RFC 9112 §3.2
  return headers.host === undefined && httpVersionMajor === 1 && httpVersionMinor === 1 ? 400 : undefined;
}

function edgeError(status: number): Error {
  return Object.assign(new Error(STATUS_CODES[status]), { statusCode: status });
}

// The request is known, and whoever reads its body hears that it ends here, and answers as its route does. What was answered before its
// body was there has had its answer.
function refuseBody(response: ServerResponse, status: number): void {
  const { req: request } = response;
  response.shouldKeepAlive = false;
  if (response.writableFinished) request.socket.destroySoon();
  else if (!response.headersSent && request.listenerCount("error") > 0) request.emit("error", edgeError(status));
}

// The line may have come in an earlier packet: then nobody knows what was asked.
function pathOf({ code = "", rawPacket }: ParserError): string {
  if (NO_LINE.has(code) || !Buffer.isBuffer(rawPacket)) return "";
  return [...rawPacket.toString("latin1").matchAll(REQUEST_LINE)].at(-1)?.[1] ?? "";
}

function createWriter({ log, newTraceId }: Edge) {
  return (socket: Socket, { status, isAuth }: { readonly status: number; readonly isAuth: boolean }): void => {
    const traceId = newTraceId();
    const reply = replyToError(edgeError(status), { kind: isAuth ? "auth" : "public", traceId, log });
    const body = String(reply.body);
    const headers = {
      "x-content-type-options": "nosniff",
      ...reply.headers,
      "content-length": Buffer.byteLength(body),
      "x-trace-id": traceId,
      connection: "close",
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
  };
}
