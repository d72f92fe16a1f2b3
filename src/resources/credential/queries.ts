import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { type JwkMembers, jwkThumbprint } from "../../protocol/jwk-thumbprint.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { IS_OPEN } from "../credential-binding-job/queries.ts";
import type { IdentityKey } from "../identity/queries.ts";
import type { EnrollmentStatus } from "../identity/schema.ts";
import { alive, NO_TOMBSTONE } from "../tombstone.ts";
import { CREDENTIAL_STATES, type CredentialState, CSR_TYPES, type CsrType } from "./schema.ts";

/** Names a credential. */
export interface CredentialKey extends RealmKey {
  readonly credentialId: string;
}

/** What WebAuthn says of a credential besides its key (WebAuthn Level 3 §4, "credential record"). */
export interface WebauthnRecord {
  /** the authenticator's own id of it, unique in the realm (rule 20) */
  readonly webauthnId: Uint8Array;
  readonly rpId: string;
  readonly aaguid: string;
  readonly signCount: number;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
  readonly transports: readonly string[];
}

/** A credential to be stored. */
export interface NewCredential {
  readonly identityId: string;
  readonly csrType: CsrType;
  /** what its signatures are verified with */
  readonly publicJwk: JwkMembers;
  /** where it was bound; undefined for an authenticator that a binding job brought itself */
  readonly authenticatorConfigId: string | undefined;
  readonly displayName: string;
  /** undefined for a key that a browser holds by itself */
  readonly webauthn: WebauthnRecord | undefined;
}

