// The built-in resource server of an admin realm, and the role that holds all of it (reference 2.1, 2.3).

import type { Queryable } from "../database/database.ts";
import { hexId, type Random, uuid } from "../platform/random.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { MANAGEMENT_IDENTIFIER, MANAGEMENT_SCOPES } from "../protocol/management-scopes.ts";
import { insertGroup } from "../resources/group/queries.ts";
import { insertPolicy } from "../resources/policy/queries.ts";
import { ACCESS_GROUP, adminPolicy } from "../resources/policy/rules.ts";
import { insertResourceServer } from "../resources/resource-server/queries.ts";
import { RESOURCE_SERVER_DEFAULTS } from "../resources/resource-server/rules.ts";
import type { ResourceServerSettings } from "../resources/resource-server/schema.ts";
import { insertRole } from "../resources/role/queries.ts";
import type { RoleSettings } from "../resources/role/schema.ts";

/** The role whose members may do everything. */
export const MANAGEMENT_ROLE: RoleSettings = {
  display_name: "Super Administrators",
  description: "",
  scopes: [...MANAGEMENT_SCOPES],
};

/** What the built-in resource server is. The rule for new ones would refuse its identifier, which is reserved for it. */
export const MANAGEMENT_SERVER: ResourceServerSettings = {
  ...RESOURCE_SERVER_DEFAULTS,
  display_name: "Mayfly Management API",
  identifier: MANAGEMENT_IDENTIFIER,
  scopes: [...MANAGEMENT_SCOPES],
  scope_policies: [],
  introspectors: [],
};

/** Where the built-in resource server and its role are to be. */
export interface ManagementServerKey extends RealmKey {
  readonly resourceServerId: string;
  readonly roleId: string;
  /** of the group whose members may log in to the administration */
  readonly accessGroupId: string;
}

/** Ids for the built-in resource server of a realm and its role. */
export function newManagementServerKey(random: Random, realm: RealmKey): ManagementServerKey {
  const { tenantId, realmId } = realm;
  return { tenantId, realmId, resourceServerId: uuid(random), roleId: hexId(random), accessGroupId: hexId(random) };
}

/** Stores the built-in resource server of a new admin realm, its role, and who may log in to the administration: nobody yet. */
export async function insertManagementServer(db: Queryable, key: ManagementServerKey, nowMs: number): Promise<void> {
  await insertResourceServer(db, key, { isManaged: true, settings: MANAGEMENT_SERVER }, nowMs);
  await insertRole(db, key, { resourceServerId: key.resourceServerId, settings: MANAGEMENT_ROLE }, nowMs);
  await insertGroup(db, { ...key, groupId: key.accessGroupId }, ACCESS_GROUP, nowMs);
  await insertPolicy(db, key, { version: 1, policy: adminPolicy(key.accessGroupId) }, nowMs);
}
