import type { Queryable, Row } from "../../database/database.ts";
import type { KnownTable } from "../../database/known-row.ts";
import { bucketRange, idColumns } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey, IssuerMode, RealmKey } from "../../protocol/client-metadata.ts";
import { effectiveEnd } from "../../protocol/token-state.ts";
import { type CurrentApplication, listBases, selectCurrentBases } from "../application/queries.ts";
import { selectRoleScopes } from "../role/queries.ts";
import { applicationKeyOfRow } from "../row-key.ts";
import { SESSION_LETS_GRANT_LIVE } from "../session/queries.ts";
import { alive } from "../tombstone.ts";

/** The table, for updates by its primary key. */
export const TOKENS: KnownTable = {
  name: "tokens",
  required: [
    ...["application_id", "transaction_id", "token_hash", "token_suffix", "grant_type", "subject", "audience", "scope"],
    ...["target_realm", "issued_at", "not_before", "expires_at", "issued_expires_at", "decision"],
  ],
};

/** Where a token's row is: the id names its partition. */
export interface TokenKey extends RealmKey {
  readonly id: string;
}

/** A recorded token with everything that decides at this moment whether it is alive and what it may do. */
export interface TokenFacts extends ApplicationKey {
  readonly id: string;
  readonly clientId: string;
  readonly confidentiality: string;
  readonly issuerMode: IssuerMode;
  readonly isPairwise: boolean;
  readonly resourceServerId: string | undefined;
  readonly resourceServerIdentifier: string | undefined;
  readonly resourceServerIsManaged: boolean;
  /** applications that may introspect tokens of this resource server (rule 9 b) */
  readonly introspectors: readonly string[];
  /** applications that may exchange tokens of its client (rule 16) */
  readonly mayBeExchangedBy: readonly string[];
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
  /** what was said to the client, whatever was shortened since */
  readonly issuedExpiresAt: number;
  readonly usesLeft: number | undefined;
  /** the `act` claim, as JSON */
  readonly actor: string | undefined;
  /** how its lifetime came about, in the wire form of `lifetimeRecord`; undefined unless it was asked for */
  readonly lifetimeRecord: unknown;
  readonly ancestorIds: readonly string[];
  /** the tokens that it was exchanged from, nearest first; undefined for one whose row is gone */
  readonly ancestors: readonly (TokenFacts | undefined)[];
  /**
   * What the token's scopes are limited to at this moment: a person's roles, what a client is allowed, neither of which gives what
   * the resource server has no more. undefined where nothing limits them.
   */
  readonly liveScopes: readonly string[] | undefined;
  readonly clockOffsetSeconds: number;
}

/** A look-up of a token, by a caller whose own configuration is to be judged in the same statement. */
export interface TokenLookUp extends TokenKey {
  readonly basis?: CurrentApplication | undefined;
  /** whether to read how the token's lifetime came about */
  readonly withDecision?: boolean | undefined;
}

/** What a look-up found. */
export interface TokenReading {
  /** undefined where there is no row, or tenant, realm or application are gone */
  readonly facts: TokenFacts | undefined;
  /** whether the caller's configuration still held at that moment; true where none was named */
  readonly isBasisCurrent: boolean;
}

// LATERAL with LIMIT keeps each look-up an index probe into one partition, whatever the planner thinks of the batch's size.
const read = statement(
  "token.read",
  `WITH current AS MATERIALIZED (${selectCurrentBases("$2")})
   SELECT b.n, b.basis = ANY (ARRAY (SELECT basis FROM current)) AS is_basis_current, found.*
   FROM json_to_recordset($1::json) AS b(n integer, basis integer, tenant_id text, realm_id text, id bytea, bucket integer, with_decision boolean)
   LEFT JOIN LATERAL (${selectToken()}) found ON true
   ORDER BY b.n`,
);

