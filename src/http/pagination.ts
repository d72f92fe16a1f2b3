import { sha256 } from "../platform/hash.ts";
import { fieldViolations, type ManagementError } from "./management-error.ts";

/** Page tokens are good for a week (reference 2.1). */
export const PAGE_TOKEN_LIFETIME_SECONDS = 604_800;
const PAGE_TOKEN_LENGTH_MAX = 2_000;
export const AFTER_LENGTH_MAX = 256;

/** Where a list goes on, and what must be the same there. */
export interface PagePosition {
  readonly after: string;
  readonly pageSize: number;
  readonly totalSize: number;
  readonly totalIsEstimated: boolean;
}

interface PageTokenContent extends PagePosition {
  readonly query: string;
  readonly until: number;
}

/**
 * A page token: base64url, since clients splice it into URLs unescaped. It carries nothing that its holder may not know, and no
 * authority: every page is authorized anew.
 *
 * @param query what the list was asked for; a token is good for the same question only
 * @param now seconds of real time
 */
export function formatPageToken(position: PagePosition, query: readonly string[], now: number): string {
  const content: PageTokenContent = {
    ...position,
    query: digestQuestion(query),
    until: now + PAGE_TOKEN_LIFETIME_SECONDS,
  };
  return encodePageToken(content);
}

/** Reads a page token. Throws 400 naming `page_token` for one that is malformed, too old or of another list. */
function parsePageToken(text: string, query: readonly string[], now: number): PagePosition {
  const content = text.length > PAGE_TOKEN_LENGTH_MAX ? undefined : decodePageToken(text);
  if (!isContent(content) || content.until <= now || content.query !== digestQuestion(query)) {
    throw invalidPageToken();
  }
  return content;
}

/** 400 for a page token that cannot be used. */
export function invalidPageToken(): ManagementError {
  return fieldViolations([{ field: "page_token", description: "invalid page token" }]);
}

/** What must be the same on all pages of a list, in few characters. */
export function digestQuestion(question: readonly string[]): string {
  return sha256(JSON.stringify(question)).subarray(0, 12).toString("base64url");
}

/** What a page token carries, as the text that is one. */
export function encodePageToken(content: object): string {
  return Buffer.from(JSON.stringify(content), "utf8").toString("base64url");
}

/** What a text carries, if it is a page token at all. */
export function decodePageToken(text: string): unknown {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

function isContent(value: unknown): value is PageTokenContent {
  if (typeof value !== "object" || value === null) return false;
  const content: Partial<Record<keyof PageTokenContent, unknown>> = value;
  return (
    typeof content.after === "string" &&
    content.after.length <= AFTER_LENGTH_MAX &&
    typeof content.query === "string" &&
    typeof content.totalIsEstimated === "boolean" &&
    [content.pageSize, content.totalSize, content.until].every(
      (number) => Number.isSafeInteger(number) && Number(number) >= 0,
    )
  );
}

/** The sizes of a list's pages. */
export interface PageSizes {
  /** of who asks for none, or for 0 */
  readonly fallback: number;
  /** of who asks for more */
  readonly maximum: number;
}

/** What a list's query says of the page that it wants. */
export interface PageQuery {
  readonly page_size?: string;
  readonly page_token?: string;
}

/**
 * Reads where a list goes on, undefined for its first page, and how long the page is to be.
 *
 * @param place `question`: what the list was asked for; `now`: seconds of real time
 * @throws ManagementError 400 naming the member at fault
 */
export function readPageQuery(
  query: PageQuery,
  place: { readonly question: readonly string[]; readonly sizes: PageSizes; readonly now: number },
): { readonly position: PagePosition | undefined; readonly pageSize: number } {
  const { question, sizes, now } = place;
  const position = query.page_token === undefined ? undefined : parsePageToken(query.page_token, question, now);
  return { position, pageSize: decidePageSize(query.page_size, position?.pageSize, sizes) };
}

/**
 * The size of a page: what its query says, else what the page before had, else the usual. Page tokens are not signed: what one says of the
 * size is bounded like what a query says.
 */
export function decidePageSize(text: string | undefined, kept: number | undefined, sizes: PageSizes): number {
  const keptSize = kept === undefined ? sizes.fallback : Math.max(1, Math.min(kept, sizes.maximum));
  return readPageSize(text, sizes) ?? keptSize;
}

/** A page size from a query: absent or 0 is the default, more than the maximum is the maximum (reference 2.1). */
function readPageSize(text: string | undefined, sizes: PageSizes): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d+$/.test(text)) throw fieldViolations([{ field: "page_size", description: "not a whole number" }]);
  return Number(text) === 0 ? sizes.fallback : Math.min(Number(text), sizes.maximum);
}
