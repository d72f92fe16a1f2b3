import { type Static, type TSchema, type TUnsafe, Type } from "typebox";
import type { ManagementErrorCode } from "./management-error.ts";

/** What is written of the members of a body that are for reading only: accepted and ignored (reference 2.1). */
const ReadOnly = Type.Unsafe<unknown>({ readOnly: true });

/** The names of a path's parameters: `"tenant" | "realm"` of `/v1/tenants/{tenant}/realms/{realm}`. */
export type PathParameters<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParameters<Rest>
  : never;

/** A body that an operation reads itself. */
export interface TextBody {
  readonly mediaTypes: readonly string[];
  /** what it says, whatever the media type */
  readonly schema: TSchema;
}

/**
 * One operation of the management API, said once: its route, who may call it, what it takes and answers. The server, the OpenAPI
 * document, the typed client and the tests read it.
 */
export interface Operation {
  /** its operationId */
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** in OpenAPI's form: parameters in braces, colon methods as they are sent */
  readonly path: string;
  /** the heading under which the reference shows it */
  readonly tag: string;
  /** one sentence */
  readonly summary: string;
  /** all of them are needed */
  readonly scopes: readonly string[];
  /** whether it answers whoever asks, without a token */
  readonly isPublic?: true;
  /** set where answers and errors have SCIM's media type and errors its shape (RFC 7644 §3.1, §3.12) */
  readonly format?: "scim";
  /** a second path under which clients look for it */
  readonly alias?: string;
  readonly query?: TSchema;
  readonly body?: TSchema;
  /** in place of `body`, one that the operation reads itself */
  readonly text?: TextBody;
  /** the body of the answer; without it the answer is empty */
  readonly answer?: TSchema;
  /** what it answers instead to who asks for this media type by `Accept`: a line each */
  readonly lines?: { readonly mediaType: string; readonly schema: TSchema };
  /** headers of its answer besides those that many have, and what they say */
  readonly headers?: Readonly<Record<string, string>>;
  /** 200 unless it says otherwise */
  readonly status?: 201 | 204;
  /** what it may answer besides the errors that all have in common */
  readonly refusals?: readonly ManagementErrorCode[];
  /** whether it shows what is left of a realm that was deleted; of one that never was there is nothing */
  readonly outlivesRealm?: true;
  /** it makes a resource or a secret: one, if it is repeated with the same `Idempotency-Key` */
  readonly isCreate?: true;
  /** whether the answer has an ETag, and a change takes `If-Match` */
  readonly isVersioned?: true;
}

type StaticOf<Schema> = Schema extends TSchema ? Static<Schema> : unknown;

/** What an operation's query is, after its schema. */
export type QueryOf<O extends Operation> = StaticOf<O["query"]>;
/** What an operation's body is, after its schema. */
export type BodyOf<O extends Operation> = StaticOf<O["body"]>;
/** What an operation answers. */
export type AnswerOf<O extends Operation> = StaticOf<O["answer"]>;

/** Fastify's pattern of an operation's path (settled 23): `/{group}:addMembers` is `/:group([^:]+)::addMembers`. */
export function patternOf(path: string): string {
  return path
    .replaceAll(":", "::")
    .replaceAll(/\{(\w+)\}(?=::)/g, ":$1([^:]+)")
    .replaceAll(/\{(\w+)\}/g, ":$1");
}

/**
 * The schema of a body that wraps a resource in its singular name. Members that are for reading only are accepted and dropped: real
 * clients send back what they were given.
 *
 * @param readOnly names of such members; `protocol_config.client_id` is one within a member
 */
export function wrapped<const Key extends string, S extends TSchema>(
  key: Key,
  body: S,
  readOnly: readonly string[],
): TUnsafe<Readonly<Record<Key, Static<S>>>> {
  return Type.Unsafe<Readonly<Record<Key, Static<S>>>>({
    type: "object",
    properties: { [key]: withReadOnly(body, readOnly) },
    required: [key],
    additionalProperties: false,
  });
}

/** A schema of an object that has these members, too, for reading only. */
function withReadOnly<S extends TSchema>(schema: S, names: readonly string[]): TUnsafe<Static<S>> {
  return Type.Unsafe<Static<S>>(names.reduce<object>((made, name) => addReadOnly(made, name.split(".")), schema));
}

function addReadOnly(schema: unknown, [name = "", ...within]: readonly string[]): object {
  const whole = isObject(schema) ? schema : {};
  const properties = isObject(whole.properties) ? whole.properties : {};
  const member = within.length === 0 ? ReadOnly : addReadOnly(properties[name], within);
  return { ...whole, properties: { ...properties, [name]: member } };
}

/** A value without the members that its schema says are for reading only. */
export function dropReadOnly(value: unknown, schema: unknown): unknown {
  if (!isObject(value) || !isObject(schema) || !isObject(schema.properties)) return value;
  const { properties } = schema;
  const kept = Object.entries(value).filter(([name]) => {
    const member = properties[name];
    return !isObject(member) || member.readOnly !== true;
  });
  return Object.fromEntries(kept.map(([name, member]) => [name, dropReadOnly(member, properties[name])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
