// What changes groups and who is in them, for every route that does: the API's own and SCIM's.

import type { Queryable } from "../../database/database.ts";
import { notFound } from "../../http/management-error.ts";
import { hexId } from "../../platform/random.ts";
import type { MemberChange } from "../../protocol/scim-members.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandPowerOver } from "../demand-power.ts";
import { type EventKind, listChanged } from "../event-draft.ts";
import { holdIdentities } from "../identity/queries.ts";
import type { WriteCall } from "../operations.ts";
import {
  deleteGroup,
  deleteGroupMembers,
  findGroup,
  type Group,
  type GroupKey,
  holdGroup,
  insertGroup,
  insertGroupMembers,
  listGroupMembers,
  updateGroupSettings,
} from "./queries.ts";
import type { GroupSettings } from "./schema.ts";

/** Members read in one statement. */
const MEMBERS_AT_ONCE = 1_000;

type AnyCall = Call<unknown, unknown>;
type AnyWrite = WriteCall<unknown, unknown>;

/** What the events of groups are about. */
export const GROUP_EVENT = { type: "V1GroupChange", resource: "Group" } as const satisfies Partial<EventKind>;
/** What the events of memberships are about. */
export const MEMBERSHIP_EVENT = {
  type: "V1GroupMembershipChange",
  resource: "Group",
} as const satisfies Partial<EventKind>;
/** What is said of a name that is taken. */
export const GROUP_CONFLICTS = { groups_display_name: "group already exists" } as const;

/** The group that a call's path names. */
export function groupKeyOf(call: AnyCall): GroupKey {
  return { ...realmOf(call), groupId: readPathId(call.request, { parameter: "group", shape: "hex", kind: "Group" }) };
}

/** Reads the group of a call's path. Throws 404 where there is none. */
export async function getGroup(call: AnyCall): Promise<Group> {
  const key = groupKeyOf(call);
  const group = await findGroup(call.db, key);
  if (group === undefined) throw notFound("Group", key.groupId);
  return group;
}

/** Reads the group of a call's path and keeps it as it is until the transaction ends. Throws 404 where there is none. */
export async function getHeldGroup(call: AnyWrite): Promise<Group> {
  const key = groupKeyOf(call);
  const group = await holdGroup(call.db, key);
  if (group === undefined) throw notFound("Group", key.groupId);
  return group;
}

/** Stores a new group of the call's realm, which has no members and gives no roles. */
export async function storeNewGroup({ db, nowMs, ...call }: AnyWrite, settings: GroupSettings): Promise<Group> {
  const key = { ...realmOf(call), groupId: hexId(call.deps.random) };
  await insertGroup(db, key, settings, nowMs);
  return { key, settings, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs };
}

/**
 * Stores what a group, which the call holds, is changed to. Throws 403 where another name is given to a group whose roles hold more than
 * the caller (rule 1): a declarative file finds groups by their names, and would give those roles to whichever bears the name then.
 *
 * @returns the group as it is then, and the names of what changed
 */
export async function storeGroupChange(
  call: AnyWrite,
  group: Group,
  settings: GroupSettings,
): Promise<{ readonly group: Group; readonly changed: readonly string[] }> {
  const { db, nowMs } = call;
  if (settings.display_name !== group.settings.display_name) await demandPower(call, group.key.groupId, []);
  await updateGroupSettings(db, group.key, settings, nowMs);
  const changed = listChanged(group.settings, settings);
  return { group: { ...group, settings, version: group.version + 1, updatedAtMs: nowMs }, changed };
}

/** Deletes a group that the call holds. Throws 403 where it gives roles that hold more than the caller (rule 1). */
export async function removeGroup(call: AnyWrite, { key }: Group): Promise<void> {
  await demandPower(call, key.groupId, []);
  await deleteGroup(call.db, key, call.nowMs);
}

/**
 * Adds members to a group that the call holds, all or none; those that are members already stay.
 *
 * @returns the group as it is then
 * @throws ManagementError 404 for an identity that there is not; 403 as rule 1 says
 */
export async function addMembers(call: AnyWrite, group: Group, identityIds: readonly string[]): Promise<Group> {
  const { key } = group;
  const held = new Set(await holdIdentities(call.db, key, identityIds));
  const unknown = identityIds.find((id) => !held.has(id));
  if (unknown !== undefined) throw notFound("Identity", unknown);
  await demandPower(call, key.groupId, identityIds);
  return countedAs(call, group, await insertGroupMembers(call.db, key, identityIds, call.nowMs));
}

/** Takes members out of a group that the call holds; those that are none are ignored. Returns it as it is then; throws 403 as rule 1 says. */
export async function removeMembers(call: AnyWrite, group: Group, identityIds: readonly string[]): Promise<Group> {
  const { key } = group;
  await holdIdentities(call.db, key, identityIds);
  await demandPower(call, key.groupId, identityIds);
  return countedAs(call, group, await deleteGroupMembers(call.db, key, identityIds, call.nowMs));
}

function countedAs({ nowMs }: AnyWrite, group: Group, version: number | undefined): Group {
  return version === undefined ? group : { ...group, version, updatedAtMs: nowMs };
}

/**
 * Changes who is in a group that the call holds, and records what came of it.
 *
 * @returns the ids of identities that were to be added and that there are not: then nothing was changed
 * @throws ManagementError 403 as rule 1 says
 */
export async function changeMembers(
  call: AnyWrite,
  { key }: Group,
  { isWhole, added, removed }: MemberChange,
): Promise<readonly string[]> {
  const current = isWhole ? new Set(await readMembers(call.db, key)) : undefined;
  const joining = [...added].filter((id) => current?.has(id) !== true);
  const leaving = current === undefined ? [...removed] : [...current].filter((id) => !added.has(id));
  const held = new Set(await holdIdentities(call.db, key, [...joining, ...leaving]));
  const unknown = joining.filter((id) => !held.has(id));
  if (unknown.length > 0) return unknown;
  if (joining.length + leaving.length === 0) return [];
  await demandPower(call, key.groupId, [...joining, ...leaving]);
  if (joining.length > 0) {
    await insertGroupMembers(call.db, key, joining, call.nowMs);
    call.record({ ...MEMBERSHIP_EVENT, action: "CREATE", id: key.groupId, facts: { identity_ids: joining } });
  }
  if (leaving.length > 0) {
    await deleteGroupMembers(call.db, key, leaving, call.nowMs);
    call.record({ ...MEMBERSHIP_EVENT, action: "DELETE", id: key.groupId, facts: { identity_ids: leaving } });
  }
  return [];
}

/** Deletes a group that the call holds, whoever is in it. Throws 403 as rule 1 says, of the group and of all its members. */
export async function removeGroupWithMembers(call: AnyWrite, { key }: Group): Promise<void> {
  await demandPower(call, key.groupId, await readMembers(call.db, key));
  await deleteGroup(call.db, key, call.nowMs);
}

async function readMembers(db: Queryable, key: GroupKey): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const page = await listGroupMembers(db, key, { after: ids.at(-1) ?? "", limit: MEMBERS_AT_ONCE });
    ids.push(...page);
    if (page.length < MEMBERS_AT_ONCE) return ids;
  }
}

// Rule 1: what the group gives its members, and what they hold already.
function demandPower(call: AnyWrite, groupId: string, identityIds: readonly string[]): Promise<void> {
  return demandPowerOver(call, realmOf(call), { groupIds: [groupId], identityIds });
}
