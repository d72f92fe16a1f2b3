import { timesOf } from "../answer-parts.ts";
import { type Checked, createBodyReader } from "../settings.ts";
import type { Group } from "./queries.ts";
import { type GroupAnswer, type GroupBody, GroupSettings } from "./schema.ts";

const read = createBodyReader("group", GroupSettings);

const DEFAULTS = { description: "" } as const satisfies GroupBody;

/** The settings of a new group, or what is wrong with them. */
export function createGroup(body: GroupBody): Checked<GroupSettings> {
  return read.create(DEFAULTS, body);
}

/** The settings of a group after a change, or what is wrong with them. */
export function updateGroup(current: GroupSettings, body: GroupBody): Checked<GroupSettings> {
  return read.update(current, body, DEFAULTS);
}

/** A group as the API shows it. */
export function groupAnswerOf(group: Group): GroupAnswer {
  const { tenantId, realmId, groupId } = group.key;
  return { id: groupId, tenant_id: tenantId, realm_id: realmId, ...group.settings, ...timesOf(group) };
}
