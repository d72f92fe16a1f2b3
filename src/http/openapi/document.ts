import { Type } from "typebox";
import type { Operation } from "../operation.ts";
import { type AuthOperation, describeAuthOperation, tagOf } from "./auth-operation.ts";
import { type Components, createComponents } from "./components.ts";
import { BatchOperationErrors, ErrorAnswer, FieldViolations, ResourceInfo, ScimErrorAnswer } from "./error-schema.ts";
import {
  describeOperation,
  describeRefusal,
  type HeaderObject,
  type OperationObject,
  type ParameterObject,
  type ResponseObject,
  textHeader,
} from "./operation-object.ts";
import { refusalsOf } from "./refusals.ts";
import type { SchemaNode } from "./schema-node.ts";

/** An OpenAPI 3.1 document, as far as ours goes. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, SchemaNode>>;
    readonly parameters: Readonly<Record<string, ParameterObject>>;
    readonly headers: Readonly<Record<string, HeaderObject>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

/** What a document is made of. */
export interface DocumentParts {
  /** where clients reach this server */
  readonly publicUrl: string;
  readonly operations: readonly Operation[];
  /** those that only the operator's credential opens */
  readonly operatorOperations: readonly Operation[];
  readonly authOperations: readonly AuthOperation[];
}

const OAuthError = Type.Object(
  {
    error: Type.String({ description: "a code of RFC 6749 §5.2 or of the endpoint's own specification" }),
    error_description: Type.Optional(Type.String()),
    trace_id: Type.String(),
  },
  { additionalProperties: false },
);

/** Describes all that a server answers to clients (OpenAPI 3.1), from the registry of its operations. */
export function describeApi(parts: DocumentParts): OpenApiDocument {
  const { publicUrl, authOperations, operatorOperations } = parts;
  const components = createComponents();
  const operations = [...parts.operations, ...operatorOperations];
  nameSchemas(operations, components);
  const paths = new Map<string, Record<string, OperationObject>>();
  const put = (path: string, method: string, object: OperationObject): void => {
    paths.set(path, { ...paths.get(path), [method.toLowerCase()]: object });
  };
  for (const one of authOperations) put(one.path, one.method, describeAuthOperation(one, components));
  for (const one of parts.operations) put(one.path, one.method, describeOperation(one, components, "bearer"));
  for (const one of operatorOperations) put(one.path, one.method, describeOperation(one, components, "operator"));
  return {
    openapi: "3.1.1",
    info: {
      title: "Mayfly",
      version: "v1",
      description: "Tokens that live as long as each request asks, and everything around them.",
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set([...authOperations.map(tagOf), ...operations.map(({ tag }) => tag)])].map((name) => ({ name })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: components.list(),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: describeRefusals(operations),
      securitySchemes: SECURITY,
    },
  };
}

// Those that some operation may answer with; SCIM's beside the others.
function describeRefusals(operations: readonly Operation[]): Readonly<Record<string, ResponseObject>> {
  const formats = [undefined, "scim"] as const;
  const all = formats.flatMap((format) => {
    const codes = new Set(operations.filter((one) => one.format === format).flatMap(refusalsOf));
    return [...codes].map((code) => [format === undefined ? code : `${format}_${code}`, describeRefusal(code, format)]);
  });
  return Object.fromEntries(all);
}

// A noun's answer has the noun's name, its list the plural, its body "Body" behind it. What several operations share is named by the first.
function nameSchemas(operations: readonly Operation[], components: Components): void {
  const shared = {
    Error: ErrorAnswer,
    ScimError: ScimErrorAnswer,
    OAuthError,
    FieldViolations,
    ResourceInfo,
    BatchOperationErrors,
  };
  for (const [name, schema] of Object.entries(shared)) components.add(name, schema);
  for (const { lines } of operations) if (lines !== undefined) components.add(idOf(lines.schema), lines.schema);
  const shows = operations.filter(({ name }) => /^(Get|Create)/.test(name));
  for (const { name, answer } of [...shows, ...operations])
    if (answer !== undefined) components.add(nounOf(name), answer);
  for (const { name, body, text } of operations) {
    const sent = body ?? text?.schema;
    if (sent !== undefined) components.add(`${nounOf(name)}Body`, sent);
  }
}

function nounOf(name: string): string {
  return name.replace(/^(Create|Get|List|Update|Replace|Patch)(?=[A-Z])/, "");
}

function idOf(schema: object): string {
  return "$id" in schema ? String(schema.$id) : "";
}

const header = (name: string, description: string, schema: SchemaNode): ParameterObject => ({
  ...{ name, in: "header", required: false, description, schema },
});

const PARAMETERS = {
  IdempotencyKey: header(
    "Idempotency-Key",
    "Sent again with the same key within a day, the same request makes nothing new: it is answered with what the first made, as it is by then.",
    { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" },
  ),
  IfMatch: header("If-Match", "The ETag of the version that is meant: another is not changed (412).", {
    type: "string",
  }),
  CorrelationId: header("x-correlation-id", "The caller's own name for the request: events and the log tell it.", {
    type: "string",
  }),
} as const;

const HEADERS = {
  TraceId: textHeader("Names the request in the log and in decisions."),
  CorrelationId: textHeader("The caller's name for the request, or the trace id where it sent none."),
  ETag: textHeader("The version of the resource, for If-Match."),
  RetryAfter: textHeader("Seconds after which to come again.", "integer"),
  WWWAuthenticate: textHeader("What is wrong with the token (RFC 6750 §3)."),
  RateLimitLimit: textHeader("How many requests the limit allows.", "integer"),
  RateLimitRemaining: textHeader("How many of them are left.", "integer"),
  RateLimitReset: textHeader("Seconds until all of them are there again.", "integer"),
} as const;

const SECURITY = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "An access token of the Management API application, or of one that may ask for its scopes. Each operation names the scopes that it needs.",
  },
  operator: {
    type: "http",
    scheme: "bearer",
    description: "The credential of the server's operator; no tenant's token is one.",
  },
  client: {
    type: "http",
    scheme: "basic",
    description: "client_id and client_secret of an application (RFC 6749 §2.3.1).",
  },
} as const;
