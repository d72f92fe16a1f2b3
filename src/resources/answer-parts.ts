// Members that many answers have (reference 2.1).

import { type Static, type TProperties, type TSchema, type TUnsafe, Type } from "typebox";
import { formatInstant } from "../platform/clock.ts";
import { HexId } from "./schema-parts.ts";

/** RFC 3339 in UTC, with milliseconds. */
const Instant = Type.String({ format: "date-time" });

/** When something was made and last changed. */
export const TIMES = { create_time: Instant, update_time: Instant } as const satisfies TProperties;
/** Which tenant and realm something belongs to. */
export const PLACE = { tenant_id: HexId, realm_id: HexId } as const satisfies TProperties;

/** The names of the members that are never written, for bodies that send them back. */
export const READ_ONLY = ["id", "tenant_id", "realm_id", "create_time", "update_time"] as const;

/** A row's times as an answer shows them. */
export function timesOf({ createdAtMs, updatedAtMs }: { readonly createdAtMs: number; readonly updatedAtMs: number }): {
  readonly create_time: string;
  readonly update_time: string;
} {
  return { create_time: formatInstant(createdAtMs), update_time: formatInstant(updatedAtMs) };
}

/** What the header `x-total-size` says of a list that is too long to be counted (settled 13). */
export const TOTAL_SIZE = "`estimated` where total_size was not counted exactly";

/** The answer of a list: one page under the noun's plural name. */
export function pageOf<const Plural extends string, S extends TSchema>(
  plural: Plural,
  item: S,
): TUnsafe<ListPage<Plural, Static<S>>> {
  return Type.Unsafe<ListPage<Plural, Static<S>>>({
    type: "object",
    properties: {
      [plural]: { type: "array", items: item },
      total_size: { type: "integer", minimum: 0 },
      next_page_token: { type: "string" },
    },
    required: [plural, "total_size"],
    additionalProperties: false,
  });
}

/** One page of a list: without `next_page_token` it is the last. Nothing stands before the array: bi-cli takes the first member for it. */
export type ListPage<Plural extends string, Item> = Readonly<Record<Plural, readonly Item[]>> & {
  readonly total_size: number;
  readonly next_page_token?: string;
};
