import type { Queryable, Row } from "../../database/database.ts";
import type { ListPage } from "../../database/list-statements.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { OPEN_POLICY, type Policy } from "../../protocol/policy.ts";
import { alive } from "../tombstone.ts";
import type { PolicyBody } from "./schema.ts";

/** A version of a realm's policy as it is stored. */
export interface PolicyVersion {
  readonly realm: RealmKey;
  /** 0: nobody gave the realm a policy */
  readonly version: number;
  readonly policy: PolicyBody;
  readonly createdAtMs: number | undefined;
}

/** Longest list of people, or of applications, that a lock-out is judged for. */
const JUDGED_MAX = 1_000;

const findActive = statement(
  "policy.find_active",
  "SELECT * FROM policies WHERE tenant_id = $1 AND realm_id = $2 ORDER BY policy_id DESC LIMIT 1",
);

const find = statement(
  "policy.find",
  "SELECT * FROM policies WHERE tenant_id = $1 AND realm_id = $2 AND policy_id = $3",
);

const list = statement(
  "policy.list",
  `SELECT * FROM policies WHERE tenant_id = $1 AND realm_id = $2 AND policy_id > $3 ORDER BY policy_id LIMIT $4`,
);

const count = statement("policy.count", "SELECT count(*) AS size FROM policies WHERE tenant_id = $1 AND realm_id = $2");

const insert = statement(
  "policy.insert",
  `INSERT INTO policies (tenant_id, realm_id, version, policy_id, rules, default_action, created_at_ms)
   VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7)`,
);

/** SQL: the groups that a person is in, of those that there are. */
function groupsOf(identityId: string): string {
  return `ARRAY(
       SELECT gm.group_id FROM group_members gm JOIN groups g ON g.tenant_id = gm.tenant_id AND g.realm_id = gm.realm_id
         AND g.group_id = gm.group_id AND ${alive("g")}
       WHERE gm.tenant_id = $1 AND gm.realm_id = $2 AND gm.identity_id = ${identityId}
     )`;
}

// Directly or through a group that is there, of a role that gives all of the management API.
const listAdministrators = statement(
  "policy.list_administrators",
  `SELECT ${groupsOf("held.identity_id")} AS group_ids
   FROM (
     SELECT DISTINCT i.identity_id FROM resource_servers s
     JOIN roles ro ON ro.tenant_id = $1 AND ro.realm_id = $2 AND ro.resource_server_id = s.resource_server_id
       AND ro.scopes @> s.scopes AND ${alive("ro")}
     JOIN role_members rm ON rm.tenant_id = $1 AND rm.realm_id = $2 AND rm.role_id = ro.role_id
     LEFT JOIN groups g ON rm.member_kind = 'group' AND g.tenant_id = $1 AND g.realm_id = $2 AND g.group_id = rm.member_id
       AND ${alive("g")}
     LEFT JOIN group_members gm ON gm.tenant_id = $1 AND gm.realm_id = $2 AND gm.group_id = g.group_id
     JOIN identities i ON i.tenant_id = $1 AND i.realm_id = $2 AND i.status = 'active' AND ${alive("i")}
       AND i.identity_id = CASE rm.member_kind WHEN 'identity' THEN rm.member_id ELSE gm.identity_id END
     WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.is_managed AND ${alive("s")}
     LIMIT ${JUDGED_MAX}
   ) held`,
);

const listConsoles = statement(
  "policy.list_consoles",
  `SELECT a.application_id FROM resource_servers s
   JOIN applications a ON a.tenant_id = $1 AND a.realm_id = $2 AND a.resource_server_id = s.resource_server_id
     AND a.protocol_config -> 'grant_type' ? 'authorization_code' AND ${alive("a")}
   WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.is_managed AND ${alive("s")} LIMIT ${JUDGED_MAX}`,
);

const listPowerRoles = statement(
  "policy.list_power_roles",
  `SELECT ro.role_id FROM resource_servers s
   JOIN roles ro ON ro.tenant_id = $1 AND ro.realm_id = $2 AND ro.resource_server_id = s.resource_server_id AND ${alive("ro")}
   WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.is_managed AND ${alive("s")}`,
);

const listGroupsOf = statement(
  "policy.list_groups_of",
  `SELECT ${groupsOf("i.identity_id")} AS group_ids
   FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $3 AND ${alive("i")}`,
);

const findFor = statement(
  "policy.find_for",
  `SELECT p.version, p.rules, p.default_action, ${groupsOf("$3")} AS group_ids
   FROM policies p WHERE p.tenant_id = $1 AND p.realm_id = $2 ORDER BY p.policy_id DESC LIMIT 1`,
);

