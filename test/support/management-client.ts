import assert from "node:assert/strict";
import { OPERATIONS } from "../../src/app.ts";
import type { AnswerOf, BodyOf, Operation, PathParameters, QueryOf } from "../../src/http/operation.ts";
import { type Answer, call } from "./http.ts";
import type { TestTenant } from "./test-tenant.ts";

type Registered = (typeof OPERATIONS)[number]["operation"];
/** The operationId of an operation of the management API. */
export type OperationName = Registered["name"];
type Named<Name extends OperationName> = Extract<Registered, { readonly name: Name }>;

type Given<Name extends string, Value> = unknown extends Value ? object : Readonly<Record<Name, Value>>;
/** What a call of an operation needs: the ids of its path besides tenant and realm, its query and its body. */
export type Input<O extends Operation> = Readonly<
  Record<Exclude<PathParameters<O["path"]>, "tenant" | "realm">, string>
> &
  Partial<Given<"query", Partial<QueryOf<O>>>> &
  Given<"body", BodyOf<O>> & {
    readonly headers?: Readonly<Record<string, string>>;
    /** of an operation that reads its body itself */
    readonly text?: string;
    /** another bearer token than one with every scope */
    readonly token?: string;
    readonly realm?: string;
    readonly tenant?: string;
  };

/** What an operation answered: `value` as its schema types it, where it succeeded. */
export interface Answered<O extends Operation> extends Answer {
  readonly value: AnswerOf<O>;
}

/** A typed client, derived from the registry of operations; nothing of it is generated (settled 24). */
export type ManagementClient = <Name extends OperationName>(
  name: Name,
  input: Input<Named<Name>>,
) => Promise<Answered<Named<Name>>>;

/** The management API of a tenant, called with a token of every scope. What is not found in `input` is the tenant's own. */
export function managementClient(tenant: TestTenant): ManagementClient {
  return async (name, input) => {
    const found: Operation | undefined = OPERATIONS.map(({ operation }) => operation).find(
      (operation) => operation.name === name,
    );
    if (found === undefined) throw new Error(`no operation is called ${name}`);
    const given: Readonly<Record<string, unknown>> = { tenant: tenant.tenantId, realm: tenant.realm.realmId, ...input };
    const path = found.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => String(given[parameter]));
    const query = new URLSearchParams(textOf(given.query)).toString();
    const answer = await call(`${tenant.server.url}${path}${query === "" ? "" : `?${query}`}`, {
      method: found.method,
      headers: {
        authorization: `Bearer ${input.token ?? (await tenant.managementToken())}`,
        ...(given.body === undefined ? {} : { "content-type": "application/json" }),
        ...input.headers,
      },
      ...(input.text === undefined ? {} : { body: input.text }),
      ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
    });
    return { ...answer, value: answer.json as never };
  };
}

/** What a call answered that has to succeed. */
export async function succeed<O extends Operation>(answering: Promise<Answered<O>>): Promise<AnswerOf<O>> {
  const answer = await answering;
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  return answer.value;
}

/** What a 400 says of each field, as `field: description`. */
export function violationsOf({ json }: Answer): readonly string[] {
  const details: unknown = json?.details;
  const [detail]: readonly { readonly field_violations?: readonly Violation[] }[] = Array.isArray(details)
    ? details
    : [];
  return (detail?.field_violations ?? []).map(({ field, description }) => `${field}: ${description}`);
}

interface Violation {
  readonly field: string;
  readonly description: string;
}

function textOf(query: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]));
}
