import type { Queryable, Row } from "../../database/database.ts";
import { bucketOf, bytea, hexOf, idColumns } from "../../database/row-id.ts";
import { rowsInOrder } from "../../database/rows-in-order.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey, RealmKey } from "../../protocol/client-metadata.ts";
import { boundFacts } from "../../protocol/decision-facts.ts";
import type { EndedRow } from "../../protocol/live-count.ts";
import { selectRoleScopes } from "../role/queries.ts";
import { applicationKeyOfRow } from "../row-key.ts";
import { alive } from "../tombstone.ts";

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
  readonly expiresAt: number;
  readonly decision: Readonly<Record<string, unknown>>;
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
  readonly advance?: GrantAdvance | undefined;
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

const TOKEN_COLUMNS = `n integer, tenant_id text, realm_id text, id bytea, bucket integer, application_id text, resource_server_id text,
       identity_id text, grant_id bytea, grant_bucket integer, session_id text, transaction_id text, key_id text,
       token_hash bytea, token_suffix text, grant_type text, subject text, audience text[], scope text, custom_claims text,
       target_realm text, display_name text, issued_at bigint, expires_at bigint, decision jsonb`;

const INSERT_TOKENS = `INSERT INTO tokens (tenant_id, realm_id, id, bucket, application_id, resource_server_id, identity_id, grant_id,
       grant_bucket, session_id, transaction_id, key_id, token_hash, token_suffix, grant_type, subject, audience, scope,
       custom_claims, target_realm, display_name, issued_at, not_before, expires_at, issued_expires_at, decision)
     SELECT tenant_id, realm_id, id, bucket, application_id, resource_server_id, identity_id, grant_id, grant_bucket,
       session_id, transaction_id, key_id, token_hash, token_suffix, grant_type, subject, audience, scope, custom_claims,
       target_realm, display_name, issued_at, issued_at, expires_at, expires_at, decision`;

// "Is not null", said so that the planner expects one row: then it looks each grant up by its key, whatever the tables' size was when
// it planned. Told the truth, a hundred rows, it would read every grant of a tenant that has few.
function isFew(column: string): string {
  return `COALESCE(${column}, 0) = COALESCE(${column}, -1)`;
}

const KEEP_KEYS = `signed AS (
     UPDATE signing_keys k SET latest_expiry_at = GREATEST(k.latest_expiry_at, e.latest)
     FROM (SELECT b.tenant_id, b.realm_id, x.key_id, max(x.latest_expiry_at) AS latest
           FROM batch b CROSS JOIN LATERAL jsonb_to_recordset(b.key_expiries) AS x(key_id text, latest_expiry_at bigint)
           GROUP BY 1, 2, 3) e
     WHERE k.tenant_id = e.tenant_id AND k.realm_id = e.realm_id AND k.key_id = e.key_id
   )`;

