import { countedChange } from "../../database/counted-change.ts";
import type { Queryable, Row } from "../../database/database.ts";
import { declareList, type ListPage } from "../../database/list-statements.ts";
import { declareDelete, declareFind, declareHold, type RowDeclaration } from "../../database/row-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { Filter } from "../../protocol/scim-filter.ts";
import { subjectKey } from "../../protocol/subject.ts";
import { alive, NO_TOMBSTONE } from "../tombstone.ts";
import type { RoleSettings } from "./schema.ts";

/** Names a role. */
export interface RoleKey extends RealmKey {
  readonly roleId: string;
}

/** A role as it is stored. */
export interface Role {
  readonly key: RoleKey;
  readonly resourceServerId: string;
  readonly settings: RoleSettings;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type NewRole = Pick<Role, "resourceServerId" | "settings">;

/** What can be a member of a role. */
export type RoleMemberKind = "group" | "identity";

/** Members of one kind. */
export interface RoleMembers {
  readonly kind: RoleMemberKind;
  readonly ids: readonly string[];
}

/** What a statement calls the columns or parameters that say whose roles are meant. */
export interface RoleHolderSql {
  readonly tenant: string;
  readonly realm: string;
  readonly identity: string;
  readonly resourceServer: string;
}

/**
 * SQL: a subquery with a row `scope` for each scope of each role that an identity holds on a resource server, directly or through
 * a group, at this moment; what the resource server has no more, no role gives. From the members to the roles, so that a realm
 * with many roles costs no more.
 */
export function selectRoleScopes({ tenant, realm, identity, resourceServer }: RoleHolderSql): string {
  return `(SELECT scope
   FROM (
     SELECT 'identity' AS member_kind, ${identity} AS member_id
     UNION ALL
     SELECT 'group', gm.group_id FROM group_members gm
     CROSS JOIN LATERAL (SELECT FROM groups gr WHERE gr.tenant_id = ${tenant} AND gr.realm_id = ${realm}
       AND gr.group_id = gm.group_id AND ${alive("gr")} LIMIT 1) gr
     WHERE gm.tenant_id = ${tenant} AND gm.realm_id = ${realm} AND gm.identity_id = ${identity}
   ) held
   CROSS JOIN LATERAL (SELECT rm.role_id FROM role_members rm WHERE rm.tenant_id = ${tenant} AND rm.realm_id = ${realm}
     AND rm.member_kind = held.member_kind AND rm.member_id = held.member_id OFFSET 0) rm
   CROSS JOIN LATERAL (SELECT ro.scopes FROM roles ro WHERE ro.tenant_id = ${tenant} AND ro.realm_id = ${realm}
     AND ro.role_id = rm.role_id AND ro.resource_server_id = ${resourceServer} AND ${alive("ro")} LIMIT 1) ro
   CROSS JOIN LATERAL (SELECT home.scopes FROM resource_servers home WHERE home.tenant_id = ${tenant} AND home.realm_id = ${realm}
     AND home.resource_server_id = ${resourceServer} AND ${alive("home")} LIMIT 1) server
   CROSS JOIN unnest(ro.scopes) AS scope WHERE scope = ANY (server.scopes))`;
}

const ROW = {
  name: "role",
  from: "roles",
  owner: ["tenant_id", "realm_id"],
  id: "role_id",
  where: alive(),
} as const satisfies RowDeclaration;

const find = declareFind(ROW);

const list = declareList({
  ...ROW,
  counted: "by triggers",
  attributes: {
    id: { type: "exact text", sql: "role_id" },
    display_name: { type: "text", sql: "display_name_key", foldedBy: subjectKey },
    description: { type: "text", sql: "description" },
    resource_server_id: { type: "exact text", sql: "resource_server_id" },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

const holdOne = declareHold(ROW);

/** Whose roles are asked for. */
export interface RoleHolder {
  readonly kind: RoleMemberKind;
  readonly id: string;
}

/** Which of a holder's roles. */
export interface HeldRoles {
  /** only those of this resource server */
  readonly resourceServerId?: string | undefined;
}

// From the holder to its roles, as selectRoleScopes: a person's directly and through living groups, a group's own.
const HELD_ROLES = `FROM (
     SELECT DISTINCT rm.role_id FROM (
       SELECT $3::text AS member_kind, $4::text AS member_id
       UNION ALL
       SELECT 'group', gm.group_id FROM group_members gm
       CROSS JOIN LATERAL (SELECT FROM groups gr WHERE gr.tenant_id = $1 AND gr.realm_id = $2 AND gr.group_id = gm.group_id
         AND ${alive("gr")} LIMIT 1) gr
       WHERE $3 = 'identity' AND gm.tenant_id = $1 AND gm.realm_id = $2 AND gm.identity_id = $4
     ) held
     CROSS JOIN LATERAL (SELECT rm.role_id FROM role_members rm WHERE rm.tenant_id = $1 AND rm.realm_id = $2
       AND rm.member_kind = held.member_kind AND rm.member_id = held.member_id OFFSET 0) rm
   ) held
   CROSS JOIN LATERAL (SELECT * FROM roles ro WHERE ro.tenant_id = $1 AND ro.realm_id = $2 AND ro.role_id = held.role_id
     AND ($5::text IS NULL OR ro.resource_server_id = $5) AND ${alive("ro")} LIMIT 1) ro`;

const listHeld = statement(
  "role.list_held",
  `SELECT ro.* ${HELD_ROLES} WHERE ro.role_id > $6 ORDER BY ro.role_id LIMIT $7 OFFSET $8`,
);

const countHeld = statement("role.count_held", `SELECT count(*) AS size ${HELD_ROLES}`);

const listOfServer = declareList({
  name: "role_of_server",
  from: "roles",
  owner: ["tenant_id", "realm_id", "resource_server_id"],
  id: "role_id",
  where: alive(),
  counted: "each time",
  attributes: {
    id: { type: "exact text", sql: "role_id" },
    display_name: { type: "text", sql: "display_name_key", foldedBy: subjectKey, index: NO_TOMBSTONE },
    description: { type: "text", sql: "description" },
    create_time: { type: "time", sql: "created_at_ms" },
    update_time: { type: "time", sql: "updated_at_ms" },
  },
});

const insert = statement(
  "role.insert",
  `INSERT INTO roles (tenant_id, realm_id, role_id, resource_server_id, display_name, display_name_key, description,
     scopes, created_at_ms, updated_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
);

const update = statement(
  "role.update",
  `UPDATE roles SET display_name = $4, display_name_key = $5, description = $6, scopes = $7, updated_at_ms = $8,
     version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND role_id = $3 AND ${alive()}`,
);

const remove = declareDelete(ROW);

// A deleted member is none, though its row may wait for the job that removes it. LIMIT keeps it at look-ups by primary key.
const LIVING_MEMBERS = `SELECT m.member_id FROM role_members m
   LEFT JOIN LATERAL (SELECT i.identity_id FROM identities i WHERE m.member_kind = 'identity' AND i.tenant_id = m.tenant_id
     AND i.realm_id = m.realm_id AND i.identity_id = m.member_id AND ${alive("i")} LIMIT 1) i ON true
   LEFT JOIN LATERAL (SELECT g.group_id FROM groups g WHERE m.member_kind = 'group' AND g.tenant_id = m.tenant_id
     AND g.realm_id = m.realm_id AND g.group_id = m.member_id AND ${alive("g")} LIMIT 1) g ON true
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.role_id = $3 AND (i.identity_id IS NOT NULL OR g.group_id IS NOT NULL)`;

const listMembers = statement(
  "role.list_members",
  `${LIVING_MEMBERS} AND m.member_kind = $4 AND m.member_id > $5 ORDER BY m.member_id LIMIT $6`,
);

const hasMembers = statement("role.has_members", `${LIVING_MEMBERS} LIMIT 1`);

// Who holds a role is part of what `If-Match` protects.
const ROLE = {
  table: "roles",
  where: `tenant_id = $1 AND realm_id = $2 AND role_id = $3 AND ${alive()}`,
  nowMs: "$6",
};

const addMembers = statement(
  "role.add_members",
  countedChange(
    `INSERT INTO role_members (tenant_id, realm_id, role_id, member_kind, member_id)
     SELECT $1, $2, $3, $4, unnest($5::text[])
     ON CONFLICT DO NOTHING`,
    ROLE,
  ),
);

const removeMembers = statement(
  "role.remove_members",
  countedChange(
    `DELETE FROM role_members
     WHERE tenant_id = $1 AND realm_id = $2 AND role_id = $3 AND member_kind = $4 AND member_id = ANY ($5)`,
    ROLE,
  ),
);

/** Reads one role; undefined when there is none or it was deleted. */
export async function findRole(db: Queryable, key: RoleKey): Promise<Role | undefined> {
  const [row] = await db.run(find, ids(key));
  return row && toRole(row);
}

/** Reads one role and keeps it as it is until the transaction ends. */
export async function holdRole(db: Queryable, key: RoleKey): Promise<Role | undefined> {
  const [row] = await db.run(holdOne, ids(key));
  return row && toRole(row);
}

/** Reads a page of the roles that an identity holds, directly or through a group, or that a group gives, in the order of their ids. */
export async function listRolesOf(
  db: Queryable,
  realm: RealmKey,
  holder: RoleHolder,
  { after, limit, skip = 0, resourceServerId }: Omit<ListPage, "filter"> & HeldRoles,
): Promise<Role[]> {
  const rows = await db.run(listHeld, [...held(realm, holder, resourceServerId), after, limit, skip]);
  return rows.map(toRole);
}

/** Counts the roles that `listRolesOf` lists. */
export async function countRolesOf(
  db: Queryable,
  realm: RealmKey,
  holder: RoleHolder,
  { resourceServerId }: HeldRoles = {},
): Promise<number> {
  const [row] = await db.run(countHeld, held(realm, holder, resourceServerId));
  return Number(row?.size ?? 0);
}

/** Reads a page of the roles of a realm, in the order of their ids. */
export async function listRoles(db: Queryable, realm: RealmKey, page: ListPage): Promise<Role[]> {
  const rows = await list.page(db, [realm.tenantId, realm.realmId], page);
  return rows.map(toRole);
}

/** Counts the roles of a realm, or those of them that pass the filter. */
export async function countRoles(db: Queryable, realm: RealmKey, filter?: Filter): Promise<number> {
  return list.count(db, [realm.tenantId, realm.realmId], filter);
}

/** Reads a page of the roles of a resource server, in the order of their ids. */
export async function listRolesOfServer(
  db: Queryable,
  server: RealmKey & { readonly resourceServerId: string },
  page: ListPage,
): Promise<Role[]> {
  const rows = await listOfServer.page(db, [server.tenantId, server.realmId, server.resourceServerId], page);
  return rows.map(toRole);
}

/** Counts the roles of a resource server, or those of them that pass the filter. */
export async function countRolesOfServer(
  db: Queryable,
  server: RealmKey & { readonly resourceServerId: string },
  filter?: Filter,
): Promise<number> {
  return listOfServer.count(db, [server.tenantId, server.realmId, server.resourceServerId], filter);
}

/** Stores a new role. A taken name is a conflict on `roles_display_name`. */
export async function insertRole(db: Queryable, key: RoleKey, role: NewRole, nowMs: number): Promise<void> {
  await db.run(insert, [...ids(key), role.resourceServerId, ...members(role.settings), nowMs]);
}

/** Stores changed settings and counts the change. */
export async function updateRoleSettings(
  db: Queryable,
  key: RoleKey,
  settings: RoleSettings,
  nowMs: number,
): Promise<void> {
  await db.run(update, [...ids(key), ...members(settings), nowMs]);
}

/** Makes a role a tombstone: its scopes are lost at once. */
export async function deleteRole(db: Queryable, key: RoleKey, nowMs: number): Promise<void> {
  await db.run(remove, [...ids(key), nowMs]);
}

/** Reads the ids of a role's members of one kind in order, those after `page.after`. */
export async function listRoleMembers(
  db: Queryable,
  key: RoleKey,
  kind: RoleMemberKind,
  page: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db.run(listMembers, [...ids(key), kind, page.after, page.limit]);
  return rows.map((row) => String(row.member_id));
}

/** Whether a role has a member that lives. */
export async function hasRoleMembers(db: Queryable, key: RoleKey): Promise<boolean> {
  return (await db.run(hasMembers, ids(key))).length > 0;
}

/** Adds members; those that are members already stay. Returns the role's version after it, undefined where nothing changed. */
export async function insertRoleMembers(
  db: Queryable,
  key: RoleKey,
  added: RoleMembers,
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await db.run(addMembers, [...ids(key), added.kind, added.ids, nowMs]);
  return row && Number(row.version);
}

/** Removes members; those that are none are ignored. Returns the role's version after it, undefined where nothing changed. */
export async function deleteRoleMembers(
  db: Queryable,
  key: RoleKey,
  removed: RoleMembers,
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await db.run(removeMembers, [...ids(key), removed.kind, removed.ids, nowMs]);
  return row && Number(row.version);
}

function held(realm: RealmKey, { kind, id }: RoleHolder, resourceServerId: string | undefined): readonly unknown[] {
  return [realm.tenantId, realm.realmId, kind, id, resourceServerId ?? null];
}

function ids(key: RoleKey): readonly string[] {
  return [key.tenantId, key.realmId, key.roleId];
}

function members({ display_name, description, scopes }: RoleSettings): readonly unknown[] {
  return [display_name, subjectKey(display_name), description, scopes];
}

interface RoleRow {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly role_id: string;
  readonly resource_server_id: string;
  readonly display_name: string;
  readonly description: string;
  readonly scopes: string[];
  readonly version: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

function toRole(untyped: Row): Role {
  const row = untyped as unknown as RoleRow;
  return {
    key: { tenantId: row.tenant_id, realmId: row.realm_id, roleId: row.role_id },
    resourceServerId: row.resource_server_id,
    settings: { display_name: row.display_name, description: row.description, scopes: row.scopes },
    version: row.version,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
