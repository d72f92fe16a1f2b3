import {
  AFTER_LENGTH_MAX,
  decodePageToken,
  digestQuestion,
  encodePageToken,
  invalidPageToken,
  PAGE_TOKEN_LIFETIME_SECONDS,
} from "./pagination.ts";

/** Longest page token of a list: one that carries the longest filter. */
export const LIST_PAGE_TOKEN_LENGTH_MAX = 12_000;

/** Where a filtered list goes on, and what later pages keep of the first one's query. */
export interface ListPosition {
  /** the id of the last row that was shown */
  readonly after: string;
  readonly pageSize: number;
  /** the filter as it was written; it may be longer as it is printed */
  readonly filter: string | undefined;
  readonly kept: Readonly<Record<string, string>>;
}

interface TokenContent {
  readonly list: string;
  readonly after: string;
  readonly size: number;
  readonly filter?: string;
  readonly kept?: Readonly<Record<string, string>>;
  readonly until: number;
}

/** Which lists a page token is for, and when it is used. */
export interface ListPlace {
  /** the list and whose it is */
  readonly list: readonly string[];
  /** names of the members that are kept */
  readonly kept: readonly string[];
  /** seconds of real time */
  readonly now: number;
}

/** A page token of a list, with the same promises as `formatPageToken`. */
export function formatListPageToken(position: ListPosition, { list, now }: ListPlace): string {
  const { after, pageSize, filter, kept } = position;
  const content: TokenContent = {
    list: digestQuestion(list),
    after,
    size: pageSize,
    ...(filter === undefined ? {} : { filter }),
    ...(Object.keys(kept).length === 0 ? {} : { kept }),
    until: now + PAGE_TOKEN_LIFETIME_SECONDS,
  };
  return encodePageToken(content);
}

/**
 * Reads a page token of a list. It is not signed: what it says is judged like what a query says, and the size by the caller.
 *
 * @throws ManagementError 400 naming `page_token`, for one that is malformed, too old or of another list
 */
export function parseListPageToken(text: string, place: ListPlace): ListPosition {
  const content = text.length > LIST_PAGE_TOKEN_LENGTH_MAX ? undefined : decodePageToken(text);
  if (!isContent(content, place.kept)) throw invalidPageToken();
  if (content.until <= place.now || content.list !== digestQuestion(place.list)) throw invalidPageToken();
  const { after, size, filter, kept = {} } = content;
  return { after, pageSize: size, filter, kept };
}

// Ids and kept members are of these characters; others the database might not take.
const PLAIN = /^[\x21-\x7e]*$/;

function isContent(value: unknown, keptNames: readonly string[]): value is TokenContent {
  if (typeof value !== "object" || value === null) return false;
  const content: Partial<Record<keyof TokenContent, unknown>> = value;
  const { kept = {}, filter = "" } = content;
  return (
    typeof content.list === "string" &&
    isPlain(content.after) &&
    Number.isSafeInteger(content.size) &&
    Number.isSafeInteger(content.until) &&
    typeof filter === "string" &&
    typeof kept === "object" &&
    kept !== null &&
    Object.entries(kept).every(([name, text]) => keptNames.includes(name) && isPlain(text))
  );
}

function isPlain(text: unknown): boolean {
  return typeof text === "string" && text.length <= AFTER_LENGTH_MAX && PLAIN.test(text);
}
