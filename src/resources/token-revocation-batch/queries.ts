import type { Queryable, Row } from "../../database/database.ts";
import { updateKnown } from "../../database/known-row.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { slotSql } from "../../protocol/live-count.ts";
import { IN_APPLICATION_ORDER } from "../application-order.ts";
import { GRANTS } from "../grant/queries.ts";
import type { SlotCount } from "../live-count/queries.ts";
import { familyLives, notRevoked, type Past, tokenLives } from "../live-token.ts";
import { TOKENS } from "../token/queries.ts";
import type { NewTokenRevocation } from "../token-revocation/queries.ts";
import { alive } from "../tombstone.ts";

/** Which rows of an application come next. */
export interface EndingPage {
  /** the id of the row before, 24 bytes */
  readonly after: Uint8Array;
  /** only ids below */
  readonly before: Uint8Array;
  readonly limit: number;
}

/** What became of a page of rows. */
export interface EndedPage {
  readonly lookedAt: number;
  /** of the row that was looked at last; undefined: there was none */
  readonly lastId: Buffer | undefined;
  readonly matched: number;
  /** of those that matched: what lived when it was asked for */
  readonly live: number;
  readonly changed: number;
  /** the largest exp that was said of a live self-contained token */
  readonly acceptedOfflineUntil: number | undefined;
  /** what is counted no more, by the ends of its slots */
  readonly endedSlots: readonly SlotCount[];
}

type Asked = Pick<NewTokenRevocation, "filter" | "issuedBefore" | "judgedAt" | "until" | "raisedFrom">;

// $1 tenant, $2 realm, $3 application, $4 after, $5 before, $6 limit; $7 the second that is judged, $8 issued before; $9 identity, $10 group,
// $11 key, $12 scope; $13 and $14 what was valid after before it was raised; $15 the new end, or the second of revocation.
const PAST: Past = { applicationValidAfter: "$13::bigint", identityValidAfter: "$14::bigint" };
const ANY_BUCKET = "0 AND 2147483647";

// A page is read in the order of the application's index; see token-list/queries.ts on the range.
function pageOf(table: "tokens" | "grants", columns: string): string {
  return `SELECT ${columns} FROM ${table} WHERE tenant_id = $1 AND realm_id = $2 AND application_id <= $3 AND (application_id, id) > ($3, $4)
     AND id < $5 AND ${IN_APPLICATION_ORDER} ORDER BY application_id, id LIMIT $6`;
}

const APPLICATION_LIVES = `EXISTS (SELECT FROM applications a WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = $3
  AND ${alive("a")})`;

function isOfPeople(row: string): string {
  return `($9::text IS NULL OR ${row}.identity_id = $9)
     AND ($10::text IS NULL OR EXISTS (SELECT FROM group_members m WHERE m.tenant_id = ${row}.tenant_id AND m.realm_id = ${row}.realm_id
       AND m.group_id = $10 AND m.identity_id = ${row}.identity_id))`;
}

function isOfTime(row: string): string {
  return `${row}.issued_at < $8 AND ($12::text IS NULL OR $12 = ANY (string_to_array(${row}.scope, ' ')))`;
}

// A token is one of those that are meant, or hangs on a grant that is: that ends with its family (rule 13). No grant has a key.
const TOKEN_MATCHES = `${isOfPeople("t")} AND ($11::text IS NULL OR t.key_id = $11) AND ((${isOfTime("t")})
     OR ($11::text IS NULL AND t.grant_id IS NOT NULL AND EXISTS (SELECT FROM grants g WHERE g.tenant_id = t.tenant_id
       AND g.realm_id = t.realm_id AND g.id = t.grant_id AND g.bucket = t.grant_bucket AND ${isOfTime("g")})))`;
const GRANT_MATCHES = `$11::text IS NULL AND ${isOfPeople("g")} AND ${isOfTime("g")}`;

interface EndingParts {
  readonly page: string;
  readonly matches: string;
  readonly lives: string;
  readonly change: string;
  /** of a matched row `x`: whether it is counted */
  readonly counted: string;
  /** SQL of the rows that were changed and lived, `x` */
  readonly changed: string;
  readonly slot: string;
  readonly acceptedOffline: string;
}

function endPage({ page, matches, lives, change, ...parts }: EndingParts): string {
  const alias = page.includes("FROM tokens") ? "t" : "g";
  return `WITH page AS MATERIALIZED (${page}
   ), matched AS MATERIALIZED (
     SELECT ${alias}.*, (${notRevoked(alias, "$7", PAST)} AND ${APPLICATION_LIVES} AND ${lives}) AS lives FROM page ${alias} WHERE ${matches}
   ), changed AS (${change}
     RETURNING *
   ), gone AS MATERIALIZED (SELECT ${parts.slot} AS ends_at FROM ${parts.changed})
   SELECT (SELECT count(*) FROM page) AS looked_at, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last_id,
     (SELECT count(*) FROM matched x WHERE ${parts.counted}) AS matched, (SELECT count(*) FROM matched x WHERE x.lives) AS live,
     (SELECT count(*) FROM gone) AS changed, ${parts.acceptedOffline} AS accepted_offline_until,
     (SELECT json_agg(json_build_object('endsAt', ends_at, 'live', live)) FROM (
       SELECT ends_at, count(*) AS live FROM gone GROUP BY ends_at) slots) AS ended_slots`;
}

