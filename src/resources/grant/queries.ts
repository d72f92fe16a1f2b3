import type { Queryable, Row } from "../../database/database.ts";
import type { KnownTable } from "../../database/known-row.ts";
import { bucketOf, bucketRange, idColumns } from "../../database/row-id.ts";
import { rowsInOrder } from "../../database/rows-in-order.ts";
import { statement } from "../../database/statement.ts";
import type { ApplicationKey, IssuerMode, RealmKey } from "../../protocol/client-metadata.ts";
import { boundFacts } from "../../protocol/decision-facts.ts";
import { readClaims, type StoredClaims, writeClaims } from "../authorization-request/schema.ts";
import { selectRoleScopes } from "../role/queries.ts";
import { applicationKeyOfRow } from "../row-key.ts";
import { SESSION_LETS_GRANT_LIVE } from "../session/queries.ts";
import { alive } from "../tombstone.ts";

/** A person's authorization of an application: its code, and the refresh family that grows from it. */
export interface NewGrant extends ApplicationKey {
  readonly id: string;
  readonly identityId: string;
  readonly resourceServerId: string | undefined;
  readonly subject: string;
  readonly sessionId: string;
  /** what the client calls the session, where that is another name (rule 20) */
  readonly clientSessionId: string | undefined;
  readonly transactionId: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly redirectUri: string;
  readonly redirectUriOptional: boolean;
  readonly codeChallenge: string | undefined;
  readonly codeChallengeMethod: string | undefined;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string;
  /** claims that were asked for by name */
  readonly claims: StoredClaims;
  /** how long the person lets a token of it live; undefined: nobody was asked */
  readonly consentMaxSeconds: number | undefined;
  /** for how long the person lets access be renewed; undefined: nobody was asked */
  readonly consentRenewalSeconds: number | undefined;
  readonly codeHash: Uint8Array;
  readonly codeExpiresAt: number;
  readonly issuedAt: number;
  /** No token of this grant may outlive it: its bucket was computed from this. */
  readonly endsAt: number;
  readonly decision: Readonly<Record<string, unknown>>;
}

/** A grant as it is at this moment, with the person behind it. */
export interface GrantFacts extends Omit<NewGrant, "decision" | "codeHash"> {
  readonly codeHash: Buffer;
  readonly customClaims: string | undefined;
  readonly generation: number;
  readonly siblings: readonly Buffer[];
  readonly parentHash: Buffer | undefined;
  readonly rotatedAt: number | undefined;
  readonly codeSpentAt: number | undefined;
  readonly refreshIssuedAt: number | undefined;
  readonly refreshExpiresAt: number | undefined;
  readonly refreshSuffix: string | undefined;
  readonly revokedAt: number | undefined;
  readonly version: number;
  readonly clientId: string;
  readonly issuerMode: IssuerMode;
  readonly isPairwise: boolean;
  readonly identityIsDead: boolean;
  /** its session was ended, and it was not given `offline_access` */
  readonly sessionIsOver: boolean;
  /** tokens issued before this second are dead, by application or identity */
  readonly validAfter: number;
  readonly identity:
    | {
        readonly displayName: string;
        readonly emailVerified: boolean;
        readonly traits: unknown;
        readonly updatedAtMs: number;
      }
    | undefined;
  readonly roleScopes: readonly string[];
  readonly clockOffsetSeconds: number;
}

/** The table, for updates by its primary key. */
export const GRANTS: KnownTable = {
  name: "grants",
  required: [
    ...["application_id", "identity_id", "subject", "transaction_id", "scope", "redirect_uri", "redirect_uri_optional"],
    ...["auth_time", "amr", "acr", "code_hash", "code_expires_at", "issued_at", "ends_at", "decision"],
  ],
};

const insert = statement(
  "grant.insert",
  `INSERT INTO grants (tenant_id, realm_id, id, bucket, application_id, identity_id, resource_server_id, subject, session_id,
     transaction_id, scope, nonce, redirect_uri, redirect_uri_optional, code_challenge, code_challenge_method, auth_time, amr,
     acr, code_hash, code_expires_at, issued_at, ends_at, decision, claims, client_session_id,
     consent_max_seconds, consent_renewal_seconds)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
     $27, $28)`,
);

/** Records a grant whose code is about to be sent to the client. */
export async function insertGrant(db: Queryable, grant: NewGrant): Promise<void> {
  await db.run(insert, [
    grant.tenantId,
    grant.realmId,
    Buffer.from(grant.id, "base64url"),
    bucketOf(grant.id),
    grant.applicationId,
    grant.identityId,
    grant.resourceServerId,
    grant.subject,
    grant.sessionId,
    grant.transactionId,
    grant.scope,
    grant.nonce,
    grant.redirectUri,
    grant.redirectUriOptional,
    grant.codeChallenge,
    grant.codeChallengeMethod,
    grant.authTime,
    grant.amr,
    grant.acr,
    grant.codeHash,
    grant.codeExpiresAt,
    grant.issuedAt,
    grant.endsAt,
    JSON.stringify(boundFacts(grant.decision)),
    claimsOf(grant),
    grant.clientSessionId,
    grant.consentMaxSeconds,
    grant.consentRenewalSeconds,
  ]);
}

function claimsOf({ claims }: NewGrant): string | undefined {
  const written = writeClaims(claims);
  return written && JSON.stringify(written);
}

