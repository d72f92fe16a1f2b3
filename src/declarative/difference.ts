// What would change, in words: `protocol_config.pkce: "disabled" -> "s256"`.

import { isObject } from "../protocol/json-object.ts";

const VALUE_LENGTH_MAX = 120;

/** How the values of an object may be shown. */
export type Showing = "values" | "names";

/**
 * Compares what is with what shall be, member by member.
 *
 * @param showing `names` for personal data: the log then says only what changed, not from what to what
 * @returns one text for each member that differs; none when nothing does
 */
export function describeDifference(before: unknown, after: unknown, showing: Showing): string[] {
  return differ([], before, after).map(({ path, from, to }) => {
    const name = path.join(".");
    if (showing === "names") return `${name} changed`;
    return Array.isArray(from) && Array.isArray(to)
      ? listChange(name, from, to)
      : `${name}: ${show(from)} -> ${show(to)}`;
  });
}

interface MemberChange {
  readonly path: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

function differ(path: readonly string[], before: unknown, after: unknown): MemberChange[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differ([...path, name], before[name], after[name]));
  }
  return isSame(before, after) ? [] : [{ path, from: before, to: after }];
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, n) => isSame(value, b[n]));
  if (!isObject(a) || !isObject(b)) return a === b;
  return differ([], a, b).length === 0;
}

function listChange(name: string, from: readonly unknown[], to: readonly unknown[]): string {
  const added = to.filter((value) => !from.some((other) => isSame(value, other))).map((value) => `+${show(value)}`);
  const removed = from.filter((value) => !to.some((other) => isSame(value, other))).map((value) => `-${show(value)}`);
  const parts = [...added, ...removed];
  return cut(`${name}: ${parts.length === 0 ? "in another order" : parts.join(" ")}`);
}

function show(value: unknown): string {
  return value === undefined ? "none" : cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`;
}
