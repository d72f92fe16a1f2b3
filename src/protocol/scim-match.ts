import { ScimError } from "./scim-error.ts";
import type { Comparison, ComparisonOperator, Filter } from "./scim-filter.ts";
import { findAttribute } from "./scim-path.ts";
import type { ScimAttribute } from "./scim-schema.ts";

/** One value of a complex attribute. */
export type ScimValue = Readonly<Record<string, unknown>>;

/**
 * Whether one of several values passes the filter of a path (RFC 7644 §3.4.2.2).
 *
 * @throws ScimError `invalidFilter` for a part that the attribute does not have, or a comparison that it does not know
 */
export function matchesFilter(filter: Filter, value: ScimValue, attribute: ScimAttribute): boolean {
  switch (filter.kind) {
    case "and":
      return filter.filters.every((part) => matchesFilter(part, value, attribute));
    case "or":
      return filter.filters.some((part) => matchesFilter(part, value, attribute));
    case "not":
      return !matchesFilter(filter.filter, value, attribute);
    case "value":
      throw refusal(`${filter.attribute} has no values to choose from`);
    case "present":
      return isPresent(value[partOf(filter.attribute, attribute).name]);
    case "compare": {
      const part = partOf(filter.attribute, attribute);
      return compare(filter, value[part.name], part);
    }
  }
}

function partOf(name: string, attribute: ScimAttribute): ScimAttribute {
  const part = findAttribute(attribute.subAttributes ?? [], name);
  if (part === undefined) throw refusal(`${attribute.name} has no ${name}`);
  return part;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== "";
}

function compare({ operator, value: wanted }: Comparison, given: unknown, part: ScimAttribute): boolean {
  if (wanted === null) {
    if (operator === "eq" || operator === "ne") return isPresent(given) === (operator === "ne");
    throw refusal(`${part.name} cannot be compared with null by ${operator}`);
  }
  if (typeof wanted !== part.type) throw refusal(`${part.name} is compared with a ${part.type}`);
  if (typeof wanted !== "string") {
    if (operator === "eq") return given === wanted;
    if (operator === "ne") return given !== wanted;
    throw refusal(`${part.name} cannot be compared by ${operator}`);
  }
  if (typeof given !== "string") return operator === "ne";
  const fold = (text: string): string => (part.caseExact ? text : text.toLowerCase());
  return COMPARERS[operator](fold(given), fold(wanted));
}

const COMPARERS: Readonly<Record<ComparisonOperator, (given: string, wanted: string) => boolean>> = {
  eq: (given, wanted) => given === wanted,
  ne: (given, wanted) => given !== wanted,
  co: (given, wanted) => given.includes(wanted),
  sw: (given, wanted) => given.startsWith(wanted),
  ew: (given, wanted) => given.endsWith(wanted),
  gt: (given, wanted) => given > wanted,
  ge: (given, wanted) => given >= wanted,
  lt: (given, wanted) => given < wanted,
  le: (given, wanted) => given <= wanted,
};

function refusal(rule: string): ScimError {
  return new ScimError("invalidFilter", `path: ${rule}`);
}
