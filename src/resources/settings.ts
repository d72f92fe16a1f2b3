// The settings of a noun are the members that its administrator writes, under the API's own names: one object is stored,
// validated, merged, compared and answered. What the protocol decides on is translated where it is read (application/queries.ts).

import { type Static, type TObject, type TSchema, type TUnsafe, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { FieldViolation } from "../http/management-error.ts";
import { readSchemaError, toViolation } from "../http/schema-error.ts";

/** What a create or update rule answers: complete settings, or everything that is wrong with them. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly violations: readonly FieldViolation[] };

/** A body that writes settings: members left out keep their value, `null` clears an optional one, arrays are whole. */
export type Body<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Body<T[K]> | null }
    : T;

/** The schema of a body that writes settings of this schema. */
export function bodyOf<S extends TObject>(schema: S): TUnsafe<Body<Static<S>>> {
  return Type.Unsafe(bodySchema(schema, Type.Object({})));
}

/** The schema of a body that writes settings and says more besides, as it stands. */
export function bodyWith<S extends TObject, E extends TObject>(
  schema: S,
  extra: E,
): TUnsafe<Omit<Body<Static<S>>, keyof Static<E>> & Static<E>> {
  return Type.Unsafe(bodySchema(schema, extra));
}

function bodySchema(schema: TObject, extra: TObject): TSchema {
  const members = Object.entries(schema.properties).map(([name, member]) => [name, nullable(member)]);
  const properties = { ...Object.fromEntries(members), ...extra.properties };
  const required = extra.required ?? [];
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
}

function nullable(schema: TSchema): TSchema {
  if (isObjectSchema(schema)) return { ...bodyOf(schema), type: ["object", "null"] };
  const list = "enum" in schema && Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};
  return "type" in schema ? { ...schema, type: [schema.type, "null"], ...list } : schema;
}

function isObjectSchema(schema: TSchema): schema is TObject {
  return "type" in schema && schema.type === "object" && "properties" in schema;
}

/** Accepts or refuses bodies of one noun. */
export interface BodyReader<T> {
  /** On top of the defaults of a new object, where `null` is the same as absent (reference 2.1). */
  create(defaults: Body<T>, body: Body<T>): Checked<T>;
  /** On top of the current settings, where `null` clears a member: what has a default is it again (reference 2.1). */
  update(current: T, body: Body<T>, defaults?: Body<T>): Checked<T>;
}

/** Makes the reader of a noun's bodies. `noun` begins every path: `realm.display_name`. */
export function createBodyReader<S extends TObject>(noun: string, schema: S): BodyReader<Static<S>> {
  const validator = Compile(schema);
  function check(settings: unknown): Checked<Static<S>> {
    if (!validator.Check(settings)) {
      return {
        ok: false,
        violations: validator
          .Errors(settings)
          .flatMap(readSchemaError)
          .map(({ path, description }) => toViolation({ path: [noun, ...path], description })),
      };
    }
    const violations = findForbiddenText(noun, settings);
    return violations.length === 0 ? { ok: true, value: settings } : { ok: false, violations };
  }
  return {
    create: (defaults, body) => check(mergeBody(defaults, withoutNulls(body))),
    update: (current, body, defaults) => check(mergeBody(current, body, defaults)),
  };
}

/** Puts a rule's own violations behind a reader's: the value stands when there are none. */
export function refine<T>(checked: Checked<T>, rule: (value: T) => readonly FieldViolation[]): Checked<T> {
  if (!checked.ok) return checked;
  const violations = rule(checked.value);
  return violations.length === 0 ? checked : { ok: false, violations };
}

/** Merges a body into settings: objects deeply, arrays whole; `null` gives the default back, or removes (reference 2.1). */
function mergeBody(current: unknown, body: unknown, defaults: unknown = {}): unknown {
  if (!isObject(body)) return body;
  const fallbacks = new Map(Object.entries(isObject(defaults) ? defaults : {}));
  const merged: Record<string, unknown> = isObject(current) ? { ...current } : {};
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined) continue;
    const fallback = fallbacks.get(name);
    if (value !== null) merged[name] = mergeBody(merged[name], value, fallback);
    else if (fallback === undefined) delete merged[name];
    else merged[name] = fallback;
  }
  return merged;
}

function withoutNulls(body: unknown): unknown {
  if (!isObject(body)) return body;
  const members = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(members.map(([name, value]) => [name, withoutNulls(value)]));
}

// PostgreSQL cannot store U+0000 and no UTF-8 says a lone surrogate (rule 10).
function findForbiddenText(path: string, value: unknown): FieldViolation[] {
  if (typeof value === "string") {
    const isStorable = !value.includes("\u0000") && value.isWellFormed();
    return isStorable ? [] : [{ field: path, description: "holds U+0000 or a lone surrogate" }];
  }
  if (Array.isArray(value)) return value.flatMap((element) => findForbiddenText(path, element));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => findForbiddenText(`${path}.${name}`, member));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