function selectToken(): string {
  return `SELECT t.tenant_id, t.realm_id, t.application_id, t.id, t.resource_server_id, t.identity_id, t.grant_id, t.session_id,
     t.transaction_id, t.key_id, t.token_hash, t.grant_type, t.subject, t.audience, t.scope, t.custom_claims, t.target_realm,
     t.issued_at, t.not_before, t.expires_at, t.issued_expires_at, t.revoked_at, t.uses_left, t.actor, t.ancestors, CASE WHEN b.with_decision THEN t.decision -> 'lifetime' END AS lifetime_record, a.client_id, a.protocol_config->>'confidentiality' AS confidentiality, a.protocol_config->>'issuer_mode' AS issuer_mode, COALESCE(a.protocol_config->>'subject_type', '') = 'pairwise' AS is_pairwise, a.target_realm AS live_target_realm, a.may_be_exchanged_by,
     rs.identifier AS rs_identifier, rs.is_managed AS rs_is_managed, rs.introspectors AS rs_introspectors,
     CASE WHEN t.identity_id IS NULL AND t.ancestors = '{}' AND NOT (string_to_array(t.scope, ' ') <@ rs.scopes AND a.resource_server_id = t.resource_server_id
       AND a.protocol_config -> 'allowed_scopes' ?& string_to_array(t.scope, ' ')) THEN rs.scopes END AS rs_scopes,
     CASE WHEN a.resource_server_id = t.resource_server_id THEN a.protocol_config -> 'allowed_scopes' END AS client_scopes,
     i.identity_id AS live_identity_id, i.status AS identity_status, i.traits->>'username' AS username,
     GREATEST(a.tokens_valid_after, COALESCE(i.tokens_valid_after, 0)) AS valid_after,
     k.compromised_at, tn.clock_offset_seconds, roles.scopes AS role_scopes
   FROM (SELECT * FROM tokens t WHERE t.tenant_id = b.tenant_id AND t.realm_id = b.realm_id AND t.id = b.id
     AND t.bucket = b.bucket AND t.bucket BETWEEN $3 AND $4 LIMIT 1) t
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
   LEFT JOIN LATERAL (SELECT array_agg(DISTINCT scope) AS scopes FROM ${selectRoleScopes({
     tenant: "b.tenant_id",
     realm: "b.realm_id",
     identity: "t.identity_id",
     resourceServer: "t.resource_server_id",
   })} scopes
   ) roles ON t.identity_id IS NOT NULL AND t.resource_server_id IS NOT NULL`;
}

/**
 * The grouped strict look-up (settled 4, rule 7): reads tokens with all that decides about them, each by its primary key.
 * Results are in the order of the look-ups. Ancestors are read in a round of their own, where there are any.
 */
export async function readTokens(db: Queryable, asked: readonly TokenLookUp[]): Promise<readonly TokenReading[]> {
  const found = await readRows(db, asked);
  const ancestors = await readAncestors(db, found);
  return found.map(({ row, isBasisCurrent }) => ({
    facts:
      row &&
      withAncestors(
        row,
        namesOf(row).map((named) => ancestors.get(nameOf(named, named.id))),
      ),
    isBasisCurrent,
  }));
}

// Tokens of one tree have most of their ancestors in common.
async function readAncestors(db: Queryable, found: readonly RowReading[]): Promise<ReadonlyMap<string, TokenFacts>> {
  const named = new Map<string, TokenKey>();
  for (const { row } of found)
    if (row !== undefined) for (const ancestor of namesOf(row)) named.set(nameOf(ancestor, ancestor.id), ancestor);
  if (named.size === 0) return new Map();
  const read = await readRows(db, [...named.values()]);
  return new Map(read.flatMap(({ row }) => (row === undefined ? [] : [[nameOf(row, row.id), row] as const])));
}

/** A row that was found, for itself. */
interface RowReading {
  readonly row: TokenFacts | undefined;
  readonly isBasisCurrent: boolean;
}

async function readRows(db: Queryable, asked: readonly TokenLookUp[]): Promise<readonly RowReading[]> {
  const { parameter, numbers } = listBases(asked.map(({ basis }) => basis));
  const batch = asked.map(({ tenantId, realmId, id, withDecision }, n) => {
    const key = { tenant_id: tenantId, realm_id: realmId, ...idColumns(id) };
    return { n, basis: numbers[n], ...key, with_decision: withDecision };
  });
  const range = bucketRange(asked.map(({ id }) => id));
  const rows = await db.run(read, [JSON.stringify(batch), parameter, ...range]);
  const found = rows.map((row) => (row.id === null ? undefined : toTokenFacts(row)));
  const live = await readLiveGrants(db, found);
  return rows.map((row, n) => {
    const facts = found[n];
    return {
      row: facts && withGrant(facts, live),
      isBasisCurrent: row.is_basis_current !== false,
    };
  });
}

function namesOf({ tenantId, realmId, ancestorIds }: TokenFacts): readonly TokenKey[] {
  return ancestorIds.map((id) => ({ tenantId, realmId, id }));
}

type LiveGrants = ReadonlyMap<string, number>;

function withGrant(facts: RowFacts, live: LiveGrants): TokenFacts {
  if (facts.grantId === undefined) return { ...facts, grantIsDead: false, ancestors: [] };
  const grantEndsAt = live.get(nameOf(facts, facts.grantId));
  const expiresAt = effectiveEnd({ expiresAt: facts.expiresAt, grantEndsAt, ancestors: [] });
  return { ...facts, expiresAt, grantIsDead: grantEndsAt === undefined, ancestors: [] };
}

