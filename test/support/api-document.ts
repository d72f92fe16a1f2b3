import assert from "node:assert/strict";
import { Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { tagOf } from "../../src/http/openapi/auth-operation.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import type {
  Content,
  OperationObject,
  ParameterObject,
  ResponseObject,
} from "../../src/http/openapi/operation-object.ts";
import type { SchemaNode } from "../../src/http/openapi/schema-node.ts";
import { EMBEDDED_OPERATIONS } from "../../src/login/embedded/operations.ts";
import { AUTH_OPERATIONS } from "../../src/oauth/operations.ts";
import { type Answer, call } from "./http.ts";

/** The headings of what is no management. */
const OTHER_TAGS = new Set([...AUTH_OPERATIONS, ...Object.values(EMBEDDED_OPERATIONS)].map(tagOf));

/** An operation of the management API as a reader of the OpenAPI document knows it. */
export interface DocumentedOperation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly scopes: readonly string[];
  /** whose credential opens it; undefined: it needs none */
  readonly scheme: string | undefined;
  /** the schemas of its parameters, by name */
  readonly query: Readonly<Record<string, SchemaNode>>;
  readonly body: { readonly mediaType: string; readonly schema: SchemaNode } | undefined;
  /** What is wrong with an answer, after the document; undefined where nothing is. */
  judge(answer: Answer): string | undefined;
}

/** Reads the document of a server, and of it the operations of the management API. */
export async function readApiDocument(url: string): Promise<readonly DocumentedOperation[]> {
  const answer = await call(`${url}/openapi.json`);
  assert.equal(answer.status, 200, answer.text);
  const document: OpenApiDocument = JSON.parse(answer.text);
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const [[scheme, scopes = []] = []] = operation.security.flatMap((one) => Object.entries(one));
      const found = { path, method, operation, scopes, scheme };
      return operation.tags.some((tag) => OTHER_TAGS.has(tag)) ? [] : [readOperation(document, found)];
    }),
  );
}

interface Found {
  readonly path: string;
  readonly method: string;
  readonly operation: OperationObject;
  readonly scopes: readonly string[];
  readonly scheme: string | undefined;
}

function readOperation(
  document: OpenApiDocument,
  { path, method, operation, scopes, scheme }: Found,
): DocumentedOperation {
  const { components } = document;
  const expand = (node: unknown): SchemaNode => JSON.parse(JSON.stringify(expandRefs(node, components.schemas)));
  const parameters = operation.parameters.map((one) => ("$ref" in one ? at(components.parameters, one.$ref) : one));
  const query = parameters.filter((one: ParameterObject) => one.in === "query");
  const [[mediaType = "", media] = []] = Object.entries(operation.requestBody?.content ?? {});
  const validators = new Map<SchemaNode, Validator>();
  return {
    name: operation.operationId,
    method: method.toUpperCase(),
    path,
    scopes,
    scheme,
    query: Object.fromEntries(query.map(({ name, schema }) => [name, expand(schema)])),
    body: media === undefined ? undefined : { mediaType, schema: expand(media.schema) },
    judge: (answer) => {
      const declared = operation.responses[String(answer.status)];
      if (declared === undefined) return `${answer.status} is not documented`;
      const response: ResponseObject = "$ref" in declared ? at(components.responses, declared.$ref) : declared;
      return judgeBody(response.content, answer, (schema, value) => {
        const validator = validators.get(schema) ?? Compile(Type.Unsafe<unknown>(expand(schema)));
        validators.set(schema, validator);
        return validator.Check(value) ? undefined : JSON.stringify(validator.Errors(value).slice(0, 2));
      });
    },
  };
}

function judgeBody(
  content: Content | undefined,
  { headers, text }: Answer,
  judge: (schema: SchemaNode, value: unknown) => string | undefined,
): string | undefined {
  if (content === undefined) return text === "" ? undefined : "a body that is not documented";
  const type = headers.get("content-type")?.split(";")[0] ?? "";
  const media = content[type];
  if (media === undefined) return `the media type ${type} is not documented`;
  const values = type === "application/x-ndjson" ? text.split("\n").filter((line) => line !== "") : [text];
  return values.map((value) => judge(media.schema, JSON.parse(value))).find((problem) => problem !== undefined);
}

function at<T>(components: Readonly<Record<string, T>>, ref: string): T {
  const found = components[ref.split("/").at(-1) ?? ""];
  assert.ok(found !== undefined, `the document has no ${ref}`);
  return found;
}

function expandRefs(value: unknown, schemas: Readonly<Record<string, SchemaNode>>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => expandRefs(element, schemas));
  if ("$ref" in value && typeof value.$ref === "string") return expandRefs(at(schemas, value.$ref), schemas);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expandRefs(inner, schemas)]));
}