const read = statement(
  "grant.read",
  `SELECT b.n, g.*, a.client_id, a.protocol_config->>'issuer_mode' AS issuer_mode,
     COALESCE(a.protocol_config->>'subject_type', '') = 'pairwise' AS is_pairwise, tn.clock_offset_seconds, i.identity_id AS live_identity_id, i.status AS identity_status,
     i.display_name AS identity_display_name, i.email_verified, i.traits, i.updated_at_ms AS identity_updated_at_ms,
     GREATEST(a.tokens_valid_after, COALESCE(i.tokens_valid_after, 0)) AS valid_after, roles.scopes AS role_scopes,
     NOT ${SESSION_LETS_GRANT_LIVE} AS session_is_over
   FROM json_to_recordset($1::json) AS b(n integer, tenant_id text, realm_id text, id bytea, bucket integer)
   CROSS JOIN LATERAL (SELECT * FROM grants g WHERE g.tenant_id = b.tenant_id AND g.realm_id = b.realm_id AND g.id = b.id
     AND g.bucket = b.bucket AND g.bucket BETWEEN $2 AND $3 LIMIT 1) g
   JOIN tenants tn ON tn.tenant_id = b.tenant_id AND ${alive("tn")}
   JOIN realms r ON r.tenant_id = b.tenant_id AND r.realm_id = b.realm_id AND ${alive("r")}
   CROSS JOIN LATERAL (SELECT * FROM applications a WHERE a.tenant_id = b.tenant_id AND a.realm_id = b.realm_id
     AND a.application_id = g.application_id AND ${alive("a")} LIMIT 1) a
   LEFT JOIN LATERAL (SELECT * FROM identities i WHERE i.tenant_id = b.tenant_id AND i.realm_id = b.realm_id
     AND i.identity_id = g.identity_id AND ${alive("i")} LIMIT 1) i ON true
   LEFT JOIN LATERAL (SELECT array_agg(DISTINCT scope) AS scopes FROM ${selectRoleScopes({
     tenant: "b.tenant_id",
     realm: "b.realm_id",
     identity: "g.identity_id",
     resourceServer: "g.resource_server_id",
   })} scopes
   ) roles ON g.resource_server_id IS NOT NULL`,
);

/** Names a grant; its id carries its partition. */
export interface GrantKey extends RealmKey {
  readonly id: string;
}

/** The grouped strict look-up of grants: each by its primary key, results in the order of the keys. */
export async function readGrants(
  db: Queryable,
  keys: readonly GrantKey[],
): Promise<readonly (GrantFacts | undefined)[]> {
  const batch = keys.map((key, n) => ({ n, tenant_id: key.tenantId, realm_id: key.realmId, ...idColumns(key.id) }));
  const rows = await db.run(read, [JSON.stringify(batch), ...bucketRange(keys.map(({ id }) => id))]);
  return rowsInOrder(keys.length, rows).map((row) => row && toGrantFacts(row));
}

function toGrantFacts(row: Row): GrantFacts {
  const isThere = row.live_identity_id !== null;
  return {
    ...toStoredGrant(row),
    customClaims: optional<string>(row.custom_claims),
    generation: row.generation as number,
    siblings: row.siblings as Buffer[],
    parentHash: optional<Buffer>(row.parent_hash),
    rotatedAt: optional<number>(row.rotated_at),
    codeSpentAt: optional<number>(row.code_spent_at),
    refreshIssuedAt: optional<number>(row.refresh_issued_at),
    refreshExpiresAt: optional<number>(row.refresh_expires_at),
    refreshSuffix: optional<string>(row.refresh_suffix),
    revokedAt: optional<number>(row.revoked_at),
    version: row.version as number,
    clientId: row.client_id as string,
    issuerMode: row.issuer_mode as IssuerMode,
    isPairwise: row.is_pairwise === true,
    identityIsDead: !isThere || row.identity_status !== "active",
    sessionIsOver: row.session_is_over === true,
    validAfter: row.valid_after as number,
    identity: isThere
      ? {
          displayName: row.identity_display_name as string,
          emailVerified: row.email_verified === true,
          traits: row.traits,
          updatedAtMs: row.identity_updated_at_ms as number,
        }
      : undefined,
    roleScopes: (row.role_scopes as string[] | null) ?? [],
    clockOffsetSeconds: row.clock_offset_seconds as number,
  };
}

function toStoredGrant(row: Row): Omit<NewGrant, "decision" | "codeHash"> & { codeHash: Buffer } {
  return {
    ...applicationKeyOfRow(row),
    id: (row.id as Buffer).toString("base64url"),
    identityId: row.identity_id as string,
    resourceServerId: optional<string>(row.resource_server_id),
    subject: row.subject as string,
    sessionId: row.session_id as string,
    clientSessionId: optional<string>(row.client_session_id),
    transactionId: row.transaction_id as string,
    scope: row.scope as string,
    nonce: optional<string>(row.nonce),
    redirectUri: row.redirect_uri as string,
    redirectUriOptional: row.redirect_uri_optional as boolean,
    codeChallenge: optional<string>(row.code_challenge),
    codeChallengeMethod: optional<string>(row.code_challenge_method),
    authTime: row.auth_time as number,
    amr: row.amr as string[],
    acr: row.acr as string,
    claims: readClaims(row.claims),
    consentMaxSeconds: optional<number>(row.consent_max_seconds),
    consentRenewalSeconds: optional<number>(row.consent_renewal_seconds),
    codeHash: row.code_hash as Buffer,
    codeExpiresAt: row.code_expires_at as number,
    issuedAt: row.issued_at as number,
    endsAt: row.ends_at as number,
  };
}

/** Why a family ended, for decisions and lists. */
export type RevocationReason = "revoked" | "code_reuse" | "refresh_reuse" | "withdrawn";

function optional<T>(value: unknown): T | undefined {
  return value === null || value === undefined ? undefined : (value as T);
}
