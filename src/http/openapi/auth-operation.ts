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
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly AuthSecurity[];
  readonly query?: TSchema;
  readonly form?: TSchema;
  /** members of a form, as they are sent */
  readonly example?: Readonly<Record<string, string>>;
  readonly answer?: TSchema;
  readonly answerType?: string;
  /** statuses besides 200, with what they mean */
  readonly statuses: Readonly<Record<number, string>>;
}

/** The heading of the endpoints of the protocol. */
export const AUTH_TAG = "OAuth 2.0 and OpenID Connect";

/** An endpoint of the protocol as OpenAPI says it. */
export function describeAuthOperation(operation: AuthOperation, components: Components): OperationObject {
  const { name, path, summary, description, query, form, example, answer, answerType = "application/json" } = operation;
  const success = answer === undefined ? {} : { content: { [answerType]: { schema: components.refer(answer) } } };
  const isRedirect = operation.statuses[303] !== undefined;
  const refused = Object.entries(operation.statuses).map(([status, words]) => [
    status,
    {
      description: words,
      ...(Number(status) < 400 ? {} : { content: { "application/json": { schema: OAUTH_ERROR } } }),
    },
  ]);
  return {
    operationId: name,
    tags: [AUTH_TAG],
    summary,
    ...(description === undefined ? {} : { description }),
    security: operation.security.map((scheme) => ({ [scheme]: [] })),
    parameters: [...pathParametersOf(path), ...queryParametersOf(query, components)],
    ...(form === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              "application/x-www-form-urlencoded": {
                schema: components.refer(form),
                ...(example === undefined ? {} : { example }),
              },
            },
          },
        }),
    responses: {
      ...(isRedirect ? {} : { 200: { description: "OK", ...success } }),
      ...Object.fromEntries(refused),
    },
  };
}

const OAUTH_ERROR = { $ref: "#/components/schemas/OAuthError" } as const;
