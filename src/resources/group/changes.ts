// What changes groups and who is in them, for every route that does: the API's own and SCIM's.

import { notFound } from "../../http/management-error.ts";
import { hexId } from "../../platform/random.ts";
import { readPowerOf } from "../authority/queries.ts";
import { demandCover } from "../authority/rules.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
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
  updateGroupSettings,
} from "./queries.ts";
import type { GroupSettings } from "./schema.ts";

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

/** Stores what a group, which the call holds, is changed to. Returns it as it is then, and the names of what changed. */
export async function storeGroupChange(
  { db, nowMs }: AnyWrite,
  group: Group,
  settings: GroupSettings,
): Promise<{ readonly group: Group; readonly changed: readonly string[] }> {
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
 * @throws ManagementError 404 for an identity that there is not; 403 as rule 1 says
 */
export async function addMembers(call: AnyWrite, { key }: Group, identityIds: readonly string[]): Promise<void> {
  const held = new Set(await holdIdentities(call.db, key, identityIds));
  const unknown = identityIds.find((id) => !held.has(id));
  if (unknown !== undefined) throw notFound("Identity", unknown);
  await demandPower(call, key.groupId, identityIds);
  await insertGroupMembers(call.db, key, identityIds);
}

/** Takes members out of a group that the call holds; those that are none are ignored. Throws 403 as rule 1 says. */
export async function removeMembers(call: AnyWrite, { key }: Group, identityIds: readonly string[]): Promise<void> {
  await holdIdentities(call.db, key, identityIds);
  await demandPower(call, key.groupId, identityIds);
  await deleteGroupMembers(call.db, key, identityIds);
}

// Rule 1: what the group gives its members, and what they hold already.
async function demandPower(call: AnyWrite, groupId: string, identityIds: readonly string[]): Promise<void> {
  const power = await readPowerOf(call.db, realmOf(call), { groupIds: [groupId], identityIds });
  if (power !== undefined) demandCover(call.caller, [power]);
}
