import { type Checked, createBodyReader } from "../settings.ts";
import { type GroupBody, GroupSettings } from "./schema.ts";

const read = createBodyReader("group", GroupSettings);

/** The settings of a new group, or what is wrong with them. */
export function createGroup(body: GroupBody): Checked<GroupSettings> {
  return read.create({ description: "" }, body);
}

/** The settings of a group after a change, or what is wrong with them. */
export function updateGroup(current: GroupSettings, body: GroupBody): Checked<GroupSettings> {
  return read.update(current, body);
}
