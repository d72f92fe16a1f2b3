// Rule 1: the API gives nobody more than the caller holds.

/** What somebody may do through the management API. */
export interface Authority {
  /** management scopes */
  readonly scopes: ReadonlySet<string>;
  /** the realms where: `*`, the id of one, or empty for none (rule 8) */
  readonly reach: string;
}

/** What somebody holds who may do nothing there. */
export const NO_AUTHORITY: Authority = { scopes: new Set(), reach: "" };

/** Whether whoever holds the one lacks nothing of the other. Scopes without a realm are no power, nor is a realm without scopes. */
export function covers(held: Authority, other: Authority): boolean {
  if (other.scopes.size === 0 || other.reach === "") return true;
  const reaches = held.reach === "*" || held.reach === other.reach;
  return reaches && listLacking(held, other).length === 0;
}

/** The scopes of the other that whoever holds the one lacks. */
export function listLacking(held: Authority, other: Authority): readonly string[] {
  return [...other.scopes].filter((scope) => !held.scopes.has(scope));
}
