import type { MemberProblem } from "./schema-error.ts";

/** Most unknown members that one answer names. */
const NAMED_MAX = 100;

/** A value without the members that its schema does not know, and these. */
export interface SplitValue {
  readonly known: unknown;
  readonly unknown: readonly MemberProblem[];
}

/** Takes apart what a schema of objects and lists knows of a value and what it does not; what it says by alternatives stays whole. */
export function splitUnknown(value: unknown, schema: unknown): SplitValue {
  const unknown: MemberProblem[] = [];
  const known = keepKnown(value, schema, { path: [], unknown });
  return { known, unknown };
}

interface Found {
  readonly path: readonly string[];
  /** added to */
  readonly unknown: MemberProblem[];
}

function keepKnown(value: unknown, schema: unknown, { path, unknown }: Found): unknown {
  if (!isObject(schema)) return value;
  if (Array.isArray(value)) {
    return value.map((one, index) => keepKnown(one, schema.items, { path: [...path, String(index)], unknown }));
  }
  const { properties } = schema;
  if (!isObject(value) || !isObject(properties) || schema.additionalProperties !== false) return value;
  const kept = Object.entries(value).filter(([name]) => {
    if (Object.hasOwn(properties, name)) return true;
    if (unknown.length < NAMED_MAX) unknown.push({ path: [...path, name], description: "is not a known member" });
    return false;
  });
  const read = kept.map(([name, member]) => [
    name,
    keepKnown(member, properties[name], { path: [...path, name], unknown }),
  ]);
  return Object.fromEntries(read);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
