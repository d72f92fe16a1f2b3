import type { Readable } from "node:stream";
import type { ApplicationKey, RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID, UUID } from "../protocol/id-grammar.ts";
import type { Caller } from "./caller.ts";
import type { Operation } from "./operation.ts";

/** A request as handlers see it: parsed as far as HTTP goes, and nothing of any framework. */
export interface HttpRequest {
  readonly method: string;
  /** 16 bytes; responses show it in hexadecimal as `x-trace-id` */
  readonly traceId: Buffer;
  /** what its client calls it, or its trace id in hexadecimal */
  readonly correlationId: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** the part after `?`, undecoded; empty if there is none */
  readonly queryString: string;
  /** the members of the query, parsed and not judged */
  readonly query: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** the raw bytes of the body */
  readonly bytes: Uint8Array;
  readonly remoteAddress: string;
  /** who calls a management route; absent on the others */
  readonly caller: Caller | undefined;
}

/** Why a request was refused, in words of ours, for counts and the log. */
export interface Refusal {
  /** an error code of the protocol or of the management API */
  readonly code: string;
  /** for a 503: what could not be had */
  readonly unavailable?: string;
}

/** What a handler answers. */
export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** in place of a body what is sent for as long as it lasts; it is destroyed when its client goes away */
  readonly stream?: Readable;
  /** set where the answer is an error */
  readonly refusal?: Refusal;
}

/**
 * How a route's failures look and who may call it: `auth` answers RFC 6749 errors, `management` `{code, message, details}` and
 * demands a bearer token, `operator` the same and demands the operator's credential, `page` HTML, `public` and `operations` management
 * errors without a caller.
 */
export type RouteKind = "auth" | "management" | "operator" | "page" | "public" | "operations";

/** One entry of the route registry: everything that lists routes (405, the tenancy test, the scope table) reads these. */
export interface Route {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Fastify's pattern; parameters are called tenant, realm, application and so on */
  readonly path: string;
  readonly kind: RouteKind;
  /** management scopes, all of which the caller's token must hold */
  readonly scopes?: readonly string[];
  /** what the route is in the management API, for the OpenAPI document and the tests */
  readonly operation?: Operation;
  /** an auth route that a browser shows: a person sees its failures */
  readonly isShown?: true;
  /** an auth route whose answer is the same for everybody: the pages of every origin may read it */
  readonly isOpen?: true;
  /** answered however busy the server is: whoever watches it must not take it for dead */
  readonly isVital?: true;
  handle(request: HttpRequest): Promise<HttpReply>;
}

/** The methods that routes of one path answer: what answers GET answers HEAD. */
export function methodsOf(routes: readonly Pick<Route, "method">[]): ReadonlySet<string> {
  return new Set(routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])));
}

/** The realm a path names, or undefined when the path's ids cannot name one. */
export function realmKeyOf(request: HttpRequest): RealmKey | undefined {
  const { tenant = "", realm = "" } = request.parameters;
  return HEX_ID.test(tenant) && HEX_ID.test(realm) ? { tenantId: tenant, realmId: realm } : undefined;
}

/** The application a path names, or undefined when the path's ids cannot name one. */
export function applicationKeyOf(request: HttpRequest): ApplicationKey | undefined {
  const realm = realmKeyOf(request);
  const { application = "" } = request.parameters;
  return realm !== undefined && UUID.test(application) ? { ...realm, applicationId: application } : undefined;
}

/** The caller of a management route. The hook that finds it runs before every handler of that kind. */
export function callerOf(request: HttpRequest): Caller {
  if (request.caller === undefined) throw new Error("this route was registered without a caller");
  return request.caller;
}

/** A header that occurs once, or undefined. */
export function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** A JSON reply. `no-store` unless other caching headers are given: nearly everything here is a credential or about one. */
export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
    body: JSON.stringify(value),
  };
}
