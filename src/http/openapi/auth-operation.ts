import type { TSchema } from "typebox";
import type { Components } from "./components.ts";
import { type OperationObject, pathParametersOf, queryParametersOf } from "./operation-object.ts";

/** How a client authenticates at an endpoint of the protocol. */
export type AuthSecurity = "client" | "bearer";

/**
 * An endpoint of OAuth 2.0 and OpenID Connect, described for the reference. What it really takes and refuses the protocol's own code
 * decides: no schema can say it.
 */
export interface AuthOperation {
  /** the name of its route */
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** its heading, where that is not the protocol's */
  readonly tag?: string;
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly AuthSecurity[];
  readonly query?: TSchema;
  readonly form?: TSchema;
  /** a body of JSON in place of a form */
  readonly json?: TSchema;
  /** members of a form, as they are sent */
  readonly example?: Readonly<Record<string, string>>;
  readonly answer?: TSchema;
  readonly answerType?: string;
  /** statuses besides 200, with what they mean */
  readonly statuses: Readonly<Record<number, string>>;
}

/** The heading of the endpoints of the protocol. */
const AUTH_TAG = "OAuth 2.0 and OpenID Connect";

/** The heading that an endpoint is under. */
export function tagOf({ tag = AUTH_TAG }: AuthOperation): string {
  return tag;
}

/** An endpoint of the protocol as OpenAPI says it. */
export function describeAuthOperation(operation: AuthOperation, components: Components): OperationObject {
  const { name, path, summary, description, query, answer, answerType = "application/json" } = operation;
  const success = answer === undefined ? {} : { content: { [answerType]: { schema: components.refer(answer) } } };
  // One that leads on may answer somebody else with a body.
  const isRedirect = operation.statuses[303] !== undefined && answer === undefined;
  const refused = Object.entries(operation.statuses).map(([status, words]) => [
    status,
    {
      description: words,
      ...(Number(status) < 400 ? {} : { content: { "application/json": { schema: OAUTH_ERROR } } }),
    },
  ]);
  return {
    operationId: name,
    tags: [tagOf(operation)],
    summary,
    ...(description === undefined ? {} : { description }),
    security: operation.security.map((scheme) => ({ [scheme]: [] })),
    parameters: [...pathParametersOf(path), ...queryParametersOf(query, components)],
    ...bodyOf(operation, components),
    responses: {
      ...(isRedirect ? {} : { 200: { description: "OK", ...success } }),
      ...Object.fromEntries(refused),
    },
  };
}

function bodyOf({ form, json, example }: AuthOperation, components: Components): Pick<OperationObject, "requestBody"> {
  const schema = form ?? json;
  if (schema === undefined) return {};
  const type = form === undefined ? "application/json" : "application/x-www-form-urlencoded";
  const sent = { schema: components.refer(schema), ...(example === undefined ? {} : { example }) };
  return { requestBody: { required: true, content: { [type]: sent } } };
}

const OAUTH_ERROR = { $ref: "#/components/schemas/OAuthError" } as const;
