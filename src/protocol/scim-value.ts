import { isObject } from "./json-object.ts";
import { ScimError } from "./scim-error.ts";
import type { Filter } from "./scim-filter.ts";
import { matchesFilter, type ScimValue } from "./scim-match.ts";
import type { PatchStep } from "./scim-patch.ts";
import { findAttribute } from "./scim-path.ts";
import type { ScimAttribute } from "./scim-schema.ts";

/** Most values that one attribute is given. */
const VALUES_MAX = 100;
/** Most characters of one text. */
const TEXT_LENGTH_MAX = 2_048;

/**
 * What an attribute holds after a step of a PATCH (RFC 7644 §3.5.2.1 to §3.5.2.3).
 *
 * @param current as it is stored; undefined for none
 * @returns undefined for none
 * @throws ScimError `invalidValue` for a value of another type, `noTarget` where no value passes the filter
 */
export function changeValue(current: unknown, step: PatchStep): unknown {
  const { op, target, value } = step;
  const { attribute } = target;
  if (attribute.type !== "complex") return op === "remove" ? undefined : readScalar(attribute, value);
  if (attribute.multiValued) {
    const before = Array.isArray(current) ? current.filter(isObject) : [];
    const after = keepOnePrimary(before, changeValues(before, step)).filter((one) => Object.keys(one).length > 0);
    if (after.length > VALUES_MAX) throw invalidValue(attribute, `has more than ${VALUES_MAX} values`);
    return after.length === 0 ? undefined : after;
  }
  const after = changeComplex(isObject(current) ? current : {}, step);
  return Object.keys(after).length === 0 ? undefined : after;
}

/** The values that are given for an attribute of several, one or a list of them. Throws ScimError `invalidValue`. */
export function readValues(attribute: ScimAttribute, value: unknown): readonly ScimValue[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  return given.map((one) => compact(readComplex(attribute, one)));
}

function changeComplex(current: ScimValue, { op, target, value }: PatchStep): ScimValue {
  const { attribute, sub } = target;
  if (sub !== undefined)
    return compact({ ...current, [sub.name]: op === "remove" ? undefined : readScalar(sub, value) });
  return op === "remove" ? {} : compact({ ...current, ...readComplex(attribute, value) });
}

function changeValues(values: readonly ScimValue[], step: PatchStep): readonly ScimValue[] {
  const { op, target, value } = step;
  const { attribute, filter, sub } = target;
  if (filter !== undefined) return changeMatching(values, filter, step);
  if (sub !== undefined) {
    const all = values.length === 0 && op !== "remove" ? [{}] : values;
    return all.map((one) => changeComplex(one, step));
  }
  if (op === "remove") return [];
  const given = readValues(attribute, value);
  if (op === "replace") return given;
  const known = new Set(values.map(print));
  return [...values, ...given.filter((one) => !known.has(print(one)))];
}

function changeMatching(values: readonly ScimValue[], filter: Filter, step: PatchStep): readonly ScimValue[] {
  const { op, target, value } = step;
  const { attribute, sub } = target;
  const matches = new Set(values.filter((one) => matchesFilter(filter, one, attribute)));
  if (matches.size === 0) {
    const wanted = op === "add" ? describeValue(filter, attribute) : undefined;
    if (wanted === undefined) throw new ScimError("noTarget", `path: no value of ${attribute.name} passes the filter`);
    return [...values, changeComplex(wanted, step)];
  }
  if (op === "remove" && sub === undefined) return values.filter((one) => !matches.has(one));
  const isWhole = op === "replace" && sub === undefined;
  const change = (one: ScimValue) => (isWhole ? compact(readComplex(attribute, value)) : changeComplex(one, step));
  return values.map((one) => (matches.has(one) ? change(one) : one));
}

/** The value that a filter describes by `eq` alone: what an `add` means that finds none. */
function describeValue(filter: Filter, attribute: ScimAttribute): ScimValue | undefined {
  if (filter.kind === "and") {
    const parts = filter.filters.map((part) => describeValue(part, attribute));
    const known = parts.filter((part) => part !== undefined);
    return known.length === parts.length ? Object.assign({}, ...known) : undefined;
  }
  if (filter.kind !== "compare" || filter.operator !== "eq") return undefined;
  const part = findAttribute(attribute.subAttributes ?? [], filter.attribute);
  return part === undefined || filter.value === null ? undefined : { [part.name]: filter.value };
}

// RFC 7643 §2.4: at most one is primary; RFC 7644 §3.5.2: another becomes it, and the one before is it no more.
function keepOnePrimary(before: readonly ScimValue[], after: readonly ScimValue[]): readonly ScimValue[] {
  const primary = after.filter((one) => one.primary === true);
  if (primary.length < 2) return after;
  const [chosen, ...others] = primary.filter((one) => !before.includes(one));
  if (chosen === undefined || others.length > 0) throw new ScimError("invalidValue", "more than one value is primary");
  return after.map((one) => (one === chosen || one.primary !== true ? one : { ...one, primary: false }));
}

function readComplex(attribute: ScimAttribute, value: unknown): Readonly<Record<string, unknown>> {
  const parts = attribute.subAttributes ?? [];
  // A text for what has a value: so say clients that know a manager by his id.
  const given = typeof value === "string" && findAttribute(parts, "value") !== undefined ? { value } : value;
  if (!isObject(given)) throw invalidValue(attribute, "must be an object");
  const read = Object.entries(given).flatMap(([name, member]) => {
    const part = findAttribute(parts, name);
    return part === undefined ? [] : [[part.name, member === null ? undefined : readScalar(part, member)]];
  });
  return Object.fromEntries(read);
}

function readScalar(attribute: ScimAttribute, value: unknown): string | boolean {
  if (attribute.type === "boolean") {
    const flag = typeof value === "string" ? FLAGS.get(value.toLowerCase()) : value;
    if (typeof flag === "boolean") return flag;
    throw invalidValue(attribute, "must be true or false");
  }
  if (typeof value === "string" && value.length > TEXT_LENGTH_MAX) {
    throw invalidValue(attribute, `is longer than ${TEXT_LENGTH_MAX} characters`);
  }
  if (typeof value === "string") return value;
  throw invalidValue(attribute, "must be a string");
}

// Some clients send truth as a text.
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
]);

function compact(value: Readonly<Record<string, unknown>>): ScimValue {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
}

function print(value: ScimValue): string {
  return JSON.stringify(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function invalidValue(attribute: ScimAttribute, rule: string): ScimError {
  return new ScimError("invalidValue", `${attribute.name}: ${rule}`);
}
