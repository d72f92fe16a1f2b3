import type { Queryable, Row } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { IN_APPLICATION_ORDER } from "../application-order.ts";
import { familyLives, tokenEnd, tokenLives } from "../live-token.ts";
import type { TokenKey } from "../token/queries.ts";

/** One row of the token list: an access token, or a refresh family under the id of its grant. Seconds of tenant time. */
export interface ListedToken {
  readonly id: string;
  readonly kind: "access" | "refresh";
  readonly displayName: string;
  readonly scope: string;
  readonly tokenSuffix: string;
  readonly selfContained: boolean;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What to list: one application's live tokens, of one principal if it is named. */
export interface TokenFilter {
  readonly now: number;
  readonly principalType: "application" | "identity" | undefined;
  readonly principalId: string | undefined;
}

/** Most rows of an application, dead ones too, that one page and one count look at, of tokens and of families each. */
const LOOKED_AT_MAX = 10_000;
const COUNTED_MAX = 50_000;

const TOKEN_COLUMNS = `id, tenant_id, realm_id, application_id, identity_id, grant_id, grant_bucket, key_id, issued_at, expires_at,
    revoked_at, uses_left, ancestors, display_name, scope, token_suffix`;
const FAMILY_COLUMNS = `id, tenant_id, realm_id, application_id, identity_id, session_id, siblings, issued_at, refresh_issued_at, refresh_expires_at,
    revoked_at, scope, refresh_suffix`;
const TOKEN_LIVES = `t.revoked_at IS NULL AND ${tokenLives("$4")}
  AND ($5::text IS NULL OR ($5 = 'identity') = (t.identity_id IS NOT NULL))
  AND ($6::text IS NULL OR COALESCE(t.identity_id, t.application_id) = $6)`;
const FAMILY_LIVES = `g.revoked_at IS NULL AND ${familyLives("$4")}
  AND ($5::text IS NULL OR $5 = 'identity') AND ($6::text IS NULL OR g.identity_id = $6)`;

// What lives of an application's newest rows below $7, and, dead or alive, the last row that is looked at: where more may follow. It
// is read row by row in the order of one index, the application's, from all partitions at once, and no further than a LIMIT behind
// it asks for. The application is a range, not an equality: then no other index gives that order, whatever the planner believes
// of how many rows there are. `lives` is judged once a row.
function newestRows(
  of: string,
  parts: { readonly columns: string; readonly lives: string; readonly max: number },
): string {
  const [, row] = of.split(" ");
  return `(SELECT *, row_number() OVER (ORDER BY application_id DESC, id DESC) AS nth FROM (
      SELECT ${parts.columns} FROM ${of} WHERE tenant_id = $1 AND realm_id = $2 AND application_id >= $3 AND (application_id, id) < ($3, $7)
        AND ${IN_APPLICATION_ORDER}
      ORDER BY application_id DESC, id DESC LIMIT ${parts.max}) first) ${row}
    CROSS JOIN LATERAL (SELECT (${parts.lives}) AS lives, ${row}.nth = ${parts.max} AS is_last OFFSET 0) l
    WHERE l.lives OR l.is_last ORDER BY ${row}.application_id DESC, ${row}.id DESC LIMIT $8`;
}

const newestTokens = (max: number) => newestRows("tokens t", { columns: TOKEN_COLUMNS, lives: TOKEN_LIVES, max });
const newestFamilies = (max: number) => newestRows("grants g", { columns: FAMILY_COLUMNS, lives: FAMILY_LIVES, max });

const list = statement(
  "token.list",
  `(SELECT t.id, 'access' AS kind, COALESCE(t.display_name, '') AS display_name, t.scope, t.token_suffix,
      t.key_id IS NOT NULL AS self_contained, t.issued_at, ${tokenEnd()} AS expires_at, l.lives, l.is_last
    FROM ${newestTokens(LOOKED_AT_MAX)})
   UNION ALL
   (SELECT g.id, 'refresh', '', g.scope, COALESCE(g.refresh_suffix, ''), false, COALESCE(g.refresh_issued_at, g.issued_at),
      g.refresh_expires_at, l.lives, l.is_last
    FROM ${newestFamilies(LOOKED_AT_MAX)})
   ORDER BY id DESC LIMIT $8`,
);

const HIGHEST_ID = Buffer.alloc(24, 0xff);

/** A page of the list. It may be short, or empty, though others follow: so many dead rows lie between. */
export interface TokenPage {
  readonly tokens: readonly ListedToken[];
  /** where the next page goes on; undefined when nothing can follow */
  readonly next: string | undefined;
}

/** Lists live tokens, newest first. `after` is where the page before said to go on. */
export async function listTokens(
  db: Queryable,
  key: ApplicationKey,
  filter: TokenFilter,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<TokenPage> {
  const after = page.after === undefined ? HIGHEST_ID : Buffer.from(page.after, "base64url");
  const rows = await db.run(list, [...filterValues(key, filter), after, page.limit + 1]);
  const { items, next } = cutPage(rows, page.limit, { toItem: toListedToken, isShown: (row) => row.lives === true });
  return { tokens: items, next };
}

/** Of rows that were looked at, those that a page shows, and where the next goes on: behind the last shown, or the last looked at. */
function cutPage<Item extends { readonly id: string }>(
  rows: readonly Row[],
  limit: number,
  { toItem, isShown }: { readonly toItem: (row: Row) => Item; readonly isShown: (row: Row) => boolean },
): { readonly items: readonly Item[]; readonly next: string | undefined } {
  const items: Item[] = [];
  for (const row of rows) {
    if (items.length === limit) return { items, next: items.at(-1)?.id };
    const item = toItem(row);
    if (isShown(row)) items.push(item);
    if (row.is_last === true) return { items, next: item.id };
  }
  return { items, next: undefined };
}

function toListedToken(row: Row): ListedToken {
  return {
    id: (row.id as Buffer).toString("base64url"),
    kind: row.kind as "access" | "refresh",
    displayName: row.display_name as string,
    scope: row.scope as string,
    tokenSuffix: row.token_suffix as string,
    selfContained: row.self_contained as boolean,
    issuedAt: row.issued_at as number,
    expiresAt: row.expires_at as number,
  };
}

const count = statement(
  "token.count",
  `SELECT count(*) FILTER (WHERE lives) AS size, COALESCE(bool_or(is_last), false) AS is_cut FROM (
     (SELECT l.lives, l.is_last FROM ${newestTokens(COUNTED_MAX)})
     UNION ALL
     (SELECT l.lives, l.is_last FROM ${newestFamilies(COUNTED_MAX)})
     LIMIT $8) counted`,
);

/**
 * Counts live tokens, up to `atMost` (settled 13).
 *
 * @returns `isCut` when there are so many rows, dead ones among them, that not all were looked at
 */
export async function countTokens(
  db: Queryable,
  key: ApplicationKey,
  filter: TokenFilter,
  atMost: number,
): Promise<{ readonly size: number; readonly isCut: boolean }> {
  const rows = await db.run(count, [...filterValues(key, filter), HIGHEST_ID, atMost]);
  return { size: rows[0]?.size as number, isCut: rows[0]?.is_cut === true };
}

function filterValues(key: ApplicationKey, filter: TokenFilter): readonly unknown[] {
  return [
    key.tenantId,
    key.realmId,
    key.applicationId,
    filter.now,
    filter.principalType ?? null,
    filter.principalId ?? null,
  ];
}

/** Most rows of a tree that one page looks at, those beside what was asked for among them. */
const TREE_LOOKED_AT_MAX = 10_000;

// All that has one root lies together in an index of each partition; what is below a token among them names it as an ancestor.
const listBelow = statement(
  "token.list_descendants",
  `SELECT id, application_id, parent_id, issued_at, expires_at, is_below, is_last FROM (
     SELECT first.*, row_number() OVER (ORDER BY id) = ${TREE_LOOKED_AT_MAX} AS is_last FROM (
       SELECT t.id, t.application_id, COALESCE(t.ancestors[1], t.grant_id) AS parent_id, t.issued_at, t.expires_at,
         $4::bytea = $3 OR $4 = ANY (t.ancestors) AS is_below
       FROM tokens t WHERE t.tenant_id = $1 AND t.realm_id = $2 AND t.root_id = $3 AND t.id > $5
       ORDER BY t.id LIMIT ${TREE_LOOKED_AT_MAX}) first) seen
   WHERE is_below OR is_last ORDER BY id LIMIT $6`,
);

/** A token that descends from another, as its row says it for itself. */
export interface Descendant {
  readonly id: string;
  readonly applicationId: string;
  readonly parentId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * What descends from a token or grant, dead or alive, in the order of the ids, which begin with when a token was made.
 *
 * @param top `rootId`: its grant, else its oldest ancestor, else itself
 * @returns `next`: where the next page goes on; a page may be short though others follow
 */
export async function listDescendants(
  db: Queryable,
  top: TokenKey & { readonly rootId: string },
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<{ readonly descendants: readonly Descendant[]; readonly next: string | undefined }> {
  const bytesOf = (id: string) => Buffer.from(id, "base64url");
  const after = page.after === undefined ? Buffer.alloc(0) : bytesOf(page.after);
  const place = [top.tenantId, top.realmId, bytesOf(top.rootId), bytesOf(top.id)];
  const rows = await db.run(listBelow, [...place, after, page.limit + 1]);
  const { items, next } = cutPage(rows, page.limit, { toItem: toDescendant, isShown: (row) => row.is_below === true });
  return { descendants: items, next };
}

function toDescendant(row: Row): Descendant {
  return {
    id: (row.id as Buffer).toString("base64url"),
    applicationId: row.application_id as string,
    parentId: (row.parent_id as Buffer).toString("base64url"),
    issuedAt: row.issued_at as number,
    expiresAt: row.expires_at as number,
  };
}
