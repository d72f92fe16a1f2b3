import { type Static, Type } from "typebox";
import { Description, Name } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** What is written of a group. */
export const GroupSettings = Type.Object(
  { display_name: Name, description: Description },
  { additionalProperties: false },
);
export type GroupSettings = Static<typeof GroupSettings>;

export const GroupBody = bodyOf(GroupSettings);
export type GroupBody = Static<typeof GroupBody>;
