import type { Queryable, Row } from "../../database/database.ts";
import { updateKnown } from "../../database/known-row.ts";
import { bucketOf, bucketRange, bytea, hexOf, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { boundFacts } from "../../protocol/decision-facts.ts";
import type { StatusPlace } from "../../protocol/status-list.ts";
import { type CurrentApplication, listBases, selectCurrentBases } from "../application/queries.ts";
import { GRANTS } from "../grant/queries.ts";
import { TOKENS } from "../token/queries.ts";

/** An access token as it is recorded. Ids are 32 base64url characters, instants seconds of tenant time. */
export interface NewToken extends ApplicationKey {
  readonly id: string;
  readonly resourceServerId?: string | undefined;
  readonly identityId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly sessionId: string;
  readonly transactionId: string;
  readonly keyId?: string | undefined;
  readonly tokenHash: Uint8Array;
  readonly tokenSuffix: string;
  readonly grantType: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly scope: string;
  readonly customClaims?: string | undefined;
  readonly targetRealm: string;
  readonly displayName?: string | undefined;
  readonly issuedAt: number;
  /** absent: `issuedAt` */
  readonly notBefore?: number | undefined;
  readonly expiresAt: number;
  /** absent: as often as it is wanted (rule 17) */
  readonly usesLeft?: number | undefined;
  /** the tokens that it is exchanged from, nearest first */
  readonly ancestors?: readonly string[] | undefined;
  /** the `act` claim, as JSON (RFC 8693 §4.1) */
  readonly actor?: string | undefined;
  /** whether it is exchanged from a pairwise application's, and says as little of the person (rule 20); follows from its ancestors */
  readonly hidesPerson?: boolean | undefined;
  /** where its bit is, of one that says so (draft-ietf-oauth-status-list) */
  readonly status?: StatusPlace | undefined;
  readonly decision: Readonly<Record<string, unknown>>;
}

/** Uses that go from a token to one that is exchanged from it (rule 17); nothing is written unless it has so many left. */
export interface MovedUses {
  readonly tokenId: string;
  readonly uses: number;
  /** how many it had when that was decided: so many of a batch may win at once */
  readonly left: number;
}

/** The next state of a grant, to be taken only if the grant is still at the version that was read. */
export interface GrantAdvance {
  readonly expectedVersion: number;
  readonly generation: number;
  readonly siblings: readonly Uint8Array[];
  readonly parentHash: Uint8Array | undefined;
  readonly rotatedAt: number | undefined;
  readonly codeSpentAt: number | undefined;
  readonly refreshIssuedAt: number | undefined;
  readonly refreshExpiresAt: number | undefined;
  readonly refreshSuffix: string | undefined;
  readonly customClaims: string | undefined;
}

/** What one token request writes: the token, what it spends, and how far its key's life must reach. */
export interface Issue {
  readonly token: NewToken;
  /** the configuration that it was decided on: nothing is written if that has changed since */
  readonly basis: CurrentApplication;
  readonly advance?: GrantAdvance | undefined;
  readonly movedUses?: MovedUses | undefined;
  /** custom claims that the grant remembers from now on though nothing of it is spent; of several at once the last stays */
  readonly rememberClaims?: boolean | undefined;
  /** the keys that signed something of this response and must now be kept longer */
  readonly keyExpiries: readonly KeyExpiry[];
}

/** Until when a key must stay published: seconds of tenant time, rounded up to the hour (settled 17). */
export interface KeyExpiry {
  readonly keyId: string;
  readonly latestExpiryAt: number;
}

// What each token has of its own. The rest is its application's, and so its basis's.
const OWN_COLUMNS = `n integer, basis integer, id bytea, bucket integer, identity_id text, session_id text, transaction_id text, key_id text,
       token_hash bytea, token_suffix text, grant_type text, subject text, audience text[], scope text, custom_claims text,
       display_name text, issued_at bigint, expires_at bigint, decision jsonb`;

const TOKEN_COLUMNS = `${OWN_COLUMNS}, tenant_id text, realm_id text, application_id text, resource_server_id text, target_realm text,
       grant_id bytea, grant_bucket integer, root_id bytea, ancestors bytea[], actor text, not_before bigint, uses_left integer,
       status_list integer, status_index integer`;

// `lineage`: the columns that a plain token has not, and what they are in the batch.
const insertTokensOf = (notBefore: string, lineage: readonly string[]): string =>
  `INSERT INTO tokens (tenant_id, realm_id, id, bucket, application_id, resource_server_id, identity_id, session_id, transaction_id,
       key_id, token_hash, token_suffix, grant_type, subject, audience, scope, custom_claims, target_realm, display_name, issued_at,
       not_before, expires_at, issued_expires_at, decision${lineage.map((column) => `, ${column}`).join("")})
     SELECT tenant_id, realm_id, id, bucket, application_id, resource_server_id, identity_id, session_id, transaction_id, key_id,
       token_hash, token_suffix, grant_type, subject, audience, scope, custom_claims, target_realm, display_name, issued_at,
       ${notBefore}, expires_at, expires_at, decision${lineage.map((column) => `, ${column}`).join("")}`;

const KEEP_KEYS = `signed AS (
     UPDATE signing_keys k SET latest_expiry_at = GREATEST(k.latest_expiry_at, e.latest)
     FROM (SELECT b.tenant_id, b.realm_id, x.key_id, max(x.latest_expiry_at) AS latest
           FROM batch b CROSS JOIN LATERAL jsonb_to_recordset(b.key_expiries) AS x(key_id text, latest_expiry_at bigint)
           GROUP BY 1, 2, 3) e
     WHERE k.tenant_id = e.tenant_id AND k.realm_id = e.realm_id AND k.key_id = e.key_id
   )`;

const IS_CURRENT = "basis = ANY (ARRAY (SELECT basis FROM current))";

// What spends nothing needs no grant: the cheapest statement that records tokens. The configuration that they were decided on is
// judged in the statement itself, so that it costs no look-up before.
const insert = statement(
  "token.insert",
  `WITH current AS MATERIALIZED (${selectCurrentBases("$2")}), recorded AS (
     ${insertTokensOf("issued_at", [])} FROM json_to_recordset($1::json) AS b(${OWN_COLUMNS}) JOIN current USING (basis)
   )
   SELECT basis FROM current`,
);

/**
 * Records tokens that spend nothing, in one statement: for each, whether its configuration still held. Not for what was sent
 * before: a token that is there already is a conflict.
 */
export async function insertTokens(db: Queryable, issues: readonly Issue[]): Promise<readonly boolean[]> {
  const { parameter, numbers } = listBases(issues.map(({ basis }) => basis));
  const rows = JSON.stringify(issues.map(({ token }, n) => ownColumns(token, n, numbers[n])));
  const current = new Set((await db.run(insert, [rows, parameter])).map((row) => row.basis));
  return numbers.map((basis) => current.has(basis));
}

const CLAIMED = `expected_version, generation, siblings, parent_hash, rotated_at, code_spent_at, refresh_issued_at, refresh_expires_at,
       refresh_suffix, grant_custom_claims`;

// The row of a request that is sent again.
const IS_THERE = `EXISTS (SELECT FROM tokens t WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id
       AND t.bucket = b.bucket AND t.bucket BETWEEN $5 AND $6 OFFSET 0)`;

// OFFSET 0 keeps an EXISTS a look-up by key: without it the planner may read the whole partition into a table of hashes, once a batch.
// One statement for all grants and any number of requests: what is spent is spent by the version in the UPDATE, and only what
// won inserts its token. A request that is sent again after a lost connection finds its own row and counts as won.
const issue = statement(
  "token.issue",
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(
       ${TOKEN_COLUMNS},
       expected_version integer, generation integer, siblings bytea[], parent_hash bytea, rotated_at bigint,
       code_spent_at bigint, refresh_issued_at bigint, refresh_expires_at bigint, refresh_suffix text,
       grant_custom_claims text, remember_claims boolean, key_expiries jsonb, parent_id bytea, parent_bucket integer, parent_left integer,
       moved_uses integer)
   ), current AS MATERIALIZED (${selectCurrentBases("$2")}
   ), claims AS (
     SELECT DISTINCT ON (tenant_id, realm_id, grant_id) * FROM batch
     WHERE expected_version IS NOT NULL AND ${IS_CURRENT} ORDER BY tenant_id, realm_id, grant_id, n
   ), advanced AS (
     ${updateKnown(GRANTS, {
       from: `(SELECT tenant_id, realm_id, grant_id AS id, grant_bucket AS bucket, ${CLAIMED} FROM claims)`,
       buckets: "$3 AND $4",
       set: {
         version: "c.expected_version + 1",
         generation: "c.generation",
         siblings: "c.siblings",
         parent_hash: "c.parent_hash",
         rotated_at: "c.rotated_at",
         code_spent_at: "c.code_spent_at",
         refresh_issued_at: "c.refresh_issued_at",
         refresh_expires_at: "c.refresh_expires_at",
         refresh_suffix: "c.refresh_suffix",
         custom_claims: "c.grant_custom_claims",
       },
       where: "grants.version = excluded.version - 1 AND grants.revoked_at IS NULL",
     })}
     RETURNING tenant_id, realm_id, id
   ), moves AS (
     SELECT * FROM (
       SELECT *, sum(moved_uses) OVER (PARTITION BY tenant_id, realm_id, parent_id ORDER BY n) AS so_far FROM batch b
       WHERE moved_uses IS NOT NULL AND ${IS_CURRENT} AND NOT ${IS_THERE}) wanted
     WHERE so_far <= parent_left
   ), moved AS (
     ${updateKnown(TOKENS, {
       from: `(SELECT tenant_id, realm_id, parent_id AS id, parent_bucket AS bucket, sum(moved_uses)::integer AS moved_uses FROM moves
           GROUP BY 1, 2, 3, 4)`,
       buckets: "$7 AND $8",
       set: { uses_left: "c.moved_uses" },
       become: { uses_left: "tokens.uses_left - excluded.uses_left" },
       where: "tokens.uses_left >= excluded.uses_left AND tokens.revoked_at IS NULL",
     })}
     RETURNING tenant_id, realm_id, id
   ), won AS (
     SELECT c.n FROM advanced a JOIN claims c ON c.tenant_id = a.tenant_id AND c.realm_id = a.realm_id AND c.grant_id = a.id
     UNION ALL
     SELECT m.n FROM moved p JOIN moves m ON m.tenant_id = p.tenant_id AND m.realm_id = p.realm_id AND m.parent_id = p.id
   ), allowed AS (
     SELECT n FROM won
     UNION ALL
     SELECT b.n FROM batch b WHERE b.expected_version IS NULL AND b.moved_uses IS NULL AND ${IS_CURRENT} AND (b.grant_id IS NULL OR EXISTS (
       SELECT FROM grants g WHERE g.tenant_id = b.tenant_id AND g.realm_id = b.realm_id AND g.id = b.grant_id
         AND g.bucket = b.grant_bucket AND g.bucket BETWEEN $3 AND $4 AND g.revoked_at IS NULL OFFSET 0))
   ), remembered AS (
     ${updateKnown(GRANTS, {
       from: `(SELECT DISTINCT ON (tenant_id, realm_id, grant_id) tenant_id, realm_id, grant_id AS id, grant_bucket AS bucket, custom_claims
           FROM batch WHERE remember_claims AND ${IS_CURRENT} AND grant_id NOT IN (SELECT grant_id FROM claims)
           ORDER BY tenant_id, realm_id, grant_id, n DESC)`,
       buckets: "$3 AND $4",
       set: { custom_claims: "c.custom_claims" },
       where: "grants.revoked_at IS NULL",
     })}
   ), inserted AS (
     ${insertTokensOf("COALESCE(not_before, issued_at)", ["grant_id", "grant_bucket", "root_id", "ancestors", "actor", "uses_left", "status_list", "status_index"])}
     FROM batch WHERE n IN (SELECT n FROM allowed)
     ON CONFLICT DO NOTHING
   ), ${KEEP_KEYS}
   SELECT b.n FROM batch b
   WHERE b.n IN (SELECT n FROM allowed)
     OR ${IS_THERE}`,
);

/**
 * Spends and records what a batch of token requests decided, in one statement: for each, whether it won. A request that did not
 * win wrote nothing; its grant or its configuration has moved on since it was read. One that is there already counts as won: it
 * is this request's own, sent again.
 */
export async function writeIssues(db: Queryable, issues: readonly Issue[]): Promise<readonly boolean[]> {
  const { parameter, numbers } = listBases(issues.map(({ basis }) => basis));
  const rows = JSON.stringify(issues.map((one, n) => toIssueRow(one, n, numbers[n])));
  const grants = bucketRange(issues.flatMap(({ token }) => token.grantId ?? []));
  const tokens = bucketRange(issues.map(({ token }) => token.id));
  const parents = bucketRange(issues.flatMap(({ movedUses }) => movedUses?.tokenId ?? []));
  const won = new Set((await db.run(issue, [rows, parameter, ...grants, ...tokens, ...parents])).map((row) => row.n));
  return issues.map((_, n) => won.has(n));
}

function toIssueRow(issue: Issue, n: number, basis: number | undefined): Row {
  const { token, advance, movedUses, rememberClaims, keyExpiries } = issue;
  return {
    ...ownColumns(token, n, basis),
    ...lineageColumns(token),
    tenant_id: token.tenantId,
    realm_id: token.realmId,
    application_id: token.applicationId,
    resource_server_id: token.resourceServerId,
    target_realm: token.targetRealm,
    ...(movedUses === undefined ? {} : moveColumns(movedUses)),
    remember_claims: rememberClaims,
    key_expiries: keyExpiries.map((key) => ({ key_id: key.keyId, latest_expiry_at: key.latestExpiryAt })),
    ...(advance === undefined ? {} : advanceColumns(advance)),
  };
}

function lineageColumns({ grantId, ancestors = [], actor, notBefore, usesLeft, status }: NewToken): Row {
  const root = grantId ?? ancestors.at(-1);
  return {
    ...(grantId === undefined ? {} : { grant_id: bytea(grantId), grant_bucket: bucketOf(grantId) }),
    ...(root === undefined ? {} : { root_id: bytea(root) }),
    ancestors: ancestors.map(bytea),
    actor,
    not_before: notBefore,
    uses_left: usesLeft,
    status_list: status?.list,
    status_index: status?.index,
  };
}

function moveColumns({ tokenId, uses, left }: MovedUses): Row {
  return { parent_id: bytea(tokenId), parent_bucket: bucketOf(tokenId), parent_left: left, moved_uses: uses };
}

function ownColumns(token: NewToken, n: number, basis: number | undefined): Row {
  return {
    n,
    basis,
    ...idColumns(token.id),
    identity_id: token.identityId,
    session_id: token.sessionId,
    transaction_id: token.transactionId,
    key_id: token.keyId,
    token_hash: hexOf(token.tokenHash),
    token_suffix: token.tokenSuffix,
    grant_type: token.grantType,
    subject: token.subject,
    audience: token.audience,
    scope: token.scope,
    custom_claims: token.customClaims,
    display_name: token.displayName,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
    decision: boundFacts(token.decision),
  };
}

function advanceColumns(advance: GrantAdvance): Row {
  return {
    expected_version: advance.expectedVersion,
    generation: advance.generation,
    siblings: advance.siblings.map(hexOf),
    parent_hash: advance.parentHash === undefined ? undefined : hexOf(advance.parentHash),
    rotated_at: advance.rotatedAt,
    code_spent_at: advance.codeSpentAt,
    refresh_issued_at: advance.refreshIssuedAt,
    refresh_expires_at: advance.refreshExpiresAt,
    refresh_suffix: advance.refreshSuffix,
    grant_custom_claims: advance.customClaims,
  };
}