// Settled 3: what an exchanged token may do and how long it lives is at most what each of its ancestors may and does.
function withAncestors(row: TokenFacts, ancestors: readonly (TokenFacts | undefined)[]): TokenFacts {
  if (ancestors.length === 0) return row;
  const isThere = (ancestor: TokenFacts | undefined) => ancestor !== undefined;
  const there = ancestors.filter(isThere);
  return {
    ...row,
    ancestors,
    expiresAt: effectiveEnd({ expiresAt: row.expiresAt, grantEndsAt: undefined, ancestors }),
    liveScopes: there.map(({ liveScopes }) => liveScopes).reduce(narrowScopes, row.liveScopes),
    liveTargetRealm: there.map(({ liveTargetRealm }) => liveTargetRealm).reduce(narrowRealm, row.liveTargetRealm),
    isPairwise: row.isPairwise || there.some(({ isPairwise }) => isPairwise),
  };
}

function narrowScopes(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const held = new Set(other);
  return one.filter((scope) => held.has(scope));
}

/** The narrower of two reaches: `*`, a realm, or "" for none, where they are two realms. */
export function narrowRealm(one: string, other: string): string {
  if (one === "*" || one === other) return other;
  return other === "*" ? one : "";
}

// The grants of tokens are known only when the tokens are: a join would prepare to look into all their partitions.
const readGrants = statement(
  "token.read_live_grants",
  `SELECT g.tenant_id, g.realm_id, g.id, g.ends_at
   FROM json_to_recordset($1::json) AS b(tenant_id text, realm_id text, id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT * FROM grants g WHERE g.tenant_id = b.tenant_id AND g.realm_id = b.realm_id AND g.id = b.id
     AND g.bucket = b.bucket AND g.bucket BETWEEN $2 AND $3 AND g.revoked_at IS NULL AND ${SESSION_LETS_GRANT_LIVE} LIMIT 1) g`,
);

type Granted = RealmKey & { readonly grantId: string | undefined };

/** Of the grants that these tokens hang on, those that were not ended: until when each lets its tokens live, by its name. */
async function readLiveGrants(db: Queryable, tokens: readonly (Granted | undefined)[]): Promise<LiveGrants> {
  const ids: string[] = [];
  const batch = tokens.flatMap((token) => {
    if (token?.grantId === undefined) return [];
    ids.push(token.grantId);
    return [{ tenant_id: token.tenantId, realm_id: token.realmId, ...idColumns(token.grantId) }];
  });
  if (ids.length === 0) return new Map();
  const rows = await db.run(readGrants, [JSON.stringify(batch), ...bucketRange(ids)]);
  return new Map(rows.map((row) => [grantNameOf(row), row.ends_at as number]));
}

function grantNameOf(row: Row): string {
  const realm = { tenantId: String(row.tenant_id), realmId: String(row.realm_id) };
  return nameOf(realm, (row.id as Buffer).toString("base64url"));
}

function nameOf({ tenantId, realmId }: RealmKey, id: string): string {
  return `${tenantId}/${realmId}/${id}`;
}

type RowFacts = Omit<TokenFacts, "grantIsDead" | "ancestors">;

function toTokenFacts(row: Row): RowFacts {
  const identityId = optionalText(row.identity_id);
  const grantId = row.grant_id as Buffer | null;
  return {
    ...applicationKeyOfRow(row),
    id: (row.id as Buffer).toString("base64url"),
    clientId: row.client_id as string,
    confidentiality: row.confidentiality as string,
    issuerMode: row.issuer_mode as IssuerMode,
    isPairwise: row.is_pairwise === true,
    resourceServerId: optionalText(row.resource_server_id),
    resourceServerIdentifier: optionalText(row.rs_identifier),
    resourceServerIsManaged: row.rs_is_managed === true,
    introspectors: (row.rs_introspectors as string[] | null) ?? [],
    mayBeExchangedBy: row.may_be_exchanged_by as string[],
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
    issuedExpiresAt: row.issued_expires_at as number,
    usesLeft: (row.uses_left as number | null) ?? undefined,
    actor: optionalText(row.actor),
    ancestorIds: (row.ancestors as Buffer[]).map((id) => id.toString("base64url")),
    lifetimeRecord: row.lifetime_record ?? undefined,
    revokedAt: (row.revoked_at as number | null) ?? undefined,
    identityIsDead: identityId !== undefined && (row.live_identity_id === null || row.identity_status !== "active"),
    keyIsCompromised: row.compromised_at != null,
    validAfter: row.valid_after as number,
    liveScopes: toLiveScopes(row),
    clockOffsetSeconds: row.clock_offset_seconds as number,
  };
}

// A client has the scopes that its resource server has and that it is allowed there at this moment: none, where it is another's now. They
// are read only where they do not hold all of the token's.
function toLiveScopes(row: Row): readonly string[] | undefined {
  if (row.resource_server_id === null) return undefined;
  if (row.identity_id !== null) return (row.role_scopes as string[] | null) ?? [];
  if (row.rs_identifier === null) return [];
  const serverScopes = row.rs_scopes as string[] | null;
  if (serverScopes === null) return undefined;
  const allowed = new Set((row.client_scopes as string[] | null) ?? []);
  return serverScopes.filter((scope) => allowed.has(scope));
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
