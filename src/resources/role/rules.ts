import { timesOf } from "../answer-parts.ts";
import { refuseOthers, refuseRepeats } from "../list-rules.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import type { Role } from "./queries.ts";
import { type RoleAnswer, type RoleBody, RoleSettings } from "./schema.ts";

const read = createBodyReader("role", RoleSettings);
const SCOPES = "role.scopes";
const DEFAULTS = { description: "", scopes: [] } as const satisfies RoleBody;

/** The resource server that a role belongs to. */
export interface RoleSurroundings {
  readonly scopes: readonly string[];
}

/** The settings of a new role, or what is wrong with them. */
export function createRole(body: RoleBody, resourceServer: RoleSurroundings): Checked<RoleSettings> {
  const created = read.create(DEFAULTS, body);
  return refine(created, (settings) => checkScopes(settings, resourceServer));
}

/** The settings of a role after a change, or what is wrong with them. */
export function updateRole(
  current: RoleSettings,
  body: RoleBody,
  resourceServer: RoleSurroundings,
): Checked<RoleSettings> {
  return refine(read.update(current, body, DEFAULTS), (settings) => checkScopes(settings, resourceServer));
}

function checkScopes(settings: RoleSettings, resourceServer: RoleSurroundings) {
  const known = new Set(resourceServer.scopes);
  const isKnown = { has: (scope: string) => known.has(scope), reason: "is not a scope of the resource server" };
  return [...refuseRepeats(SCOPES, settings.scopes), ...refuseOthers(SCOPES, settings.scopes, isKnown)];
}

/** A role as the API shows it. */
export function roleAnswerOf(role: Role): RoleAnswer {
  const { key, resourceServerId, settings } = role;
  return {
    id: key.roleId,
    resource_server_id: resourceServerId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    display_name: settings.display_name,
    description: settings.description,
    ...timesOf(role),
  };
}
