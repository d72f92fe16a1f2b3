import type { Queryable, Row } from "../../database/database.ts";
import type { FilterAttribute } from "../../database/filter-condition.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareFind, declareHold, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { subjectKey } from "../../protocol/subject.ts";
import { selectRoleScopes } from "../role/queries.ts";
import { alive, aliveWithKey, NO_TOMBSTONE } from "../tombstone.ts";
import { type IdentitySettings, Traits } from "./schema.ts";

/** Names an identity. */
export interface IdentityKey extends RealmKey {
  readonly identityId: string;
}

/** An identity as it is stored. */
export interface Identity {
  readonly key: IdentityKey;
  readonly displayName: string;
  readonly status: "active" | "suspended";
  readonly traits: Traits;
  /** the forms that are compared (rule 2) */
  readonly usernameKey: string;
  readonly emailKey: string | undefined;
  readonly emailVerified: boolean;
  /** tokens issued before this second are dead */
  readonly tokensValidAfter: number;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface NewIdentity {
  readonly settings: IdentitySettings;
  /** whether a code mailed to the primary address came back */
  readonly emailVerified: boolean;
}

// Two are enough to know that an address is not unique (rule 2).
const SAME_ADDRESS_MAX = 2;

const ROW = {
  name: "identity",
  from: "identities",
  owner: ["tenant_id", "realm_id"],
  id: "identity_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const holdOne = declareHold(ROW);

// In the order of their ids, so that two who hold several never wait for each other.
const holdMany = statement(
  "identity.hold_many",
  `SELECT identity_id FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = ANY ($3) AND ${alive()}
   ORDER BY identity_id FOR SHARE`,
);

const findByEmail = statement(
  "identity.find_by_email",
  `SELECT * FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND ${aliveWithKey("email_key", "$3")} LIMIT $4`,
);

const findNamed = statement(
  "identity.find_named",
  `SELECT * FROM identities
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = ANY ($3) AND ${alive()}
   UNION ALL
   SELECT * FROM identities
   WHERE tenant_id = $1 AND realm_id = $2 AND username_key = ANY ($4) AND NOT identity_id = ANY ($3)
     AND deleted_at_ms IS NULL`,
);

// The forms that rule 2 compares are stored; the other traits are as they were written.
const TRAIT_COLUMNS: Readonly<Record<string, FilterAttribute>> = {
  username: { type: "text", sql: "username_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
  primary_email_address: { type: "text", sql: "email_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
};
const TRAIT_ATTRIBUTES = Object.fromEntries(
  Object.keys(Traits.properties).map((name): [string, FilterAttribute] => [
    `traits.${name}`,
    TRAIT_COLUMNS[name] ?? { type: "text", sql: `traits ->> '${name}'` },
  ]),
);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "identity_id" },
    display_name: { type: "text", sql: "display_name" },
    status: { type: "enum", sql: "status", values: ["active", "suspended"] },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
    ...TRAIT_ATTRIBUTES,
  },
});