/** A credential as it is stored. */
export interface Credential extends NewCredential {
  readonly key: CredentialKey;
  readonly state: CredentialState;
  /** RFC 7638, base64url */
  readonly jwkThumbprint: string;
  /** milliseconds of real time; undefined before its first use */
  readonly lastUsedAtMs: number | undefined;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Passkeys of one person at one relying party. */
export const PASSKEYS_MAX = 50;
/** Most credentials of a person that are listed, of all relying parties. */
const ACTIVE_LISTED_MAX = 200;

const find = statement(
  "credential.find",
  `SELECT * FROM credentials
   WHERE tenant_id = $1 AND realm_id = $2 AND credential_id = $3 AND identity_id = $4 AND ${alive()}`,
);

const holdOne = statement("credential.hold", `${find.text} FOR UPDATE`);

const findByWebauthnId = statement(
  "credential.find_by_webauthn_id",
  `SELECT * FROM credentials
   WHERE tenant_id = $1 AND realm_id = $2 AND webauthn_id >= $3 AND webauthn_id <= $3 AND webauthn_id IS NOT NULL AND ${alive()}
   ORDER BY webauthn_id`,
);

const attributes = {
  id: { type: "exact text", sql: "credential_id" },
  identity_id: { type: "exact text", sql: "identity_id" },
  state: { type: "enum", sql: "state", values: CREDENTIAL_STATES },
  csr_type: { type: "enum", sql: "csr_type", values: CSR_TYPES },
  jwk_thumbprint: { type: "exact text", sql: "jwk_thumbprint", index: NO_TOMBSTONE },
  create_time: { type: "time", sql: "created_at_ms" },
  update_time: { type: "time", sql: "updated_at_ms" },
} as const;

const ofRealm = declareList({
  name: "credential",
  from: "credentials",
  owner: ["tenant_id", "realm_id"],
  id: "credential_id",
  where: alive(),
  counted: "by triggers",
  attributes,
});

// identity_id <> '' says that the index over identities may be used.
const { jwk_thumbprint, ...others } = attributes;
const ofIdentity = declareList({
  name: "credential_of_identity",
  from: "credentials",
  owner: ["tenant_id", "realm_id", "identity_id"],
  id: "credential_id",
  where: `identity_id <> '' AND ${alive()}`,
  counted: "each time",
  attributes: { ...others, jwk_thumbprint: { type: jwk_thumbprint.type, sql: jwk_thumbprint.sql } },
});

const insert = statement(
  "credential.insert",
  `INSERT INTO credentials (tenant_id, realm_id, credential_id, identity_id, csr_type, public_jwk, jwk_thumbprint,
     authenticator_config_id, display_name, webauthn_id, rp_id, aaguid, sign_count, backup_eligible, backup_state, transports,
     created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)`,
);

const revoke = statement(
  "credential.revoke",
  `UPDATE credentials SET state = 'REVOKED', updated_at_ms = $4, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND credential_id = $3 AND state = 'ACTIVE' AND ${alive()}`,
);

const rename = statement(
  "credential.rename",
  `UPDATE credentials SET display_name = $5, updated_at_ms = $6, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND credential_id = $3 AND identity_id = $4 AND state = 'ACTIVE' AND display_name <> $5
     AND ${alive()}
   RETURNING credential_id`,
);

// WebAuthn Level 3 §7.2 step 22: a count that does not go up says that there may be a copy, unless the key is meant to be copied. Of a
// person who may not log in no credential is used (rule 7).
const use = statement(
  "credential.use",
  `UPDATE credentials SET sign_count = $5, backup_state = $6, last_used_at_ms = $7
   WHERE tenant_id = $1 AND realm_id = $2 AND credential_id = $3 AND identity_id = $4 AND state = 'ACTIVE' AND ${alive()}
     AND ($6 OR $5 > sign_count OR ($5 = 0 AND sign_count = 0))
     AND EXISTS (SELECT FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $4
       AND i.status = 'active' AND ${alive("i")})
   RETURNING credential_id`,
);

const listUsable = statement(
  "credential.list_usable",
  `SELECT * FROM credentials
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND identity_id <> '' AND state = 'ACTIVE' AND rp_id = $4 AND ${alive()}
   ORDER BY credential_id LIMIT ${PASSKEYS_MAX}`,
);

const listActive = statement(
  "credential.list_active",
  `SELECT * FROM credentials
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND identity_id <> '' AND state = 'ACTIVE' AND ${alive()}
   ORDER BY credential_id LIMIT ${ACTIVE_LISTED_MAX}`,
);

// identity_id <> '' says that the indexes over identities may be used.
const OWN = "x.tenant_id = $1 AND x.realm_id = $2 AND x.identity_id = i.identity_id AND x.identity_id <> ''";
const enrollment = statement(
  "credential.read_enrollment",
  `SELECT i.identity_id, CASE
     WHEN EXISTS (SELECT FROM credentials x WHERE ${OWN} AND x.state = 'ACTIVE' AND ${alive("x")}) THEN 'ENROLLED'
     WHEN EXISTS (SELECT FROM credential_binding_jobs x WHERE ${OWN} AND x.${IS_OPEN} AND ${alive("x")}
       AND x.expires_at > $4 + (SELECT clock_offset_seconds FROM tenants WHERE tenant_id = $1)) THEN 'PENDING'
     WHEN EXISTS (SELECT FROM credential_binding_jobs x WHERE ${OWN} AND x.state = 'FAILED_TO_SEND' AND ${alive("x")}) THEN 'INVITE_FAILED'
     ELSE 'UNENROLLED' END AS status
   FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = ANY ($3) AND ${alive("i")}`,
);

/** Reads a credential of an identity. */
export async function findCredential(
  db: Queryable,
  key: CredentialKey,
  identityId: string,
): Promise<Credential | undefined> {
  const [row] = await db.run(find, [...ids(key), identityId]);
  return row && toCredential(row);
}

/** Reads a credential of an identity and keeps it as it is until the transaction ends. */
export async function holdCredential(
  db: Queryable,
  key: CredentialKey,
  identityId: string,
): Promise<Credential | undefined> {
  const [row] = await db.run(holdOne, [...ids(key), identityId]);
  return row && toCredential(row);
}

/** Reads the credential that an authenticator calls by this id, in one realm (rule 20); revoked ones, too. */
export async function findCredentialByWebauthnId(
  db: Queryable,
  realm: RealmKey,
  webauthnId: Uint8Array,
): Promise<Credential | undefined> {
  const [row] = await db.run(findByWebauthnId, [realm.tenantId, realm.realmId, webauthnId]);
  return row && toCredential(row);
}

/** Whose credentials a list shows: an identity's, or without one all of the realm. */
export interface CredentialOwner extends RealmKey {
  readonly identityId?: string | undefined;
}

/** Reads a page of credentials, in the order of their ids. */
export async function listCredentials(db: Queryable, owner: CredentialOwner, page: ListPage): Promise<Credential[]> {
  const list = owner.identityId === undefined ? ofRealm : ofIdentity;
  return (await list.page(db, ownerIds(owner), page)).map(toCredential);
}

/** Counts credentials, or those of them that pass the filter. */
export async function countCredentials(db: Queryable, owner: CredentialOwner, filter?: Filter): Promise<number> {
  const list = owner.identityId === undefined ? ofRealm : ofIdentity;
  return list.count(db, ownerIds(owner), filter);
}

/** Stores a new credential, active. An authenticator's id that the realm knows is a conflict on `credentials_webauthn_id`. */
export async function insertCredential(
  db: Queryable,
  key: CredentialKey,
  credential: NewCredential,
  nowMs: number,
): Promise<void> {
  const { identityId, csrType, publicJwk, authenticatorConfigId, displayName } = credential;
  const { webauthn } = credential;
  await db.run(insert, [
    ...[...ids(key), identityId, csrType, publicJwk, jwkThumbprint(publicJwk)],
    ...[authenticatorConfigId ?? null, displayName],
    ...[webauthn?.webauthnId ?? null, webauthn?.rpId ?? null, webauthn?.aaguid ?? null, webauthn?.signCount ?? 0],
    ...[webauthn?.isBackupEligible ?? false, webauthn?.isBackedUp ?? false, webauthn?.transports ?? []],
    nowMs,
  ]);
}

/** Revokes a credential for good; one that is revoked stays as it is. */
export async function revokeCredential(db: Queryable, key: CredentialKey, nowMs: number): Promise<void> {
  await db.run(revoke, [...ids(key), nowMs]);
}

/** Gives an active credential of a person another name. False: it is none, or is called so. */
export async function renameCredential(
  db: Queryable,
  { key, identityId }: Pick<Credential, "key" | "identityId">,
  { displayName, atMs }: { readonly displayName: string; readonly atMs: number },
): Promise<boolean> {
  return (await db.run(rename, [...ids(key), identityId, displayName, atMs])).length > 0;
}

/** What a passkey says when it is used. */
export interface CredentialUse {
  readonly signCount: number;
  readonly isBackedUp: boolean;
  /** milliseconds of real time */
  readonly atMs: number;
}

/**
 * Notes that a passkey was used, if it may be: active, its person too, and its count one that only the original can show. In one
 * statement, so that a revocation which was answered holds for every use.
 *
 * @returns whether it may be used
 */
export async function useCredential(
  db: Queryable,
  { key, identityId }: Pick<Credential, "key" | "identityId">,
  { signCount, isBackedUp, atMs }: CredentialUse,
): Promise<boolean> {
  return (await db.run(use, [...ids(key), identityId, signCount, isBackedUp, atMs])).length > 0;
}

/** Reads the passkeys that a person can use at a relying party, at most `PASSKEYS_MAX`. */
export async function listUsableCredentials(
  db: Queryable,
  { tenantId, realmId, identityId }: IdentityKey,
  rpId: string,
): Promise<Credential[]> {
  return (await db.run(listUsable, [tenantId, realmId, identityId, rpId])).map(toCredential);
}

/** Reads the credentials that a person can use, wherever; at most 200. */
export async function listActiveCredentials(
  db: Queryable,
  { tenantId, realmId, identityId }: IdentityKey,
): Promise<Credential[]> {
  return (await db.run(listActive, [tenantId, realmId, identityId])).map(toCredential);
}

/**
 * Reads how far identities are on the way to a passkey: ENROLLED with an active one, else PENDING while an invitation may be used, else
 * INVITE_FAILED when one could not be sent (reference 2.3).
 *
 * @param now seconds of real time
 * @returns by the identity's id, of each that exists
 */
export async function readEnrollment(
  db: Queryable,
  realm: RealmKey,
  identityIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, EnrollmentStatus>> {
  if (identityIds.length === 0) return new Map();
  const rows = await db.run(enrollment, [realm.tenantId, realm.realmId, identityIds, now]);
  return new Map(rows.map((row) => [String(row.identity_id), row.status as EnrollmentStatus]));
}

function ids(key: CredentialKey): readonly string[] {
  return [key.tenantId, key.realmId, key.credentialId];
}

function ownerIds({ tenantId, realmId, identityId }: CredentialOwner): readonly string[] {
  return identityId === undefined ? [tenantId, realmId] : [tenantId, realmId, identityId];
}

interface CredentialRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly credential_id: string;
  readonly identity_id: string;
  readonly state: CredentialState;
  readonly csr_type: CsrType;
  readonly public_jwk: JwkMembers;
  readonly jwk_thumbprint: string;
  readonly authenticator_config_id: string | null;
  readonly display_name: string;
  readonly last_used_at_ms: number | null;
  readonly webauthn_id: Buffer | null;
  readonly rp_id: string | null;
  readonly aaguid: string | null;
  readonly sign_count: number;
  readonly backup_eligible: boolean;
  readonly backup_state: boolean;
  readonly transports: string[];
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toCredential(untyped: Row): Credential {
  const row = untyped as unknown as CredentialRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, credentialId: row.credential_id },
    identityId: row.identity_id,
    state: row.state,
    csrType: row.csr_type,
    publicJwk: row.public_jwk,
    jwkThumbprint: row.jwk_thumbprint,
    authenticatorConfigId: row.authenticator_config_id ?? undefined,
    displayName: row.display_name,
    webauthn: toWebauthn(row),
    lastUsedAtMs: row.last_used_at_ms ?? undefined,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function toWebauthn(row: CredentialRow): WebauthnRecord | undefined {
  if (row.webauthn_id === null) return undefined;
  return {
    webauthnId: row.webauthn_id,
    rpId: row.rp_id ?? "",
    aaguid: row.aaguid ?? "",
    signCount: row.sign_count,
    isBackupEligible: row.backup_eligible,
    isBackedUp: row.backup_state,
    transports: row.transports,
  };
}
