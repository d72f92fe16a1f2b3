import { type Static, type TProperties, type TSchema, type TUnsafe, Type } from "typebox";
import { type ListQueryMembers, type ListReader, parseListQuery, readListPage } from "../http/list-query.ts";
import type { Operation } from "../http/operation.ts";
import type { PageSizes } from "../http/pagination.ts";
import { type ListPage, pageOf } from "./answer-parts.ts";
import type { Call } from "./call.ts";
import { type BoundOperation, reads } from "./operations.ts";

/** An operation that lists a noun, a page at a time (reference 2.1). */
export interface ListOperation extends Omit<Operation, "method" | "query" | "answer"> {
  /** the name of the array in the answer */
  readonly plural: string;
  /** one element as it is shown */
  readonly item: TSchema;
  readonly sizes: PageSizes;
  /** whether elements may be left out by number; a page token does not keep that */
  readonly takesSkip?: true;
  readonly takesFilter?: true;
  /** further members of the query, texts; a page token keeps them, and they may be left out with one */
  readonly members?: TProperties;
}

/** How the elements of a list are read and shown. */
export interface ListSource<Row, Item> extends ListReader<Row> {
  readonly show: (row: Row) => Item;
  /** what has to be done before a page is shown */
  readonly note?: (rows: readonly Row[]) => Promise<void>;
}

type Listed<O extends ListOperation> = O & {
  readonly method: "GET";
  readonly query: TUnsafe<ListQueryMembers>;
  readonly answer: TUnsafe<ListPage<O["plural"], Static<O["item"]>>>;
};

const Text = Type.Optional(Type.String());

/** An operation that lists: `source` says of whom, and how. Pages, sizes, totals, filters and page tokens are the same everywhere. */
export function lists<const O extends ListOperation, Row>(
  operation: O,
  source: (
    call: Call<ListQueryMembers, unknown>,
    kept: Readonly<Record<string, string>>,
  ) => ListSource<Row, Static<O["item"]>>,
): BoundOperation<Listed<O>> {
  const { plural, item, sizes, members = {}, takesSkip, takesFilter } = operation;
  const properties = {
    page_size: Text,
    page_token: Text,
    ...(takesSkip === true ? { skip: Text } : {}),
    ...(takesFilter === true ? { filter: Text } : {}),
    ...members,
  };
  const query = Type.Unsafe<ListQueryMembers>(Type.Object(properties, { additionalProperties: false }));
  const listed: Listed<O> = {
    ...operation,
    method: "GET",
    query,
    answer: pageOf<O["plural"], O["item"]>(plural, item),
  };
  const route: Operation & { readonly query: typeof query } = listed;
  const { bind } = reads(route, async (call) => {
    const list = [operation.name, ...Object.values(call.request.parameters)];
    const asked = parseListQuery(call.query, { list, sizes, kept: Object.keys(members) }, call.deps.clock.nowSeconds());
    const reader = source(call, asked.kept);
    const { items, ends } = await readListPage(asked, reader);
    await reader.note?.(items);
    return { value: { [plural]: items.map(reader.show), ...ends } };
  });
  return { operation: listed, bind };
}
