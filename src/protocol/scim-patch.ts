import { isObject } from "./json-object.ts";
import { ScimError } from "./scim-error.ts";
import type { Filter } from "./scim-filter.ts";
import { findTarget, isExtension, type ScimTarget } from "./scim-path.ts";
import type { ScimModel } from "./scim-schema.ts";
import { changeValue } from "./scim-value.ts";

/** Most operations of one PATCH. */
export const PATCH_OPERATIONS_MAX = 1_000;
/** Most comparisons in the filters of one body, all together: each is made with every value of its attribute. */
const COMPARISONS_MAX = 1_000;
const PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/** A resource with its attributes as their schemas spell them; those of an extension are under its URN. */
export type ScimResource = Readonly<Record<string, unknown>>;

const OPERATIONS = ["add", "replace", "remove"] as const;

/** One change of one attribute. */
export interface PatchStep {
  readonly op: (typeof OPERATIONS)[number];
  readonly target: ScimTarget;
  readonly value: unknown;
}

/**
 * Reads the body of a PATCH (RFC 7644 §3.5.2): names and operations in any case, and an operation without a path as one for each
 * member of its value. What is not known here is left out.
 *
 * @throws ScimError for what is no PATCH, an attribute that is for reading only, or a path that cannot be read
 */
export function readPatch(body: unknown, model: ScimModel): readonly PatchStep[] {
  const schemas = memberOf(body, "schemas");
  if (schemas !== undefined && !(Array.isArray(schemas) && schemas.includes(PATCH_SCHEMA))) {
    throw new ScimError("invalidSyntax", `schemas: must hold ${PATCH_SCHEMA}`);
  }
  const operations = memberOf(body, "Operations");
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > PATCH_OPERATIONS_MAX) {
    throw new ScimError("invalidSyntax", `Operations: must be 1 to ${PATCH_OPERATIONS_MAX} operations`);
  }
  return demandBounded(operations.flatMap((operation) => readOperation(operation, model)));
}

function demandBounded(steps: readonly PatchStep[]): readonly PatchStep[] {
  const comparisons = steps.reduce((sum, { target: { filter } }) => sum + (filter ? countComparisons(filter) : 0), 0);
  if (comparisons <= COMPARISONS_MAX) return steps;
  throw new ScimError("invalidFilter", `the filters of its paths hold more than ${COMPARISONS_MAX} comparisons`);
}

function countComparisons(filter: Filter): number {
  if (filter.kind === "and" || filter.kind === "or") {
    return filter.filters.reduce((sum, part) => sum + countComparisons(part), 0);
  }
  return filter.kind === "not" ? countComparisons(filter.filter) : 1;
}

/** Reads the body of a whole resource, which has no attribute that is not known here. Throws ScimError for a value of another type. */
export function readResource(body: unknown, model: ScimModel): ScimResource {
  return applySteps({}, readSteps(body, model));
}

/** The changes that make a resource of what a body says. */
export function readSteps(body: unknown, model: ScimModel): readonly PatchStep[] {
  return demandBounded(expand("add", body, model));
}

/** A resource after these changes, one after the other; none is made where one cannot be. Throws ScimError. */
export function applySteps(resource: ScimResource, steps: readonly PatchStep[]): ScimResource {
  return steps.reduce(applyStep, resource);
}

function readOperation(operation: unknown, model: ScimModel): readonly PatchStep[] {
  const word = memberOf(operation, "op");
  const op = OPERATIONS.find((one) => typeof word === "string" && one === word.toLowerCase());
  if (op === undefined) throw new ScimError("invalidSyntax", `op: must be one of ${OPERATIONS.join(", ")}`);
  const path = memberOf(operation, "path") ?? "";
  if (typeof path !== "string") throw new ScimError("invalidPath", "path: must be a string");
  const value = memberOf(operation, "value");
  if (op === "remove") return readRemoval(path, value, model);
  if (value === undefined) throw new ScimError("invalidValue", "value: missing");
  if (path === "") return expand(op, value, model);
  if (isExtension(model, path)) return expand(op, { [path]: value }, model);
  const target = findWritable(model, path);
  return target === undefined ? [] : [stepOf(op, target, value)];
}

function readRemoval(path: string, value: unknown, model: ScimModel): readonly PatchStep[] {
  // RFC 7644 §3.5.2.2: what is to be removed has to be said.
  if (path === "") throw new ScimError("noTarget", "path: missing");
  if (isExtension(model, path)) {
    const attributes = model.extension.attributes.map(({ name }) => [name, null]);
    return expand("replace", { [path]: Object.fromEntries(attributes) }, model);
  }
  const target = findWritable(model, path);
  return target === undefined ? [] : [{ op: "remove", target, value }];
}

function findWritable(model: ScimModel, path: string): ScimTarget | undefined {
  const target = findTarget(model, path);
  if (target?.attribute.mutability === "readOnly") {
    throw new ScimError("mutability", `path: ${target.attribute.name} is for reading only`);
  }
  return target;
}

// Members for reading only stand in what clients send back: they are left out, not refused (reference 2.1).
function expand(op: "add" | "replace", value: unknown, model: ScimModel): readonly PatchStep[] {
  if (!isObject(value)) throw new ScimError("invalidValue", "value: must be an object");
  return Object.entries(value).flatMap(([name, member]) => {
    if (isExtension(model, name)) return expandExtension(op, member, model);
    return expandMember(op, { name, member }, model);
  });
}

function expandExtension(op: "add" | "replace", value: unknown, model: ScimModel): readonly PatchStep[] {
  if (value === null) return [];
  if (!isObject(value)) throw new ScimError("invalidValue", `${model.extension.id}: must be an object`);
  const members = Object.entries(value);
  return members.flatMap(([name, member]) =>
    expandMember(op, { name: `${model.extension.id}:${name}`, member }, model),
  );
}

interface Member {
  readonly name: string;
  readonly member: unknown;
}

function expandMember(op: "add" | "replace", { name, member }: Member, model: ScimModel): readonly PatchStep[] {
  // Some clients send paths as names, filters and all; what else has a space in it is no attribute's name.
  if (!name.includes("[") && /^$|[\s\]]/.test(name)) return [];
  const target = findTarget(model, name);
  return target === undefined || target.attribute.mutability === "readOnly" ? [] : [stepOf(op, target, member)];
}

// RFC 7643 §2.5: null is the same as no value.
function stepOf(op: "add" | "replace", target: ScimTarget, value: unknown): PatchStep {
  return value === null ? { op: "remove", target, value: undefined } : { op, target, value };
}

function applyStep(resource: ScimResource, step: PatchStep): ScimResource {
  const { extension, attribute } = step.target;
  if (extension === undefined) return put(resource, attribute.name, changeValue(resource[attribute.name], step));
  const inner = resource[extension];
  const before = isObject(inner) ? inner : {};
  const after = put(before, attribute.name, changeValue(before[attribute.name], step));
  return put(resource, extension, Object.keys(after).length === 0 ? undefined : after);
}

function put(object: ScimResource, name: string, value: unknown): ScimResource {
  const { [name]: _, ...others } = object;
  return value === undefined ? others : { ...others, [name]: value };
}

function memberOf(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}
