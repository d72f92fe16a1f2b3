import type { Queryable } from "../../database/database.ts";
import { statement } from "../../database/statement.ts";
import type { ResourceServerKey } from "../resource-server/queries.ts";

const takeFromRoles = statement(
  "scope_loss.take_from_roles",
  `UPDATE roles SET scopes = ARRAY(SELECT kept.scope FROM unnest(scopes) WITH ORDINALITY AS kept(scope, n)
       WHERE NOT kept.scope = ANY ($4) ORDER BY kept.n), updated_at_ms = $5, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3 AND scopes && $4::text[] AND deleted_at_ms IS NULL
   RETURNING role_id`,
);

const takeFromApplications = statement(
  "scope_loss.take_from_applications",
  `UPDATE applications SET protocol_config = jsonb_set(protocol_config, '{allowed_scopes}', COALESCE(
       (SELECT jsonb_agg(kept.scope ORDER BY kept.n)
        FROM jsonb_array_elements_text(protocol_config -> 'allowed_scopes') WITH ORDINALITY AS kept(scope, n)
        WHERE NOT kept.scope = ANY ($4)), '[]')), updated_at_ms = $5, version = version + 1
   WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3 AND protocol_config -> 'allowed_scopes' ?| $4::text[]
     AND deleted_at_ms IS NULL
   RETURNING application_id`,
);

/** Who had a scope that is gone. */
export interface ScopeLosers {
  readonly roleIds: readonly string[];
  readonly applicationIds: readonly string[];
}

/** Takes scopes that a resource server has no more from every role and application that has one of them. */
export async function takeLostScopes(
  db: Queryable,
  { tenantId, realmId, resourceServerId }: ResourceServerKey,
  scopes: readonly string[],
  nowMs: number,
): Promise<ScopeLosers> {
  const values = [tenantId, realmId, resourceServerId, scopes, nowMs];
  const roles = await db.run(takeFromRoles, values);
  const applications = await db.run(takeFromApplications, values);
  return {
    roleIds: roles.map((row) => String(row.role_id)),
    applicationIds: applications.map((row) => String(row.application_id)),
  };
}
