import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { Authority } from "../../protocol/authority.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { alive } from "../tombstone.ts";

/** Whose power is asked for. */
export interface PowerHolders {
  readonly identityIds?: readonly string[];
  readonly groupIds?: readonly string[];
  readonly roleIds?: readonly string[];
}

// A role's members hold what it has on the built-in resource server, where the realm has that. A deleted group counts still: it is
// better to refuse once too often.
const readPower = statement(
  "authority.read_power",
  `SELECT ARRAY(
       SELECT DISTINCT scope FROM (
         SELECT rm.role_id FROM role_members rm
         WHERE rm.tenant_id = $1 AND rm.realm_id = $2 AND rm.member_kind = 'identity' AND rm.member_id = ANY ($3)
         UNION
         SELECT rm.role_id FROM group_members gm
         JOIN role_members rm ON rm.tenant_id = gm.tenant_id AND rm.realm_id = gm.realm_id AND rm.member_kind = 'group'
           AND rm.member_id = gm.group_id
         WHERE gm.tenant_id = $1 AND gm.realm_id = $2 AND gm.identity_id = ANY ($3)
         UNION
         SELECT rm.role_id FROM role_members rm
         WHERE rm.tenant_id = $1 AND rm.realm_id = $2 AND rm.member_kind = 'group' AND rm.member_id = ANY ($4)
         UNION
         SELECT unnest($5::text[])
       ) held
       CROSS JOIN LATERAL (SELECT ro.scopes FROM roles ro WHERE ro.tenant_id = $1 AND ro.realm_id = $2
         AND ro.role_id = held.role_id AND ro.resource_server_id = s.resource_server_id AND ${alive("ro")} LIMIT 1) ro
       CROSS JOIN unnest(ro.scopes) AS scope
     ) AS scopes,
     ARRAY(
       SELECT DISTINCT a.target_realm FROM applications a
       WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.resource_server_id = s.resource_server_id
         AND a.protocol_config -> 'grant_type' ? 'authorization_code' AND ${alive("a")}
     ) AS reaches
   FROM resource_servers s WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.is_managed AND ${alive("s")}`,
);

const readThrough = statement(
  "authority.read_through_config",
  `SELECT a.protocol_config -> 'allowed_scopes' AS scopes, a.target_realm FROM applications a
   CROSS JOIN LATERAL (SELECT FROM resource_servers s WHERE s.tenant_id = $1 AND s.realm_id = $2
     AND s.resource_server_id = a.resource_server_id AND s.is_managed AND ${alive("s")} LIMIT 1) s
   WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.authenticator_config_id = $3 AND ${alive("a")}`,
);

// From who has roles, of whom there are few in an admin realm, to their invitations. A link is worth nothing once it was used or is over.
const listInvited = statement(
  "authority.list_invited_through_config",
  `SELECT DISTINCT held.identity_id FROM (
     SELECT rm.member_id AS identity_id FROM role_members rm
     WHERE rm.tenant_id = $1 AND rm.realm_id = $2 AND rm.member_kind = 'identity'
     UNION
     SELECT gm.identity_id FROM role_members rm
     JOIN group_members gm ON gm.tenant_id = rm.tenant_id AND gm.realm_id = rm.realm_id AND gm.group_id = rm.member_id
     WHERE rm.tenant_id = $1 AND rm.realm_id = $2 AND rm.member_kind = 'group'
   ) held
   WHERE EXISTS (SELECT FROM resource_servers s WHERE s.tenant_id = $1 AND s.realm_id = $2 AND s.is_managed AND ${alive("s")})
     AND (EXISTS (SELECT FROM credential_binding_jobs j WHERE j.tenant_id = $1 AND j.realm_id = $2
         AND j.identity_id = held.identity_id AND j.authenticator_config_id = $3 AND j.state IN ('LINK_SENT', 'LINK_OPENED')
         AND j.expires_at > $4 + (SELECT t.clock_offset_seconds FROM tenants t WHERE t.tenant_id = $1) AND ${alive("j")})
       OR EXISTS (SELECT FROM batch_credential_binding_results x
         JOIN batch_credential_binding_jobs b ON b.tenant_id = x.tenant_id AND b.realm_id = x.realm_id
           AND b.batch_credential_binding_job_id = x.batch_id
         WHERE x.tenant_id = $1 AND x.realm_id = $2 AND x.identity_id = held.identity_id AND x.state = 'PENDING'
           AND b.job_template ->> 'authenticator_config_id' = $3::text))`,
);

/**
 * The people with roles whose invitations lead to an authenticator config, or will once they are sent: who says where a link leads is
 * given its token.
 *
 * @param now seconds of real time
 */
export async function listInvitedThrough(
  db: Queryable,
  realm: RealmKey,
  { authenticatorConfigId, now }: { readonly authenticatorConfigId: string; readonly now: number },
): Promise<string[]> {
  const rows = await db.run(listInvited, [realm.tenantId, realm.realmId, authenticatorConfigId, now]);
  return rows.map((row) => String(row.identity_id));
}

/** What may be had through the applications that people log in to by an authenticator config, one by one. */
export async function readAuthoritiesThrough(
  db: Queryable,
  realm: RealmKey,
  authenticatorConfigId: string,
): Promise<Authority[]> {
  const rows = await db.run(readThrough, [realm.tenantId, realm.realmId, authenticatorConfigId]);
  return rows.map((row) => ({ scopes: new Set(row.scopes as string[]), reach: String(row.target_realm) }));
}

/**
 * What people of a realm may do through the management API together: those named, the members of groups, and of roles. They reach what
 * the applications reach that they can log in to; as long as there is none, it may become every realm.
 *
 * @returns undefined where nobody of the realm may do anything
 */
export async function readPowerOf(
  db: Queryable,
  realm: RealmKey,
  { identityIds = [], groupIds = [], roleIds = [] }: PowerHolders,
): Promise<Authority | undefined> {
  const [row] = await db.run(readPower, [realm.tenantId, realm.realmId, identityIds, groupIds, roleIds]);
  if (row === undefined) return undefined;
  const [reach = "*", ...others] = row.reaches as string[];
  return { scopes: new Set(row.scopes as string[]), reach: others.length === 0 ? reach : "*" };
}
