import { countedChange } from "../../database/counted-change.ts";
import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, declareHold, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { subjectKey } from "../../protocol/subject.ts";
import { alive, NO_TOMBSTONE } from "../tombstone.ts";
import type { GroupSettings } from "./schema.ts";

/** Names a group. */
export interface GroupKey extends RealmKey {
  readonly groupId: string;
}

/** A group as it is stored. */
export interface Group {
  readonly key: GroupKey;
  readonly settings: GroupSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

const ROW = {
  name: "group",
  from: "groups",
  owner: ["tenant_id", "realm_id"],
  id: "group_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const holdOne = declareHold(ROW);

// In the order of their ids, so that two who hold several never wait for each other.
const holdMany = statement(
  "group.hold_many",
  `SELECT group_id FROM groups WHERE tenant_id = $1 AND realm_id = $2 AND group_id = ANY ($3) AND ${alive()}
   ORDER BY group_id FOR SHARE`,
);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "group_id" },
    display_name: { type: "text", sql: "display_name_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
    description: { type: "text", sql: "description" },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

// From the identity's memberships to groups by primary key.
const HELD_BY = `FROM group_members m
   CROSS JOIN LATERAL (SELECT * FROM groups g WHERE g.tenant_id = m.tenant_id AND g.realm_id = m.realm_id
     AND g.group_id = m.group_id AND ${alive("g")} LIMIT 1) g
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.identity_id = $3`;

const listOfIdentity = statement(
  "group.list_of_identity",
  `SELECT g.* ${HELD_BY} AND m.group_id > $4 ORDER BY m.group_id LIMIT $5 OFFSET $6`,
);

const countOfIdentity = statement("group.count_of_identity", `SELECT count(*) AS size ${HELD_BY}`);

const insert = statement(
  "group.insert",
  `INSERT INTO groups (tenant_id, realm_id, group_id, display_name, display_name_key, description, created_at_ms,
     updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
);

const update = statement(
  "group.update",
  `UPDATE groups SET display_name = $4, display_name_key = $5, description = $6, updated_at_ms = $7,
     version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND group_id = $3 AND ${alive()}`,
);

const remove = declareDelete(ROW);

// LIMIT keeps it at look-ups by primary key, however many identities the realm has.
const LIVING_MEMBERS = `SELECT m.identity_id FROM group_members m
   CROSS JOIN LATERAL (SELECT FROM identities i WHERE i.tenant_id = m.tenant_id AND i.realm_id = m.realm_id
     AND i.identity_id = m.identity_id AND ${alive("i")} LIMIT 1) i
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.group_id = $3`;

const listMembers = statement(
  "group.list_members",
  `${LIVING_MEMBERS} AND m.identity_id > $4 ORDER BY m.identity_id LIMIT $5`,
);

// Who is in a group is part of what `If-Match` protects.
const GROUP = {
  table: "groups",
  where: `tenant_id = $1 AND realm_id = $2 AND group_id = $3 AND ${alive()}`,
  nowMs: "$5",
};

const addMembers = statement(
  "group.add_members",
  countedChange(
    `INSERT INTO group_members (tenant_id, realm_id, group_id, identity_id)
     SELECT $1, $2, $3, unnest($4::text[])
     ON CONFLICT DO NOTHING`,
    GROUP,
  ),
);

const removeMembers = statement(
  "group.remove_members",
  countedChange(
    `DELETE FROM group_members
     WHERE tenant_id = $1 AND realm_id = $2 AND group_id = $3 AND identity_id = ANY ($4)`,
    GROUP,
  ),
);

const hasMembers = statement("group.has_members", `${LIVING_MEMBERS} LIMIT 1`);

/** Reads one group; undefined when there is none or it was deleted. */
export async function findGroup(db: Queryable, key: GroupKey): Promise<Group | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toGroup(row);
}

/** Reads one group and keeps it as it is until the transaction ends. */
export async function holdGroup(db: Queryable, key: GroupKey): Promise<Group | undefined> {
  const [row] = await db.run(holdOne, ids(key));
  return row && toGroup(row);
}

/** Keeps groups as they are until the transaction ends. Returns the ids of those that there are. */
export async function holdGroups(db: Queryable, realm: RealmKey, groupIds: readonly string[]): Promise<string[]> {
  const rows = await db.run(holdMany, [realm.tenantId, realm.realmId, groupIds]);
  return rows.map((row) => String(row.group_id));
}

/** Whether a group has a member that lives. */
export async function hasGroupMembers(db: Queryable, key: GroupKey): Promise<boolean> {
  return (await db.run(hasMembers, ids(key))).length > 0;
}

/** Reads a page of the groups of a realm, in the order of their ids. */
export async function listGroups(db: Queryable, realm: RealmKey, page: ListPage): Promise<Group[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toGroup);
}

/** Counts the groups of a realm, or those of them that pass the filter. */
export async function countGroups(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads a page of the groups that an identity is a member of, in the order of their ids. */
export async function listGroupsOf(
  db: Queryable,
  realm: RealmKey,
  identityId: string,
  { after, limit, skip = 0 }: ListPage,
): Promise<Group[]> {
  const rows = await db.run(listOfIdentity, [realm.tenantId, realm.realmId, identityId, after, limit, skip]);
  return rows.map(toGroup);
}

/** Counts the groups that an identity is a member of. */
export async function countGroupsOf(db: Queryable, realm: RealmKey, identityId: string): Promise<number> {
  const [row] = await db.run(countOfIdentity, [realm.tenantId, realm.realmId, identityId]);
  return Number(row?.size ?? 0);
}

/** Stores a new group. A taken name is a conflict on `groups_display_name`. */
export async function insertGroup(db: Queryable, key: GroupKey, settings: GroupSettings, nowMs: number): Promise<void> {
  await db.run(insert, [...ids(key), ...members(settings), nowMs]);
}

/** Stores changed settings and counts the change. */
export async function updateGroupSettings(
  db: Queryable,
  key: GroupKey,
  settings: GroupSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), ...members(settings), nowMs]);
}

/** Makes a group a tombstone: roles held through it are lost at once. */
export async function deleteGroup(db: Queryable, key: GroupKey, nowMs: number): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

/** Reads the ids of a group's members in order, those after `page.after`. */
export async function listGroupMembers(
  db: Queryable,
  key: GroupKey,
  page: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db.run(listMembers, [...ids(key), page.after, page.limit]);
  return rows.map((row) => String(row.identity_id));
}

/** Adds members; those that are members already stay. Returns the group's version after it, undefined where nothing changed. */
export async function insertGroupMembers(
  db: Queryable,
  key: GroupKey,
  identityIds: readonly string[],
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await db.run(addMembers, [...ids(key), identityIds, nowMs]);
  return row && Number(row.version);
}

/** Removes members; those that are none are ignored. Returns the group's version after it, undefined where nothing changed. */
export async function deleteGroupMembers(
  db: Queryable,
  key: GroupKey,
  identityIds: readonly string[],
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await db.run(removeMembers, [...ids(key), identityIds, nowMs]);
  return row && Number(row.version);
}

function ids(key: GroupKey): readonly string[] {
  return [key.tenantId, key.realmId, key.groupId];
}

function members({ display_name, description }: GroupSettings): readonly string[] {
  return [display_name, subjectKey(display_name), description];
}

interface GroupRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly group_id: string;
  readonly display_name: string;
  readonly description: string;
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** A group from a whole row of its table. */
export function toGroup(untyped: Row): Group {
  const row = untyped as unknown as GroupRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, groupId: row.group_id },
    settings: { display_name: row.display_name, description: row.description },
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
