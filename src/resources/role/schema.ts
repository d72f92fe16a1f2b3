import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { Description, HexId, HexIds, Name, SCOPES_MAX, Scope, Scopes, Uuid } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** What is written of a role. */
export const RoleSettings = Type.Object(
  { display_name: Name, description: Description, scopes: Scopes },
  { additionalProperties: false },
);
export type RoleSettings = Static<typeof RoleSettings>;

export const RoleBody = bodyOf(RoleSettings);
export type RoleBody = Static<typeof RoleBody>;

const RoleNames = Type.Object({ display_name: Name, description: Description }, { additionalProperties: false });

/** What the API writes of a role: its scopes and members have operations of their own. */
export const RoleNamesBody = bodyOf(RoleNames);

/** A role as the API shows it (reference 2.2): without scopes and members. */
export const RoleAnswer = Type.Object(
  { id: HexId, resource_server_id: Uuid, ...PLACE, ...RoleNames.properties, ...TIMES },
  { additionalProperties: false },
);
export type RoleAnswer = Static<typeof RoleAnswer>;

/** Members to be added to a role or taken from it: at least one in total. */
export const RoleMembersBody = Type.Object(
  { group_ids: Type.Optional(HexIds), identity_ids: Type.Optional(HexIds) },
  { additionalProperties: false },
);
export type RoleMembersBody = Static<typeof RoleMembersBody>;

/** Scopes to be added to a role or taken from it. */
export const RoleScopesBody = Type.Object(
  { scopes: Type.Array(Scope, { minItems: 1, maxItems: SCOPES_MAX }) },
  { additionalProperties: false },
);
