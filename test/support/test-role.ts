import { hexId } from "../../src/platform/random.ts";
import { insertGroup, insertGroupMembers } from "../../src/resources/group/queries.ts";
import {
  deleteRole,
  deleteRoleMembers,
  insertRole,
  insertRoleMembers,
  updateRoleSettings,
} from "../../src/resources/role/queries.ts";
import type { TestResourceServer, TestTenant } from "./test-tenant.ts";

/** A role of a resource server, as its administrator would change it. */
export interface TestRole {
  readonly roleId: string;
  setScopes(scopes: readonly string[]): Promise<void>;
  addMember(identityId: string): Promise<void>;
  removeMember(identityId: string): Promise<void>;
  /** Gives the role to a new group with these members. */
  addGroupOf(identityIds: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Makes a role directly in the database. */
export async function testRole(
  tenant: TestTenant,
  resourceServer: TestResourceServer,
  scopes: readonly string[],
): Promise<TestRole> {
  const { deps } = tenant.server;
  const db = deps.database.tenants([tenant.tenantId]);
  const key = { ...tenant.realm, roleId: hexId(deps.random) };
  const settingsFor = (held: readonly string[]) => ({
    display_name: `Role ${key.roleId}`,
    description: "",
    scopes: [...held],
  });
  const { resourceServerId } = resourceServer;
  await insertRole(db, key, { resourceServerId, settings: settingsFor(scopes) }, deps.clock.nowMs());
  return {
    roleId: key.roleId,
    setScopes: (held) => updateRoleSettings(db, key, settingsFor(held), deps.clock.nowMs()),
    addMember: async (identityId) => {
      await insertRoleMembers(db, key, { kind: "identity", ids: [identityId] }, deps.clock.nowMs());
    },
    removeMember: async (identityId) => {
      await deleteRoleMembers(db, key, { kind: "identity", ids: [identityId] }, deps.clock.nowMs());
    },
    addGroupOf: async (identityIds) => {
      const group = { ...tenant.realm, groupId: hexId(deps.random) };
      const settings = { display_name: `Group ${group.groupId}`, description: "" };
      await insertGroup(db, group, settings, deps.clock.nowMs());
      await insertGroupMembers(db, group, identityIds, deps.clock.nowMs());
      await insertRoleMembers(db, key, { kind: "group", ids: [group.groupId] }, deps.clock.nowMs());
    },
    remove: () => deleteRole(db, key, deps.clock.nowMs()),
  };
}
