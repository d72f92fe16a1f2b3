import { STATUS_CODES } from "node:http";
import type { TSchema } from "typebox";
import { HEX_ID } from "../../protocol/id-grammar.ts";
import { type ManagementErrorCode, statusOfCode } from "../management-error.ts";
import type { Operation } from "../operation.ts";
import type { Components } from "./components.ts";
import { refusalsOf } from "./refusals.ts";
import { type SchemaNode, toNode } from "./schema-node.ts";

const JSON_TYPE = "application/json";
const SCIM_TYPE = "application/scim+json";

/** Something of a document's components, by reference. */
interface Reference {
  readonly $ref: string;
}

/** A parameter of an operation, in its path or its query. */
export interface ParameterObject {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: SchemaNode;
}

/** Bodies by media type. */
export type Content = Readonly<Record<string, { readonly schema: SchemaNode; readonly example?: unknown }>>;

/** A header of an answer. */
export interface HeaderObject {
  readonly description: string;
  readonly schema: SchemaNode;
}

/** What an operation answers under one status. */
export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, HeaderObject | Reference>>;
  readonly content?: Content;
}

/** An operation as OpenAPI says it. */
export interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly (ParameterObject | Reference)[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}

const reference = (place: string, name: string): Reference => ({ $ref: `#/components/${place}/${name}` });

/** By what an operation is opened: a tenant's token, or the operator's credential. */
type Scheme = "bearer" | "operator";

const COMMON_HEADERS = {
  "x-trace-id": reference("headers", "TraceId"),
  "x-correlation-id": reference("headers", "CorrelationId"),
} as const;
const RATE_HEADERS = {
  "RateLimit-Limit": reference("headers", "RateLimitLimit"),
  "RateLimit-Remaining": reference("headers", "RateLimitRemaining"),
  "RateLimit-Reset": reference("headers", "RateLimitReset"),
} as const;

/** An operation of the management API as OpenAPI says it. */
export function describeOperation(operation: Operation, components: Components, scheme: Scheme): OperationObject {
  const { name, tag, summary, scopes, isCreate, isVersioned, method } = operation;
  const parameters = [
    ...pathParametersOf(operation.path),
    ...queryParametersOf(operation.query, components),
    ...(isCreate === true ? [reference("parameters", "IdempotencyKey")] : []),
    ...(isVersioned === true && method !== "GET" && isCreate !== true ? [reference("parameters", "IfMatch")] : []),
    reference("parameters", "CorrelationId"),
  ];
  const requestBody = bodyOf(operation, components);
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(operation.alias === undefined ? {} : { description: `Also at ${operation.alias}.` }),
    security: operation.isPublic === true ? [] : [{ [scheme]: scopes }],
    parameters,
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      [String(operation.status ?? 200)]: successOf(operation, components, scheme),
      ...Object.fromEntries(
        refusalsOf(operation).map((code) => [
          statusOfCode(code),
          reference("responses", operation.format === undefined ? code : `${operation.format}_${code}`),
        ]),
      ),
    },
  };
}

/** The parameters of a path: `{tenant}` and so on. */
export function pathParametersOf(path: string): ParameterObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", ...(name === "tenant" || name === "realm" ? { pattern: HEX_ID.source } : {}) },
  }));
}

/** The members of a query's schema as parameters. */
export function queryParametersOf(query: TSchema | undefined, components: Components): ParameterObject[] {
  const { properties = {}, required = [] } = toNode(query ?? {});
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: components.refer(schema),
  }));
}

function bodyOf({ body, text, format }: Operation, components: Components): OperationObject["requestBody"] {
  if (text !== undefined) {
    const schema = components.refer(text.schema);
    return { required: true, content: Object.fromEntries(text.mediaTypes.map((type) => [type, { schema }])) };
  }
  if (body === undefined) return undefined;
  const schema = components.refer(body);
  const types = format === "scim" ? [SCIM_TYPE, JSON_TYPE] : [JSON_TYPE];
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

function successOf(operation: Operation, components: Components, scheme: Scheme): ResponseObject {
  const { answer, lines, headers = {}, isVersioned, status = 200, format } = operation;
  const type = format === "scim" ? SCIM_TYPE : JSON_TYPE;
  const said = Object.entries(headers).map(([name, description]) => [name, textHeader(description)]);
  const content: Content = {
    ...(answer === undefined ? {} : { [type]: { schema: components.refer(answer) } }),
    ...(lines === undefined ? {} : { [lines.mediaType]: { schema: components.refer(lines.schema) } }),
  };
  return {
    description: STATUS_CODES[status] ?? "",
    headers: {
      ...COMMON_HEADERS,
      ...(scheme === "bearer" && operation.isPublic !== true ? RATE_HEADERS : {}),
      ...(isVersioned === true && answer !== undefined ? { etag: reference("headers", "ETag") } : {}),
      ...Object.fromEntries(said),
    },
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

/** A header whose value is a text. */
export function textHeader(description: string, type: "string" | "integer" = "string"): HeaderObject {
  return { description, schema: { type } };
}

const WORDS: Partial<Readonly<Record<ManagementErrorCode, string>>> = {
  bad_request: "What was sent breaks a rule; `details` names each member and its rule.",
  unauthorized: "There is no token, or it is dead, or not one of ours.",
  forbidden:
    "The token lacks a scope, is another tenant's, reaches another realm, or holds less power than the change touches.",
  not_found: "Something that the path or the body names does not exist.",
  conflict: "What is stored does not allow it, or an Idempotency-Key was sent with another request.",
  precondition_failed: "The resource is not the version that If-Match names any more; `ETag` names the present one.",
  payload_too_large: "The body is too large.",
  unsupported_media_type: "The body is not sent as JSON.",
  too_many_requests: "A limit is reached; Retry-After says when to come again.",
  internal_server_error: "The server failed; the trace id names this request in its log.",
  service_unavailable: "The server cannot answer now; nothing was done. Retry-After says when to come again.",
};

/** An error as a response that operations refer to, in the shape of all or in SCIM's. */
export function describeRefusal(code: ManagementErrorCode, format?: "scim"): ResponseObject {
  const named: Readonly<Record<string, Readonly<Record<string, Reference>>>> = {
    unauthorized: { "WWW-Authenticate": reference("headers", "WWWAuthenticate") },
    precondition_failed: { ETag: reference("headers", "ETag") },
    too_many_requests: { "Retry-After": reference("headers", "RetryAfter"), ...RATE_HEADERS },
    service_unavailable: { "Retry-After": reference("headers", "RetryAfter") },
  };
  return {
    description: WORDS[code] ?? STATUS_CODES[statusOfCode(code)] ?? code,
    headers: { ...COMMON_HEADERS, ...named[code] },
    content:
      format === "scim"
        ? { [SCIM_TYPE]: { schema: reference("schemas", "ScimError") } }
        : { [JSON_TYPE]: { schema: reference("schemas", "Error") } },
  };
}
