import type { Session } from "../crowd/rows.ts";

/** How large a directory is. */
export type DirectorySize = { identities: number; groups: number; roles: number };

/** The realm that is filled, and the resource server of its roles. */
export type Directory = { tenantId: string; realmId: string; resourceServerId: string };

/** The user name of the identity in the middle, which is in as many groups and roles as every other. */
export const SOUGHT_USERNAME = "person-50";

const GROUPS_A_PERSON = 3;
const ROLES_A_PERSON = 2;

/**
 * Makes a realm with that many identities, groups and roles, inside PostgreSQL: every identity is in three groups and holds two roles
 * itself, every group holds one.
 *
 * @returns the id of the identity with SOUGHT_USERNAME
 */
export async function makeDirectory(session: Session, directory: Directory, size: DirectorySize): Promise<string> {
  const { tenantId, realmId, resourceServerId } = directory;
  const place = [tenantId, realmId];
  await session.query(
    `INSERT INTO realms (tenant_id, realm_id, display_name, created_at_ms, updated_at_ms) VALUES ($1, $2, 'Directory', 0, 0)`,
    place,
  );
  await session.query(
    `INSERT INTO resource_servers (tenant_id, realm_id, resource_server_id, display_name, identifier, scopes, created_at_ms, updated_at_ms)
     VALUES ($1, $2, $3, 'Directory', 'urn:mayfly:directory', ARRAY['read'], 0, 0)`,
    [...place, resourceServerId],
  );
  await session.query(
    `INSERT INTO identities (tenant_id, realm_id, identity_id, display_name, username_key, traits, created_at_ms, updated_at_ms)
     SELECT $1, $2, substr(md5($2 || 'i' || n), 1, 16), 'Person ' || n, 'person-' || n,
       jsonb_build_object('type', 'traits_v0', 'username', 'person-' || n, 'given_name', 'Pat', 'family_name', 'Doe ' || n), 0, 0
     FROM generate_series(1, $3::integer) n`,
    [...place, size.identities],
  );
  await session.query(
    `INSERT INTO groups (tenant_id, realm_id, group_id, display_name, display_name_key, created_at_ms, updated_at_ms)
     SELECT $1, $2, substr(md5($2 || 'g' || n), 1, 16), 'Group ' || n, 'group ' || n, 0, 0 FROM generate_series(1, $3::integer) n`,
    [...place, size.groups],
  );
  await session.query(
    `INSERT INTO roles (tenant_id, realm_id, role_id, resource_server_id, display_name, display_name_key, scopes, created_at_ms, updated_at_ms)
     SELECT $1, $2, substr(md5($2 || 'r' || n), 1, 16), $4, 'Role ' || n, 'role ' || n, ARRAY['read'], 0, 0
     FROM generate_series(1, $3::integer) n`,
    [...place, size.roles, resourceServerId],
  );
  await session.query(
    `INSERT INTO group_members (tenant_id, realm_id, group_id, identity_id)
     SELECT $1, $2, substr(md5($2 || 'g' || 1 + (n * ${GROUPS_A_PERSON} + k) % $4::integer), 1, 16), substr(md5($2 || 'i' || n), 1, 16)
     FROM generate_series(1, $3::integer) n, generate_series(1, ${GROUPS_A_PERSON}) k ON CONFLICT DO NOTHING`,
    [...place, size.identities, size.groups],
  );
  await session.query(
    `INSERT INTO role_members (tenant_id, realm_id, role_id, member_kind, member_id)
     SELECT $1, $2, substr(md5($2 || 'r' || 1 + (n * ${ROLES_A_PERSON} + k) % $4::integer), 1, 16), 'identity', substr(md5($2 || 'i' || n), 1, 16)
     FROM generate_series(1, $3::integer) n, generate_series(1, ${ROLES_A_PERSON}) k
     UNION ALL
     SELECT $1, $2, substr(md5($2 || 'r' || 1 + n % $4::integer), 1, 16), 'group', substr(md5($2 || 'g' || n), 1, 16)
     FROM generate_series(1, $5::integer) n ON CONFLICT DO NOTHING`,
    [...place, size.identities, size.roles, size.groups],
  );
  const [row] = await session.query(
    "SELECT identity_id FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND username_key = $3",
    [...place, SOUGHT_USERNAME],
  );
  return String(row?.identity_id);
}