// What spends nothing needs no grant: the cheapest statement that records tokens.
const insert = statement(
  "token.insert",
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(${TOKEN_COLUMNS}, key_expiries jsonb)
   ), ${KEEP_KEYS}
   ${INSERT_TOKENS} FROM batch ON CONFLICT DO NOTHING`,
);

/** Records tokens that hang on no grant, in one statement. One that is there already stays: it is this request's own. */
export async function insertTokens(db: Queryable, issues: readonly Issue[]): Promise<void> {
  await db.run(insert, [JSON.stringify(issues.map(toIssueRow))]);
}

// One statement for all grants and any number of requests: what is spent is spent by the version in the UPDATE, and only what
// won inserts its token. A request that is sent again after a lost connection finds its own row and counts as won.
const issue = statement(
  "token.issue",
  `WITH batch AS MATERIALIZED (
     SELECT * FROM json_to_recordset($1::json) AS b(
       ${TOKEN_COLUMNS},
       expected_version integer, generation integer, siblings bytea[], parent_hash bytea, rotated_at bigint,
       code_spent_at bigint, refresh_issued_at bigint, refresh_expires_at bigint, refresh_suffix text,
       grant_custom_claims text, remember_claims boolean, key_expiries jsonb)
   ), claims AS (
     SELECT DISTINCT ON (tenant_id, realm_id, grant_id) * FROM batch
     WHERE ${isFew("expected_version")} ORDER BY tenant_id, realm_id, grant_id, n
   ), won AS (
     UPDATE grants g SET version = g.version + 1, generation = c.generation, siblings = c.siblings,
       parent_hash = c.parent_hash, rotated_at = c.rotated_at, code_spent_at = c.code_spent_at,
       refresh_issued_at = c.refresh_issued_at, refresh_expires_at = c.refresh_expires_at,
       refresh_suffix = c.refresh_suffix, custom_claims = c.grant_custom_claims
     FROM claims c
     WHERE g.tenant_id = c.tenant_id AND g.realm_id = c.realm_id AND g.id = c.grant_id AND g.bucket = c.grant_bucket
       AND g.version = c.expected_version AND g.revoked_at IS NULL
     RETURNING c.n
   ), allowed AS (
     SELECT n FROM won
     UNION ALL
     SELECT b.n FROM batch b WHERE b.expected_version IS NULL AND (b.grant_id IS NULL OR EXISTS (
       SELECT FROM grants g WHERE g.tenant_id = b.tenant_id AND g.realm_id = b.realm_id AND g.id = b.grant_id
         AND g.bucket = b.grant_bucket AND g.revoked_at IS NULL))
   ), remembered AS (
     UPDATE grants g SET custom_claims = r.custom_claims
     FROM (SELECT DISTINCT ON (tenant_id, realm_id, grant_id) * FROM batch
           WHERE ${isFew("remember_claims::integer")} AND remember_claims ORDER BY tenant_id, realm_id, grant_id, n DESC) r
     WHERE g.tenant_id = r.tenant_id AND g.realm_id = r.realm_id AND g.id = r.grant_id AND g.bucket = r.grant_bucket
       AND g.revoked_at IS NULL
   ), inserted AS (
     ${INSERT_TOKENS}
     FROM batch WHERE n IN (SELECT n FROM allowed)
     ON CONFLICT DO NOTHING
   ), ${KEEP_KEYS}
   SELECT b.n FROM batch b
   WHERE b.n IN (SELECT n FROM allowed)
     OR EXISTS (SELECT FROM tokens t WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id AND t.bucket = b.bucket)`,
);

/**
 * Spends and records what a batch of token requests decided, in one statement: for each, whether it won. A request that did not
 * win wrote nothing; its grant has moved on since it was read.
 */
export async function writeIssues(db: Queryable, issues: readonly Issue[]): Promise<readonly boolean[]> {
  const rows = await db.run(issue, [JSON.stringify(issues.map(toIssueRow))]);
  const won = new Set(rows.map((row) => row.n));
  return issues.map((_, n) => won.has(n));
}

function toIssueRow({ token, advance, rememberClaims, keyExpiries }: Issue, n: number): Row {
  return {
    n,
    tenant_id: token.tenantId,
    realm_id: token.realmId,
    ...idColumns(token.id),
    application_id: token.applicationId,
    resource_server_id: token.resourceServerId,
    identity_id: token.identityId,
    ...(token.grantId === undefined ? {} : { grant_id: bytea(token.grantId), grant_bucket: bucketOf(token.grantId) }),
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
    target_realm: token.targetRealm,
    display_name: token.displayName,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
    decision: boundFacts(token.decision),
    remember_claims: rememberClaims,
    key_expiries: keyExpiries.map((key) => ({ key_id: key.keyId, latest_expiry_at: key.latestExpiryAt })),
    ...(advance === undefined ? {} : advanceColumns(advance)),
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

/** Where a token's row is: the id names its partition. */
export interface TokenKey extends RealmKey {
  readonly id: string;
}

/** A recorded token with everything that decides at this moment whether it is alive and what it may do. */
export interface TokenFacts extends ApplicationKey {
  readonly id: string;
  readonly clientId: string;
  readonly confidentiality: string;
  readonly resourceServerId: string | undefined;
  readonly resourceServerIdentifier: string | undefined;
  readonly resourceServerIsManaged: boolean;
  /** applications that may introspect tokens of this resource server (rule 9 b) */
  readonly introspectors: readonly string[];
  readonly identityId: string | undefined;
  readonly username: string | undefined;
  readonly grantId: string | undefined;
  readonly sessionId: string;
  readonly transactionId: string;
  readonly keyId: string | undefined;
  readonly tokenHash: Buffer;
  readonly grantType: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly scope: string;
  readonly customClaims: string | undefined;
  /** what the token said, and what the application has now (rule 7) */
  readonly targetRealm: string;
  readonly liveTargetRealm: string;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  readonly grantIsDead: boolean;
  readonly identityIsDead: boolean;
  readonly keyIsCompromised: boolean;
  /** tokens issued before this second are dead, by application or identity */
  readonly validAfter: number;
  /** scopes of the identity's roles at this moment; undefined where roles do not apply */
  readonly roleScopes: readonly string[] | undefined;
  readonly clockOffsetSeconds: number;
}

// LATERAL with LIMIT keeps each look-up an index probe into one partition, whatever the planner thinks of the batch's size.
const read = statement(
  "token.read",
  `SELECT b.n, t.*, a.client_id, a.protocol_config->>'confidentiality' AS confidentiality, a.target_realm AS live_target_realm,
     rs.identifier AS rs_identifier, rs.is_managed AS rs_is_managed, rs.introspectors AS rs_introspectors,
     i.identity_id AS live_identity_id, i.status AS identity_status, i.traits->>'username' AS username,
     GREATEST(a.tokens_valid_after, COALESCE(i.tokens_valid_after, 0)) AS valid_after,
     g.id AS live_grant_id, g.revoked_at AS grant_revoked_at, k.compromised_at, tn.clock_offset_seconds, roles.scopes AS role_scopes
   FROM json_to_recordset($1::json) AS b(n integer, tenant_id text, realm_id text, id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT * FROM tokens t WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id
     AND t.bucket = b.bucket LIMIT 1) t
   JOIN tenants tn ON tn.tenant_id = b.tenant_id AND ${alive("tn")}
   JOIN realms r ON r.tenant_id = b.tenant_id AND r.realm_id = b.realm_id AND ${alive("r")}
   CROSS JOIN LATERAL (SELECT * FROM applications a WHERE a.tenant_id = b.tenant_id AND a.realm_id = b.realm_id
     AND a.application_id = t.application_id AND ${alive("a")} LIMIT 1) a
   LEFT JOIN LATERAL (SELECT * FROM resource_servers rs WHERE rs.tenant_id = b.tenant_id AND rs.realm_id = b.realm_id
     AND rs.resource_server_id = t.resource_server_id AND ${alive("rs")} LIMIT 1) rs ON true
   LEFT JOIN LATERAL (SELECT * FROM identities i WHERE i.tenant_id = b.tenant_id AND i.realm_id = b.realm_id
     AND i.identity_id = t.identity_id AND ${alive("i")} LIMIT 1) i ON true
   LEFT JOIN LATERAL (SELECT k.compromised_at FROM signing_keys k WHERE k.tenant_id = b.tenant_id AND k.realm_id = b.realm_id
     AND k.key_id = t.key_id LIMIT 1) k ON true
   LEFT JOIN LATERAL (SELECT g.id, g.revoked_at FROM grants g WHERE g.tenant_id = b.tenant_id AND g.realm_id = b.realm_id
     AND g.id = t.grant_id AND g.bucket = t.grant_bucket LIMIT 1) g ON true
   LEFT JOIN LATERAL (SELECT array_agg(DISTINCT scope) AS scopes FROM ${selectRoleScopes({
     tenant: "b.tenant_id",
     realm: "b.realm_id",
     identity: "t.identity_id",
     resourceServer: "t.resource_server_id",
   })} scopes
   ) roles ON t.identity_id IS NOT NULL AND t.resource_server_id IS NOT NULL`,
);

/**
 * The grouped strict look-up (settled 4, rule 7): reads tokens with all that decides about them, each by its primary key.
 * Results are in the order of the keys; undefined where there is no row, or tenant, realm or application are gone.
 */
export async function readTokens(
  db: Queryable,
  keys: readonly TokenKey[],
): Promise<readonly (TokenFacts | undefined)[]> {
  const batch = keys.map((key, n) => ({ n, tenant_id: key.tenantId, realm_id: key.realmId, ...idColumns(key.id) }));
  const rows = await db.run(read, [JSON.stringify(batch)]);
  return rowsInOrder(keys.length, rows).map((row) => row && toTokenFacts(row));
}

function toTokenFacts(row: Row): TokenFacts {
  const identityId = optionalText(row.identity_id);
  const grantId = row.grant_id as Buffer | null;
  const hasRoles = identityId !== undefined && row.resource_server_id !== null;
  return {
    ...applicationKeyOfRow(row),
    id: (row.id as Buffer).toString("base64url"),
    clientId: row.client_id as string,
    confidentiality: row.confidentiality as string,
    resourceServerId: optionalText(row.resource_server_id),
    resourceServerIdentifier: optionalText(row.rs_identifier),
    resourceServerIsManaged: row.rs_is_managed === true,
    introspectors: (row.rs_introspectors as string[] | null) ?? [],
    identityId,
    username: optionalText(row.username),
    grantId: grantId?.toString("base64url"),
    sessionId: row.session_id as string,
    transactionId: row.transaction_id as string,
    keyId: optionalText(row.key_id),
    tokenHash: row.token_hash as Buffer,
    grantType: row.grant_type as string,
    subject: row.subject as string,
    audience: row.audience as string[],
    scope: row.scope as string,
    customClaims: optionalText(row.custom_claims),
    targetRealm: row.target_realm as string,
    liveTargetRealm: row.live_target_realm as string,
    issuedAt: row.issued_at as number,
    notBefore: row.not_before as number,
    expiresAt: row.expires_at as number,
    revokedAt: (row.revoked_at as number | null) ?? undefined,
    grantIsDead: grantId !== null && (row.live_grant_id === null || row.grant_revoked_at !== null),
    identityIsDead: identityId !== undefined && (row.live_identity_id === null || row.identity_status !== "active"),
    keyIsCompromised: row.compromised_at != null,
    validAfter: row.valid_after as number,
    roleScopes: hasRoles ? ((row.role_scopes as string[] | null) ?? []) : undefined,
    clockOffsetSeconds: row.clock_offset_seconds as number,
  };
}

const revoke = statement(
  "token.revoke",
  `UPDATE tokens t SET revoked_at = b.revoked_at
   FROM json_to_recordset($1::json) AS b(tenant_id text, realm_id text, id bytea, bucket integer, revoked_at bigint)
   WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id AND t.bucket = b.bucket AND t.revoked_at IS NULL
   RETURNING t.tenant_id, t.realm_id, t.application_id, t.issued_at, t.expires_at`,
);

/**
 * Revokes tokens; one that is revoked already stays as it is. `at` is seconds of tenant time.
 *
 * @returns those that lived until now, or until they expired
 */
export async function revokeTokens(
  db: Queryable,
  revocations: readonly (TokenKey & { readonly at: number })[],
): Promise<readonly EndedRow[]> {
  const batch = revocations.map((one) => ({
    tenant_id: one.tenantId,
    realm_id: one.realmId,
    ...idColumns(one.id),
    revoked_at: one.at,
  }));
  const rows = await db.run(revoke, [JSON.stringify(batch)]);
  return rows.map((row) => ({
    ...applicationKeyOfRow(row),
    issuedAt: row.issued_at as number,
    endsAt: row.expires_at as number,
  }));
}

const readDecisions = statement(
  "token.read_decisions",
  `SELECT id, application_id, grant_type, issued_at, decision FROM tokens
   WHERE tenant_id = $1 AND realm_id = $2 AND id >= $3 AND id < $4 ORDER BY id LIMIT 10`,
);

/** A granted token request, as its token's row tells it. */
export interface GrantedDecision {
  readonly tokenId: string;
  readonly applicationId: string;
  readonly grantType: string;
  readonly issuedAt: number;
  readonly decision: unknown;
}

/** The decisions of the tokens that a request issued: their ids begin with its trace id (settled 1). */
export async function listGrantedDecisions(
  db: Queryable,
  realm: RealmKey,
  traceId: Buffer,
): Promise<GrantedDecision[]> {
  const lowest = Buffer.concat([traceId, Buffer.alloc(8, 0x00)]);
  const highest = Buffer.concat([traceId, Buffer.alloc(8, 0xff)]);
  const rows = await db.run(readDecisions, [realm.tenantId, realm.realmId, lowest, highest]);
  return rows.map((row) => ({
    tokenId: (row.id as Buffer).toString("base64url"),
    applicationId: row.application_id as string,
    grantType: row.grant_type as string,
    issuedAt: row.issued_at as number,
    decision: row.decision,
  }));
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
