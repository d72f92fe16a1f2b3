import type { ListPage } from "../../database/list-statements.ts";
import { fieldViolations } from "../../http/management-error.ts";
import { type Filter, FilterError, parseFilter } from "../../protocol/scim-filter.ts";
import type { ScimListQuery, ScimListResponse } from "./schema.ts";

/** Most resources of one answer (reference 2.1). */
export const SCIM_COUNT_MAX = 1_000;
const LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/** How the rows of a list are read and shown. */
export interface ScimListSource<Row, Item> {
  readonly page: (page: ListPage) => Promise<readonly Row[]>;
  readonly count: (filter: Filter | undefined) => Promise<number>;
  readonly show: (row: Row) => Item;
}

/**
 * Answers a query for resources (RFC 7644 §3.4.2). Without a `count` it tells how many there are and shows none (reference 2.1).
 *
 * @throws ManagementError 400 naming the member of the query that cannot be read
 */
export async function listResources<Row, Item>(
  query: ScimListQuery,
  { page, count, show }: ScimListSource<Row, Item>,
): Promise<ScimListResponse<Item>> {
  // RFC 7644 §3.4.2.4: less than 1 is 1, a negative count 0.
  const startIndex = Math.max(1, readNumber("startIndex", query.startIndex, 1));
  const limit = Math.min(SCIM_COUNT_MAX, Math.max(0, readNumber("count", query.count, 0)));
  try {
    const filter = query.filter ? parseFilter(query.filter) : undefined;
    const [rows, totalResults] = await Promise.all([
      limit === 0 ? [] : page({ after: "", limit, skip: startIndex - 1, filter }),
      count(filter),
    ]);
    const Resources = rows.map(show);
    return { schemas: [LIST], totalResults, startIndex, itemsPerPage: Resources.length, Resources };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw fieldViolations([{ field: "filter", description: error.message }]);
  }
}

/** The discovery documents of one kind as a list. */
export function listOfDocuments<Item>(documents: readonly Item[]): ScimListResponse<Item> {
  const { length } = documents;
  return { schemas: [LIST], totalResults: length, startIndex: 1, itemsPerPage: length, Resources: documents };
}

function readNumber(field: string, text: string | undefined, fallback: number): number {
  if (!text) return fallback;
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw fieldViolations([{ field, description: "not a whole number" }]);
}