/** The policy of a realm that holds now, and the groups of whom it is to judge. */
export interface PolicyFor {
  /** 0: nobody gave the realm a policy, which then asks for no groups */
  readonly version: number;
  readonly policy: Policy;
  readonly groupIds: readonly string[];
}

/** Reads what a transaction of a person is judged by; nobody, and a newcomer, is in no group. */
export async function findPolicyFor(
  db: Queryable,
  realm: RealmKey,
  identityId: string | undefined,
): Promise<PolicyFor> {
  const [row] = await db.run(findFor, [realm.tenantId, realm.realmId, identityId ?? ""]);
  if (row === undefined) return { version: 0, policy: OPEN_POLICY, groupIds: [] };
  const { version, rules, default_action } = row as unknown as PolicyRow;
  return { version, policy: { rules, default_action }, groupIds: row.group_ids as string[] };
}

/** The policy of a realm that holds now. */
export async function findActivePolicy(db: Queryable, realm: RealmKey): Promise<PolicyVersion> {
  const [row] = await db.run(findActive, [realm.tenantId, realm.realmId]);
  if (row !== undefined) return toPolicy(row);
  return { realm, version: 0, policy: { ...OPEN_POLICY, rules: [] }, createdAtMs: undefined };
}

/** One version of a realm's policy; undefined when it was never made. */
export async function findPolicy(db: Queryable, realm: RealmKey, version: number): Promise<PolicyVersion | undefined> {
  const [row] = await db.run(find, [realm.tenantId, realm.realmId, policyIdOf(version)]);
  return row && toPolicy(row);
}

/** Reads a page of the versions of a realm's policy, the first one first. */
export async function listPolicies(db: Queryable, realm: RealmKey, page: ListPage): Promise<PolicyVersion[]> {
  return (await db.run(list, [realm.tenantId, realm.realmId, page.after, page.limit])).map(toPolicy);
}

/** Counts the versions of a realm's policy. */
export async function countPolicies(db: Queryable, realm: RealmKey): Promise<number> {
  const [row] = await db.run(count, [realm.tenantId, realm.realmId]);
  return Number(row?.size);
}

/** A version as lists order it: with all its zeros. */
export function policyIdOf(version: number): string {
  return String(version).padStart(10, "0");
}

/** Stores a version of a realm's policy, which holds from now on. Its realm has to be held alone. */
export async function insertPolicy(
  db: Queryable,
  realm: RealmKey,
  { version, policy }: Pick<PolicyVersion, "version" | "policy">,
  nowMs: number,
): Promise<void> {
  const { rules, default_action } = policy;
  const id = [realm.tenantId, realm.realmId, version, policyIdOf(version)];
  await db.run(insert, [...id, JSON.stringify(rules), default_action, nowMs]);
}

/** The groups of each of a realm's administrators who hold everything: of a thousand at most. */
export async function listAdministratorGroups(db: Queryable, realm: RealmKey): Promise<readonly (readonly string[])[]> {
  const rows = await db.run(listAdministrators, [realm.tenantId, realm.realmId]);
  return rows.map((row) => row.group_ids as string[]);
}

/** The applications of a realm by which administrators log in. */
export async function listConsoleIds(db: Queryable, realm: RealmKey): Promise<readonly string[]> {
  const rows = await db.run(listConsoles, [realm.tenantId, realm.realmId]);
  return rows.map((row) => String(row.application_id));
}

/** The roles of a realm that give anything of the management API. */
export async function listPowerRoleIds(db: Queryable, realm: RealmKey): Promise<readonly string[]> {
  const rows = await db.run(listPowerRoles, [realm.tenantId, realm.realmId]);
  return rows.map((row) => String(row.role_id));
}

/** The groups that a person is in; undefined when there is no such person. */
export async function listGroupIdsOf(
  db: Queryable,
  realm: RealmKey,
  identityId: string,
): Promise<readonly string[] | undefined> {
  const [row] = await db.run(listGroupsOf, [realm.tenantId, realm.realmId, identityId]);
  return row && (row.group_ids as string[]);
}

interface PolicyRow extends PolicyBody {
  readonly tenant_id: string;
  readonly realm_id: string;
  readonly version: number;
  readonly created_at_ms: number;
}

function toPolicy(untyped: Row): PolicyVersion {
  const row = untyped as unknown as PolicyRow;
  return {
    realm: { tenantId: row.tenant_id, realmId: row.realm_id },
    version: row.version,
    policy: { rules: row.rules, default_action: row.default_action },
    createdAtMs: row.created_at_ms,
  };
}