const tokenParts = {
  page: pageOf(
    "tokens",
    `tenant_id, realm_id, id, bucket, application_id, identity_id, grant_id, grant_bucket, ancestors, key_id, scope, issued_at, expires_at,
       issued_expires_at, revoked_at, uses_left`,
  ),
  matches: TOKEN_MATCHES,
  lives: tokenLives("$7", PAST),
  counted: "true",
  changed: "changed x WHERE x.id IN (SELECT id FROM matched WHERE lives)",
  slot: slotSql("x.issued_at", "x.expires_at"),
  acceptedOffline: "(SELECT max(x.issued_expires_at) FROM matched x WHERE x.lives AND x.key_id IS NOT NULL)",
};
// One that gave all its uses away is dead, and what descends from it lives until it is ended.
const OPEN_TOKENS =
  "(SELECT m.*, $15::bigint AS ends FROM matched m WHERE m.revoked_at IS NULL AND (m.lives OR m.uses_left <= 0 AND m.expires_at > $7))";

const revokeTokens = statement(
  "token_revocation_batch.revoke_tokens",
  endPage({
    ...tokenParts,
    change: updateKnown(TOKENS, {
      from: OPEN_TOKENS,
      buckets: ANY_BUCKET,
      set: { revoked_at: "c.ends" },
      where: "tokens.revoked_at IS NULL",
    }),
  }),
);

const shortenTokens = statement(
  "token_revocation_batch.shorten_tokens",
  endPage({
    ...tokenParts,
    change: updateKnown(TOKENS, {
      from: OPEN_TOKENS,
      buckets: ANY_BUCKET,
      set: { expires_at: "c.ends" },
      where: "tokens.revoked_at IS NULL AND tokens.expires_at > excluded.expires_at",
    }),
  }),
);

// A code that was not redeemed hangs on its grant, too: it ends, and is no token. What is changed and lived is a family.
const grantParts = {
  page: pageOf(
    "grants",
    `tenant_id, realm_id, id, bucket, application_id, identity_id, session_id, scope, siblings, issued_at, code_spent_at, ends_at,
       refresh_expires_at, revoked_at`,
  ),
  matches: GRANT_MATCHES,
  lives: familyLives("$7", PAST),
  counted: "x.refresh_expires_at IS NOT NULL",
  changed: "matched x JOIN changed d ON d.id = x.id WHERE x.lives",
  slot: slotSql("x.code_spent_at", "x.refresh_expires_at"),
  acceptedOffline: "NULL::bigint",
};
const OPEN_GRANTS = "(SELECT m.*, $15::bigint AS ends FROM matched m WHERE m.revoked_at IS NULL AND m.ends_at > $7)";

const revokeGrants = statement(
  "token_revocation_batch.revoke_grants",
  endPage({
    ...grantParts,
    change: updateKnown(GRANTS, {
      from: OPEN_GRANTS,
      buckets: ANY_BUCKET,
      set: { revoked_at: "c.ends", revoked_reason: "'revoked'" },
      advance: "version = grants.version + 1",
      where: "grants.revoked_at IS NULL",
    }),
  }),
);

const shortenGrants = statement(
  "token_revocation_batch.shorten_grants",
  endPage({
    ...grantParts,
    change: updateKnown(GRANTS, {
      from: OPEN_GRANTS,
      buckets: ANY_BUCKET,
      set: { ends_at: "c.ends" },
      advance: `refresh_expires_at = CASE WHEN grants.refresh_expires_at > excluded.ends_at THEN excluded.ends_at
         ELSE grants.refresh_expires_at END, version = grants.version + 1`,
      where: "grants.revoked_at IS NULL AND grants.ends_at > excluded.ends_at",
    }),
  }),
);

const STATEMENTS = {
  tokens: { revoke: revokeTokens, shorten: shortenTokens },
  grants: { revoke: revokeGrants, shorten: shortenGrants },
} as const;

/**
 * Ends those of a page of an application's tokens or grants that are asked for, each by its primary key, and says what became of the page.
 *
 * @param revokedAt the second of revocation, of tenant time: later than the one that is judged, so that nothing is counted as dead before
 */
export async function endRows(
  db: Queryable,
  what: "tokens" | "grants",
  key: ApplicationKey,
  { asked, page, revokedAt }: { readonly asked: Asked; readonly page: EndingPage; readonly revokedAt: number },
): Promise<EndedPage> {
  const { filter, issuedBefore, judgedAt, until, raisedFrom } = asked;
  const { identity_id, group_id, key_id, scope } = filter;
  const ending = STATEMENTS[what][until === undefined ? "revoke" : "shorten"];
  const [row = {}] = await db.run(ending, [
    ...[key.tenantId, key.realmId, key.applicationId, page.after, page.before, page.limit],
    ...[judgedAt, issuedBefore, identity_id ?? null, group_id ?? null, key_id ?? null, scope ?? null],
    ...[raisedFrom.application ?? null, raisedFrom.identity ?? null, until ?? revokedAt],
  ]);
  return toEndedPage(row);
}

function toEndedPage(row: Row): EndedPage {
  return {
    lookedAt: Number(row.looked_at),
    lastId: (row.last_id as Buffer | null) ?? undefined,
    matched: Number(row.matched),
    live: Number(row.live),
    changed: Number(row.changed),
    acceptedOfflineUntil: (row.accepted_offline_until as number | null) ?? undefined,
    endedSlots: (row.ended_slots as SlotCount[] | null) ?? [],
  };
}
