import type { Queryable } from "../../database/database.ts";
import type { ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import { type Group, toGroup } from "../group/queries.ts";
import { type Identity, toIdentity } from "../identity/queries.ts";
import type { RoleKey } from "../role/queries.ts";
import { alive } from "../tombstone.ts";

// From the role's members to groups and identities by primary key, however many the realm has. A deleted member is none, though its row
// may wait for the job that removes it.
const GROUPS = `FROM role_members m
   CROSS JOIN LATERAL (SELECT * FROM groups g WHERE g.tenant_id = $1 AND g.realm_id = $2 AND g.group_id = m.member_id
     AND ${alive("g")} LIMIT 1) g
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.role_id = $3 AND m.member_kind = 'group'`;
const IDENTITIES = `FROM role_members m
   CROSS JOIN LATERAL (SELECT * FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = m.member_id
     AND ${alive("i")} LIMIT 1) i
   WHERE m.tenant_id = $1 AND m.realm_id = $2 AND m.role_id = $3 AND m.member_kind = 'identity'`;
const PAGE = "AND m.member_id > $4 ORDER BY m.member_id LIMIT $5 OFFSET $6";

const listGroups = statement("role_member.list_groups", `SELECT g.* ${GROUPS} ${PAGE}`);
const listIdentities = statement("role_member.list_identities", `SELECT i.* ${IDENTITIES} ${PAGE}`);
const countMembers = statement(
  "role_member.count",
  `SELECT (SELECT count(*) ${GROUPS}) AS groups, (SELECT count(*) ${IDENTITIES}) AS identities`,
);

/** How many groups and identities hold a role. */
export interface RoleMemberCounts {
  readonly groups: number;
  readonly identities: number;
}

/** Reads a page of the groups that hold a role, in the order of their ids. */
export async function listGroupsOfRole(db: Queryable, key: RoleKey, page: ListPage): Promise<Group[]> {
  return (await db.run(listGroups, valuesOf(key, page))).map(toGroup);
}

/** Reads a page of the identities that hold a role directly, in the order of their ids. */
export async function listIdentitiesOfRole(db: Queryable, key: RoleKey, page: ListPage): Promise<Identity[]> {
  return (await db.run(listIdentities, valuesOf(key, page))).map(toIdentity);
}

/** Counts the groups and identities that hold a role. */
export async function countMembersOfRole(db: Queryable, key: RoleKey): Promise<RoleMemberCounts> {
  const [row] = await db.run(countMembers, [key.tenantId, key.realmId, key.roleId]);
  return { groups: Number(row?.groups ?? 0), identities: Number(row?.identities ?? 0) };
}

function valuesOf(key: RoleKey, { after, limit, skip = 0 }: ListPage): readonly unknown[] {
  return [key.tenantId, key.realmId, key.roleId, after, limit, skip];
}
