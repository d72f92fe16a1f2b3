import { ScimError } from "./scim-error.ts";
import type { Filter } from "./scim-filter.ts";
import type { PatchStep } from "./scim-patch.ts";
import { readValues } from "./scim-value.ts";

/** Most members that one request adds to a group or takes out. */
export const MEMBERS_MAX = 10_000;

/** What becomes of the members of a group. */
export interface MemberChange {
  /** whether those that are not added leave */
  readonly isWhole: boolean;
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** Whether a step is about who is in a group: that is never read into a resource, however many there are. */
export function isOfMembers({ target }: PatchStep): boolean {
  return target.attribute.name === "members";
}

/**
 * What steps about members come to, one after the other: added, taken out by `members[value eq "…"]` or by a value, replaced or all
 * taken out.
 *
 * @throws ScimError for another path, a value that names nobody, or more than there may be
 */
export function readMemberChange(steps: readonly PatchStep[]): MemberChange {
  const change = { isWhole: false, added: new Set<string>(), removed: new Set<string>() };
  for (const step of steps) {
    const { op, target, value } = step;
    if (target.sub !== undefined || (target.filter !== undefined && op !== "remove")) {
      throw new ScimError("invalidPath", 'path: members, or for a removal members[value eq "…"]');
    }
    const named = namedBy(step);
    const isAll = op === "remove" && target.filter === undefined && value === undefined;
    if (op === "replace" || isAll) {
      change.isWhole = true;
      change.added.clear();
      change.removed.clear();
    }
    const [into, outOf] = op === "remove" ? [change.removed, change.added] : [change.added, change.removed];
    for (const id of named) {
      outOf.delete(id);
      into.add(id);
    }
    if (change.added.size + change.removed.size > MEMBERS_MAX) {
      throw new ScimError("tooMany", `members: more than ${MEMBERS_MAX} in one request`);
    }
  }
  return change;
}

function namedBy({ target, value }: PatchStep): readonly string[] {
  if (target.filter !== undefined) return chosenBy(target.filter);
  if (value === undefined) return [];
  return readValues(target.attribute, value).map(({ value: id }) => {
    if (typeof id === "string") return id;
    throw new ScimError("invalidValue", "members: value: missing");
  });
}

function chosenBy(filter: Filter): readonly string[] {
  if (filter.kind === "or") return filter.filters.flatMap(chosenBy);
  const isByValue = filter.kind === "compare" && filter.operator === "eq" && filter.attribute.toLowerCase() === "value";
  if (isByValue && typeof filter.value === "string") return [filter.value];
  throw new ScimError("invalidFilter", 'path: members are chosen by value eq "…"');
}