const insert = statement(
  "identity.insert",
  `INSERT INTO identities (tenant_id, realm_id, identity_id, display_name, status, traits, username_key, email_key,
     email_verified, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
);

// Another address is another mailbox: it has to be verified again.
const update = statement(
  "identity.update",
  `UPDATE identities SET display_name = $4, status = $5, traits = $6, username_key = $7, email_key = $8,
     email_verified = email_verified AND email_key IS NOT DISTINCT FROM $8, updated_at_ms = $9, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND ${alive()}`,
);

const verify = statement(
  "identity.verify_email",
  `UPDATE identities SET email_verified = true, updated_at_ms = $5, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND email_key = $4 AND NOT email_verified
     AND ${alive()}`,
);

// It leaves its groups at once, so that their members can be counted without a look at each.
const remove = statement(
  "identity.delete",
  `WITH left_groups AS (
     DELETE FROM group_members WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3
   )
   UPDATE identities SET deleted_at_ms = $4, updated_at_ms = $4, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND ${alive()}`,
);

const holdDoomed = statement(
  "identity.hold_doomed",
  `SELECT identity_id FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = ANY ($3) AND ${alive()}
   ORDER BY identity_id FOR UPDATE`,
);

const removeMany = statement(
  "identity.delete_many",
  `WITH left_groups AS (
     DELETE FROM group_members WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = ANY ($3)
   )
   UPDATE identities SET deleted_at_ms = $4, updated_at_ms = $4, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = ANY ($3) AND ${alive()}`,
);

// From the group's members to identities by primary key, however many the realm has.
const MEMBERS = `FROM group_members m
   CROSS JOIN LATERAL (SELECT * FROM identities i WHERE i.tenant_id = m.tenant_id AND i.realm_id = m.realm_id
     AND i.identity_id = m.identity_id AND ${alive("i")} LIMIT 1) i
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.group_id = $3`;

const listOfGroup = statement(
  "identity.list_of_group",
  `SELECT i.* ${MEMBERS} AND m.identity_id > $4 ORDER BY m.identity_id LIMIT $5 OFFSET $6`,
);

// Whoever is deleted leaves at once, so that each row is a member.
const countOfGroup = statement(
  "identity.count_of_group",
  "SELECT count(*) AS size FROM group_members WHERE tenant_id = $1 AND realm_id = $2 AND group_id = $3",
);

// Roles held directly, and those of the identity's groups; what is deleted gives nothing (reference 1.8). LATERAL with OFFSET
// or LIMIT keeps the order of the look-ups: from the holder to its roles, never through all members of a realm.
const readScopes = statement(
  "identity.read_role_scopes",
  `SELECT DISTINCT scope FROM identities i
   CROSS JOIN ${selectRoleScopes({ tenant: "$1", realm: "$2", identity: "$3", resourceServer: "$4" })} scopes
   WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $3 AND ${alive("i")}`,
);

// The insert answers when it won, the other half when the row was there before (rule 2).
const claim = statement(
  "identity.claim_subject",
  `WITH claimed AS (
     INSERT INTO subjects (tenant_id, realm_id, subject_key, identity_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, realm_id, subject_key) DO NOTHING
     RETURNING identity_id
   )
   SELECT identity_id FROM claimed
   UNION ALL
   SELECT identity_id FROM subjects WHERE tenant_id = $1 AND realm_id = $2 AND subject_key = $3`,
);

/** Reads one identity; undefined when there is none or it was deleted. */
export async function findIdentity(db: Queryable, key: IdentityKey): Promise<Identity | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toIdentity(row);
}

/** Reads one identity and keeps it as it is until the transaction ends. */
export async function holdIdentity(db: Queryable, key: IdentityKey): Promise<Identity | undefined> {
  const [row] = await db.run(holdOne, ids(key));
  return row && toIdentity(row);
}

/** Which of these identities exist; they do until the transaction ends. */
export async function holdIdentities(db: Queryable, realm: RealmKey, ids: readonly string[]): Promise<string[]> {
  return (await db.run(holdMany, [realm.tenantId, realm.realmId, ids])).map((row) => row.identity_id as string);
}

/** Reads the identities of a realm whose primary address has this key: none, one, or two of several. */
export async function findIdentitiesByEmail(db: Queryable, realm: RealmKey, emailKey: string): Promise<Identity[]> {
  const rows = await db.run(findByEmail, [realm.tenantId, realm.realmId, emailKey, SAME_ADDRESS_MAX]);
  return rows.map(toIdentity);
}

/** Reads the identities of a realm that have one of these ids or one of these user names (as keys). */
export async function findNamedIdentities(
  db: Queryable,
  realm: RealmKey,
  names: { readonly ids: readonly string[]; readonly usernameKeys: readonly string[] },
): Promise<Identity[]> {
  const rows = await db.run(findNamed, [realm.tenantId, realm.realmId, names.ids, names.usernameKeys]);
  return rows.map(toIdentity);
}

/** Reads a page of the identities of a realm, in the order of their ids. */
export async function listIdentities(db: Queryable, realm: RealmKey, page: ListPage): Promise<Identity[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toIdentity);
}

/** Counts the identities of a realm, or those of them that pass the filter. */
export async function countIdentities(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads a page of the members of a group, in the order of their ids. */
export async function listIdentitiesOf(
  db: Queryable,
  realm: RealmKey,
  groupId: string,
  { after, limit, skip = 0 }: ListPage,
): Promise<Identity[]> {
  const rows = await db.run(listOfGroup, [realm.tenantId, realm.realmId, groupId, after, limit, skip]);
  return rows.map(toIdentity);
}

/** Counts the members of a group. */
export async function countIdentitiesOf(db: Queryable, realm: RealmKey, groupId: string): Promise<number> {
  const [row] = await db.run(countOfGroup, [realm.tenantId, realm.realmId, groupId]);
  return Number(row?.size ?? 0);
}

/** Stores a new identity. A taken user name is a conflict on `identities_username`. */
export async function insertIdentity(
  db: Queryable,
  key: IdentityKey,
  identity: NewIdentity,
  nowMs: number,
): Promise<void> {
  await db.run(insert, [...ids(key), ...members(identity.settings), identity.emailVerified, nowMs]);
}

/** Stores changed settings and counts the change; another primary address is unverified. */
export async function updateIdentitySettings(
  db: Queryable,
  key: IdentityKey,
  settings: IdentitySettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), ...members(settings), nowMs]);
}

/** Marks the primary address as verified, if it is still this one. */
export async function verifyIdentityEmail(
  db: Queryable,
  key: IdentityKey,
  emailKey: string,
  nowMs: number,
): Promise<void> {
  await db.run(verify, [...ids(key), emailKey, nowMs]);
}

/**
 * Makes an identity a tombstone: its name is free at once, its tokens are dead (settled 25). Who holds it first leaves no membership
 * that was made meanwhile.
 */
export async function deleteIdentity(db: Queryable, key: IdentityKey, nowMs: number): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

/** Keeps identities as they are until the transaction ends, for their deletion. Returns the ids of those that there are. */
export async function holdDoomedIdentities(
  db: Queryable,
  realm: RealmKey,
  identityIds: readonly string[],
): Promise<string[]> {
  const rows = await db.run(holdDoomed, [realm.tenantId, realm.realmId, identityIds]);
  return rows.map((row) => String(row.identity_id));
}

/** Makes these identities tombstones, as `deleteIdentity` does one. */
export async function deleteIdentities(
  db: Queryable,
  realm: RealmKey,
  identityIds: readonly string[],
  nowMs: number,
): Promise<void> {
  await db.run(removeMany, [realm.tenantId, realm.realmId, identityIds, nowMs]);
}

/** Reads the union of the scopes of an identity's roles on a resource server, held directly or through groups. */
export async function readRoleScopes(
  db: Queryable,
  realm: RealmKey,
  identityId: string,
  resourceServerId: string,
): Promise<ReadonlySet<string>> {
  const rows = await db.run(readScopes, [realm.tenantId, realm.realmId, identityId, resourceServerId]);
  return new Set(rows.map((row) => String(row.scope)));
}

/**
 * Takes a value as the `sub` of an identity, for ever: it is never given to another identity of the realm (rule 2).
 *
 * @param key the value's subjectKey()
 * @returns whether it is this identity's, now or from before
 */
export async function claimSubject(db: Queryable, realm: RealmKey, key: string, identityId: string): Promise<boolean> {
  const values = [realm.tenantId, realm.realmId, key, identityId];
  const [row] = await db.run(claim, values);
  // No row at all: another claim was committed after this statement began, and a second look sees it.
  const [holder] = row === undefined ? await db.run(claim, values) : [row];
  return holder?.identity_id === identityId;
}

/** What an administrator wrote of an identity. */
export function settingsOf(identity: Identity): IdentitySettings {
  return { display_name: identity.displayName, status: identity.status, traits: identity.traits };
}

function ids(key: IdentityKey): readonly string[] {
  return [key.tenantId, key.realmId, key.identityId];
}

function members({ display_name, status, traits }: IdentitySettings): readonly unknown[] {
  const address = traits.primary_email_address;
  return [display_name, status, traits, subjectKey(traits.username), address ? subjectKey(address) : null];
}

interface IdentityRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly identity_id: string;
  readonly display_name: string;
  readonly status: Identity["status"];
  readonly username_key: string;
  readonly email_key: string | null;
  readonly email_verified: boolean;
  readonly traits: Traits;
  readonly tokens_valid_after: number;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** An identity from a whole row of its table. */
export function toIdentity(untyped: Row): Identity {
  const row = untyped as unknown as IdentityRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, identityId: row.identity_id },
    displayName: row.display_name,
    status: row.status,
    traits: row.traits,
    usernameKey: row.username_key,
    emailKey: row.email_key ?? undefined,
    emailVerified: row.email_verified,
    tokensValidAfter: row.tokens_valid_after,
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
