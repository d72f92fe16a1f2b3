import type { ListPage } from "../database/list-statements.ts";
import { type Filter, FilterError, parseFilter, printFilter } from "../protocol/scim-filter.ts";
import { formatListPageToken, type ListPlace, parseListPageToken } from "./list-page-token.ts";
import { fieldViolations, type ManagementError } from "./management-error.ts";
import { decidePageSize, invalidPageToken, type PageSizes } from "./pagination.ts";

/** The sizes of pages of a directory: realms, identities, groups, roles, members, scopes, credentials (reference 2.1). */
export const DIRECTORY_PAGE_SIZES: PageSizes = { fallback: 20, maximum: 200 };
/** The sizes of pages of applications, authenticator configs and resource servers (reference 2.1). */
export const CONFIGURATION_PAGE_SIZES: PageSizes = { fallback: 100, maximum: 100 };

const SKIP_MAX = 2 ** 32 - 1;

/** What a list route says of itself. */
export interface ListRules {
  /** the list and whose it is, such as `["groups", tenantId, realmId]`: page tokens are good for it alone */
  readonly list: readonly string[];
  readonly sizes: PageSizes;
  /** members of the query that later pages keep, though clients leave them out there (reference 2.1) */
  readonly kept?: readonly string[];
}

/** The query of a list route, as its schema lets it through: texts. */
export type ListQueryMembers = Readonly<Record<string, string | undefined>>;

/** A filter, and how it was written. */
interface AskedFilter {
  readonly text: string;
  readonly parsed: Filter;
}

/** What a list was asked for. */
export interface ListQuery {
  readonly after: string;
  readonly pageSize: number;
  readonly skip: number;
  readonly filter: AskedFilter | undefined;
  /** the kept members, from the query or from the page token */
  readonly kept: Readonly<Record<string, string>>;
  readonly place: ListPlace;
}

/**
 * Reads `page_size`, `page_token`, `skip`, `filter` and the kept members of a list's query (reference 2.1). A page token keeps the
 * size, the filter and those members: another size may be asked for, another filter or member may not.
 *
 * @param now seconds of real time
 * @throws ManagementError 400 naming the member at fault
 */
export function parseListQuery(query: ListQueryMembers, rules: ListRules, now: number): ListQuery {
  const { list, sizes, kept: keptNames = [] } = rules;
  const place = { list, kept: keptNames, now };
  const asked = { filter: parseAsked(query.filter, refuseFilter), kept: pick(query, keptNames) };
  const position = query.page_token ? parseListPageToken(query.page_token, place) : undefined;
  const before = position && { filter: parseAsked(position.filter, invalidPageToken), kept: position.kept };
  if (before !== undefined) refuseOther(asked, before);
  return {
    after: position?.after ?? "",
    pageSize: decidePageSize(query.page_size, position?.pageSize, sizes),
    skip: readSkip(query.skip),
    ...(before ?? asked),
    place,
  };
}

/** How the rows of one owner's list are read, by functions that end in those of `declareList`. */
export interface ListReader<Item> {
  readonly page: (page: ListPage) => Promise<readonly Item[]>;
  readonly count: (filter: Filter | undefined) => Promise<number>;
  readonly idOf: (item: Item) => string;
}

/** A page of a list, and what else its envelope says. */
export interface ListResult<Item> {
  readonly items: readonly Item[];
  readonly ends: { readonly total_size: number; readonly next_page_token?: string };
}

/**
 * Reads the page that was asked for, and counts all that there is. `next_page_token` is there only when more remain: clients loop for
 * ever on an empty one (reference 2.1).
 *
 * @throws ManagementError 400 naming `filter`, for one that asks for what the list does not have
 */
export async function readListPage<Item>(query: ListQuery, reader: ListReader<Item>): Promise<ListResult<Item>> {
  const { after, pageSize, skip, filter, kept, place } = query;
  const [rows, total] = await Promise.all([
    reader.page({ after, limit: pageSize + 1, skip, filter: filter?.parsed }),
    filter === undefined ? reader.count(undefined) : undefined,
  ]).catch((error: unknown) => {
    throw error instanceof FilterError ? refuseFilter(error) : error;
  });
  // To count what passes a filter may take as long as to find it: not where all of it is on this page.
  const isAll = after === "" && skip === 0 && rows.length <= pageSize;
  const totalSize = total ?? (isAll ? rows.length : await reader.count(filter?.parsed));
  const items = rows.slice(0, pageSize);
  const last = items.at(-1);
  if (rows.length === items.length || last === undefined) return { items, ends: { total_size: totalSize } };
  const next = formatListPageToken({ after: reader.idOf(last), pageSize, filter: filter?.text, kept }, place);
  return { items, ends: { total_size: totalSize, next_page_token: next } };
}

function parseAsked(
  text: string | undefined,
  refuse: (error: FilterError) => ManagementError,
): AskedFilter | undefined {
  if (!text) return undefined;
  try {
    return { text, parsed: parseFilter(text) };
  } catch (error) {
    throw error instanceof FilterError ? refuse(error) : error;
  }
}

/** 400 for a filter that cannot be read, or that asks for what the list does not have. */
export function refuseFilter({ message }: FilterError): ManagementError {
  return fieldViolations([{ field: "filter", description: message }]);
}

function pick(query: ListQueryMembers, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query[name];
      return value ? [[name, value]] : [];
    }),
  );
}

// What is asked for again must be what the token was made for.
function refuseOther(asked: Kept, before: Kept): void {
  const isOtherFilter = asked.filter !== undefined && print(asked.filter) !== print(before.filter);
  const isOtherMember = Object.entries(asked.kept).some(([name, value]) => before.kept[name] !== value);
  if (isOtherFilter || isOtherMember) throw invalidPageToken();
}

type Kept = Pick<ListQuery, "filter" | "kept">;

function print(filter: AskedFilter | undefined): string | undefined {
  return filter && printFilter(filter.parsed);
}

function readSkip(text: string | undefined): number {
  if (!text) return 0;
  const skip = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (skip <= SKIP_MAX) return skip;
  throw fieldViolations([{ field: "skip", description: `not a whole number up to ${SKIP_MAX}` }]);
}
