import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { familyLives, tokenLives } from "../live-token.ts";

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

const LIVE_TOKEN = `t.tenant_id = $1 AND t.realm_id = $2 AND t.application_id = $3 AND t.revoked_at IS NULL AND ${tokenLives("$4")}
  AND ($5::text IS NULL OR ($5 = 'identity') = (t.identity_id IS NOT NULL))
  AND ($6::text IS NULL OR COALESCE(t.identity_id, t.application_id) = $6)`;
const LIVE_FAMILY = `g.tenant_id = $1 AND g.realm_id = $2 AND g.application_id = $3 AND g.revoked_at IS NULL AND ${familyLives("$4")}
  AND ($5::text IS NULL OR $5 = 'identity') AND ($6::text IS NULL OR g.identity_id = $6)`;
const OF_APPLICATION = `JOIN applications a ON a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = $3`;

const list = statement(
  "token.list",
  `(SELECT t.id, 'access' AS kind, COALESCE(t.display_name, '') AS display_name, t.scope, t.token_suffix,
      t.key_id IS NOT NULL AS self_contained, t.issued_at, t.expires_at
    FROM tokens t ${OF_APPLICATION} WHERE ${LIVE_TOKEN} AND t.id < $7 ORDER BY t.id DESC LIMIT $8)
   UNION ALL
   (SELECT g.id, 'refresh', '', g.scope, COALESCE(g.refresh_suffix, ''), false, COALESCE(g.refresh_issued_at, g.issued_at),
      g.refresh_expires_at
    FROM grants g ${OF_APPLICATION} WHERE ${LIVE_FAMILY} AND g.id < $7 ORDER BY g.id DESC LIMIT $8)
   ORDER BY id DESC LIMIT $8`,
);

const HIGHEST_ID = Buffer.alloc(24, 0xff);

/** Lists live tokens, newest first. `after` is the id of the last one seen. */
export async function listTokens(
  db: Queryable,
  key: ApplicationKey,
  filter: TokenFilter,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<ListedToken[]> {
  const after = page.after === undefined ? HIGHEST_ID : Buffer.from(page.after, "base64url");
  const rows = await db.run(list, [...filterValues(key, filter), after, page.limit]);
  return rows.map((row) => ({
    id: (row.id as Buffer).toString("base64url"),
    kind: row.kind as "access" | "refresh",
    displayName: row.display_name as string,
    scope: row.scope as string,
    tokenSuffix: row.token_suffix as string,
    selfContained: row.self_contained as boolean,
    issuedAt: row.issued_at as number,
    expiresAt: row.expires_at as number,
  }));
}

const count = statement(
  "token.count",
  `SELECT count(*) AS size FROM (
     (SELECT 1 FROM tokens t ${OF_APPLICATION} WHERE ${LIVE_TOKEN} LIMIT $7)
     UNION ALL
     (SELECT 1 FROM grants g ${OF_APPLICATION} WHERE ${LIVE_FAMILY} LIMIT $7) LIMIT $7) counted`,
);

/** Counts live tokens, up to `atMost` (settled 13). */
export async function countTokens(
  db: Queryable,
  key: ApplicationKey,
  filter: TokenFilter,
  atMost: number,
): Promise<number> {
  const rows = await db.run(count, [...filterValues(key, filter), atMost]);
  return rows[0]?.size as number;
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
