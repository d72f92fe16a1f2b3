import { type Static, Type } from "typebox";
import { PLACE, TIMES } from "../answer-parts.ts";
import { Description, HexId, IdentityIds, Name } from "../schema-parts.ts";
import { bodyOf } from "../settings.ts";

/** What is written of a group. */
export const GroupSettings = Type.Object(
  { display_name: Name, description: Description },
  { additionalProperties: false },
);
export type GroupSettings = Static<typeof GroupSettings>;

export const GroupBody = bodyOf(GroupSettings);
export type GroupBody = Static<typeof GroupBody>;

/** A group as the API shows it. */
export const GroupAnswer = Type.Object(
  { id: HexId, ...PLACE, ...GroupSettings.properties, ...TIMES },
  { additionalProperties: false },
);
export type GroupAnswer = Static<typeof GroupAnswer>;

/** Members to be added to a group or taken from it. */
export const GroupMembersBody = Type.Object({ identity_ids: IdentityIds }, { additionalProperties: false });
