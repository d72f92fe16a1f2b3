import type { FieldViolation } from "../http/management-error.ts";

/** A violation for each element that stands in a list twice. */
export function refuseRepeats(field: string, list: readonly string[]): FieldViolation[] {
  const repeated = new Set(list.filter((element, index) => list.indexOf(element) !== index));
  return [...repeated].map((element) => ({ field, description: `repeats ${element}` }));
}

/** A violation for each element that is not among those allowed; `reason` says what they would have to be. */
export function refuseOthers(
  field: string,
  list: readonly string[],
  allowed: { readonly has: (element: string) => boolean; readonly reason: string },
): FieldViolation[] {
  const others = list.filter((element) => !allowed.has(element));
  return others.map((element) => ({ field, description: `${element} ${allowed.reason}` }));
}
