import { ManagementError } from "../http/management-error.ts";
import { type Call, realmOf } from "./call.ts";
import type { ListSource } from "./list-operation.ts";
import { findResourceServer } from "./resource-server/queries.ts";
import { countRolesOf, listRolesOf, type Role, type RoleHolder } from "./role/queries.ts";
import { roleAnswerOf } from "./role/rules.ts";
import type { RoleAnswer } from "./role/schema.ts";

/** Whose roles are listed. */
export interface HeldRolesParts {
  readonly holder: RoleHolder;
  /** only those of this resource server; empty for all */
  readonly resourceServerId: string;
  /** throws 404 where there is no such holder */
  readonly demandHolder: () => Promise<unknown>;
}

/** The roles that an identity or a group holds, as a list's source. Throws 409 for an unknown resource server (reference 2.2). */
export function heldRoles(call: Call<unknown, unknown>, parts: HeldRolesParts): ListSource<Role, RoleAnswer> {
  const { holder, resourceServerId, demandHolder } = parts;
  const realm = realmOf(call);
  const chosen = { resourceServerId: resourceServerId === "" ? undefined : resourceServerId };
  const demandServer = async (): Promise<void> => {
    if (resourceServerId === "" || (await findResourceServer(call.db, { ...realm, resourceServerId }))) return;
    const description = "resource server not found";
    const detail = {
      type: "ResourceInfo",
      resource_type: "ResourceServer",
      id: resourceServerId,
      description,
    } as const;
    throw new ManagementError("conflict", description, { details: [detail] });
  };
  return {
    page: (page) => listRolesOf(call.db, realm, holder, { ...page, ...chosen }),
    count: async () => {
      const [size] = await Promise.all([countRolesOf(call.db, realm, holder, chosen), demandServer(), demandHolder()]);
      return size;
    },
    idOf: ({ key }) => key.roleId,
    show: roleAnswerOf,
  };
}
