import { type Static, Type } from "typebox";
import { Description, Name, Scopes } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** What is written of a role. */
export const RoleSettings = Type.Object(
  { display_name: Name, description: Description, scopes: Scopes },
  { additionalProperties: false },
);
export type RoleSettings = Static<typeof RoleSettings>;

export const RoleBody = bodyOf(RoleSettings);
export type RoleBody = Static<typeof RoleBody>;
