import type { ComparisonOperator, Filter, FilterValue } from "../../src/protocol/scim-filter.ts";

/** What a row holds under an attribute's name in lower case; a time is a text. */
export type FilteredRow = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Whether a row passes a filter, as RFC 7644 §3.4.2.2 says it: a second reading of the same rules, for a filter that the list can take.
 *
 * @param exact the attributes whose case counts
 */
export function passes(filter: Filter, row: FilteredRow, exact: ReadonlySet<string>, prefix = ""): boolean {
  switch (filter.kind) {
    case "and":
      return filter.filters.every((part) => passes(part, row, exact, prefix));
    case "or":
      return filter.filters.some((part) => passes(part, row, exact, prefix));
    case "not":
      return !passes(filter.filter, row, exact, prefix);
    case "value":
      return passes(filter.filter, row, exact, `${prefix}${filter.attribute}.`);
    case "present":
      return isPresent(row[nameOf(prefix, filter.attribute)]);
    case "compare": {
      const name = nameOf(prefix, filter.attribute);
      const stored = row[name] ?? null;
      if (filter.value === null) return isPresent(stored) === (filter.operator === "ne");
      if (stored === null) return filter.operator === "ne";
      const fold = (value: FilterValue) => (exact.has(name) ? value : asComparable(value));
      return compare(filter.operator, fold(stored), fold(filter.value));
    }
  }
}

function nameOf(prefix: string, attribute: string): string {
  return `${prefix}${attribute}`.toLowerCase();
}

function isPresent(value: FilterValue | undefined): boolean {
  return value !== null && value !== undefined && value !== "";
}

function asComparable(value: FilterValue): FilterValue {
  if (typeof value !== "string") return value;
  return /^\d{4}-\d\d-\d\dT/i.test(value) ? Date.parse(value) : value.toLowerCase();
}

function compare(operator: ComparisonOperator, stored: FilterValue, asked: FilterValue): boolean {
  const order = orderOf(stored, asked);
  const [text, part] = [String(stored), String(asked)];
  const answers: Readonly<Record<ComparisonOperator, boolean>> = {
    eq: order === 0,
    ne: order !== 0,
    co: text.includes(part),
    sw: text.startsWith(part),
    ew: text.endsWith(part),
    gt: order > 0,
    ge: order >= 0,
    lt: order < 0,
    le: order <= 0,
  };
  return answers[operator];
}

// Texts by code points, which UTF-8 keeps in order.
function orderOf(one: FilterValue, other: FilterValue): number {
  if (typeof one === "string" && typeof other === "string") return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return Number(one) - Number(other);
}
